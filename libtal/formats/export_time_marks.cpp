// Subtitles and ELAN's documents: one a video, with times to the millisecond.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "libtal/base/number.h"
#include "libtal/base/xml.h"
#include "libtal/formats/export_support.h"

namespace tal {
namespace {

// A row's times, rounded. Nothing lasts less than a millisecond: players show no such cue, and ELAN knows no
// annotation without length.
struct Marks {
  long long start, end;  // milliseconds
};

Marks marks_of(const ExportRow& row, const std::string& video) {
  for (const double seconds : {row.segment.start, row.segment.end})
    if (!(seconds >= 0 && seconds < 1e9))
      throw Error(format_number(seconds) + " s cannot be written as a time mark")
          .at_field(row.place + ".segment")
          .at_video(video);
  const long long start = std::llround(row.segment.start * 1000);
  return {start, std::max(start + 1, std::llround(row.segment.end * 1000))};
}

// Behind a label, for people: three digits, " 0.873"; "" without a score.
std::string score_text(const ExportRow& row) {
  if (!row.score) return "";
  char text[512];
  std::snprintf(text, sizeof text, std::fabs(*row.score) < 1000 ? " %.3g" : " %.0f", *row.score);
  return text;
}

// Subtitles: a cue a segment, in order of time.
class CueWriter : public SegmentWriter {
 public:
  explicit CueWriter(const ExportOptions& options) : SegmentWriter(options, "cue") {}

 protected:
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const ExportRow& a, const ExportRow& b) { return a.segment.start < b.segment.start; });
    head(out);
    std::size_t number = 0;
    for (const auto& row : rows) {
      const auto [start, end] = marks_of(row, record.video());
      std::string text;
      for (const char c : row.label.empty() ? std::string("segment") : row.label) {
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;  // a line end would end the cue
        if (control) changed(record.video());
        append(control ? ' ' : c, text);
      }
      cue(++number, mark(start), mark(end), text + score_text(row), out);
    }
  }
  std::string changes() const override {
    return "labels with line ends or control characters, which are blanks in the cues";
  }
  virtual void head(std::string&) const {}
  virtual char decimal() const = 0;
  virtual void append(char c, std::string& text) const = 0;
  virtual void cue(std::size_t number, const std::string& start, const std::string& end, const std::string& text,
                   std::string& out) const = 0;

 private:
  std::string mark(long long ms) const {
    char text[48];
    std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                  decimal(), ms % 1000);
    return text;
  }
};

class WebVttWriter : public CueWriter {
 public:
  using CueWriter::CueWriter;
  std::string extension() const override { return ".vtt"; }

 protected:
  void head(std::string& out) const override { out += "WEBVTT\n"; }
  char decimal() const override { return '.'; }
  void append(char c, std::string& text) const override {
    if (c == '&') text += "&amp;";
    else if (c == '<') text += "&lt;";
    else if (c == '>') text += "&gt;";
    else text += c;
  }
  void cue(std::size_t, const std::string& start, const std::string& end, const std::string& text,
           std::string& out) const override {
    out += '\n' + start + " --> " + end + '\n' + text + '\n';
  }
};

class SrtWriter : public CueWriter {
 public:
  using CueWriter::CueWriter;
  std::string extension() const override { return ".srt"; }

 protected:
  char decimal() const override { return ','; }
  // The format knows no escapes; players take <b> and the like for markup.
  void append(char c, std::string& text) const override { text += c == '<' ? '(' : c == '>' ? ')' : c; }
  void cue(std::size_t number, const std::string& start, const std::string& end, const std::string& text,
           std::string& out) const override {
    out += std::to_string(number) + '\n' + start + " --> " + end + '\n' + text + "\n\n";
  }
};

class ElanWriter : public SegmentWriter {
 public:
  explicit ElanWriter(const ExportOptions& options) : SegmentWriter(options, "tier") {}
  std::string extension() const override { return ".eaf"; }

 protected:
  std::string changes() const override {
    return "labels with control characters, which XML forbids: U+FFFD stands in their place";
  }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    std::vector<Marks> marks;
    for (const auto& row : rows) {
      marks.push_back(marks_of(row, record.video()));
      if (!fits_xml(row.label)) changed(record.video());
    }
    head(record, out);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (int k = 0; k < 2; ++k)
        out += "<TIME_SLOT TIME_SLOT_ID=\"ts" + std::to_string(2 * i + k + 1) + "\" TIME_VALUE=\"" +
               std::to_string(k ? marks[i].end : marks[i].start) + "\"/>\n";
    out += "</TIME_ORDER>\n";
    const std::string name = exports_proposals(record, options()) ? "proposals" : "annotations";
    const auto tiers = tiers_of(rows, marks);
    for (std::size_t t = 0; t < tiers.size(); ++t)
      out += "<TIER LINGUISTIC_TYPE_REF=\"default-lt\" TIER_ID=\"" + name + (t ? " " + std::to_string(t + 1) : "") +
             "\">\n" + tiers[t] + "</TIER>\n";
    out +=
        "<LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"default-lt\" "
        "TIME_ALIGNABLE=\"true\"/>\n</ANNOTATION_DOCUMENT>\n";
  }

 private:
  static void head(const Record& record, std::string& out) {
    out +=
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT AUTHOR=\"tal-convert\" "
        "DATE=\"1970-01-01T00:00:00+00:00\" "
        "FORMAT=\"3.0\" VERSION=\"3.0\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n<HEADER MEDIA_FILE=\"\" "
        "TIME_UNITS=\"milliseconds\">";
    if (const auto path = record.text("path"))
      out += "<MEDIA_DESCRIPTOR MEDIA_URL=\"" + escape_xml(*path) + "\" MIME_TYPE=\"video/mp4\"/>";
    out += "</HEADER>\n<TIME_ORDER>\n";
  }

  // Annotations of one ELAN tier must not overlap: each goes to the first tier that is free.
  static std::vector<std::string> tiers_of(const std::vector<ExportRow>& rows, const std::vector<Marks>& marks) {
    std::vector<std::string> tiers;
    std::vector<long long> ends;
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return marks[a].start < marks[b].start; });
    for (const std::size_t i : order) {
      const auto free = std::find_if(ends.begin(), ends.end(), [&](long long end) { return end <= marks[i].start; });
      const auto tier = static_cast<std::size_t>(free - ends.begin());
      if (tier == tiers.size()) tiers.emplace_back(), ends.emplace_back();
      ends[tier] = marks[i].end;
      tiers[tier] += "<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a" + std::to_string(i + 1) +
                     "\" TIME_SLOT_REF1=\"ts" + std::to_string(2 * i + 1) + "\" TIME_SLOT_REF2=\"ts" +
                     std::to_string(2 * i + 2) + "\"><ANNOTATION_VALUE>" + escape_xml(rows[i].label) +
                     score_text(rows[i]) + "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n";
    }
    return tiers;
  }
};

}  // namespace

std::unique_ptr<ExportWriter> make_webvtt_writer(const ExportOptions& options) {
  return std::make_unique<WebVttWriter>(options);
}
std::unique_ptr<ExportWriter> make_srt_writer(const ExportOptions& options) {
  return std::make_unique<SrtWriter>(options);
}
std::unique_ptr<ExportWriter> make_elan_writer(const ExportOptions& options) {
  return std::make_unique<ElanWriter>(options);
}

}  // namespace tal
