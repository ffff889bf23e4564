// Records as the field's other formats.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <set>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/data/formats.h"

namespace tal {
namespace {

struct Row {
  Segment segment;
  std::string label;
  std::optional<double> score;
};

bool wants_proposals(const Record& record, const ExportOptions& options) {
  if (options.segments == "auto") return record.has("proposals");
  return options.segments == "proposals";
}

std::vector<Row> rows_of(const Record& record, const ExportOptions& options) {
  std::vector<Row> rows;
  if (wants_proposals(record, options)) {
    for (const auto& p : record.proposals())
      rows.push_back({p.segment, std::string(p.label),
                      p.source.score_end > p.source.score_begin ? std::optional<double>(p.score) : std::nullopt});
  } else {
    for (const auto& a : record.annotations(true)) rows.push_back({a.segment, a.label, std::nullopt});
  }
  return rows;
}

// {"version":..., <key>:{"video":...}}; what the importer kept beside the videos comes back.
class ActivityNetWriter : public ExportWriter {
 public:
  ActivityNetWriter(const char* key, const ExportOptions& options) : key_(key), options_(options) {}
  void add(const Record& record, std::string& out) override {
    if (const auto beside = record.raw("activitynet"); beside && beside_.empty()) beside_ = *beside;
    out += first_ ? "{\"" + key_ + "\":{" : ",";
    first_ = false;
    append_json_string(out, record.video());
    out += ':';
    value(record, out);
    out += '\n';
  }
  void end(std::string& out) override {
    if (first_) out += "{\"" + key_ + "\":{";
    out += '}';
    if (!options_.version.empty() || beside_.empty()) {
      out += ",\"version\":";
      append_json_string(out, options_.version.empty() ? "VERSION 1.3" : options_.version);
    }
    if (!beside_.empty()) {
      Record beside = Record::make("beside");
      beside.parse("{\"video\":\"beside\"," + beside_.substr(beside_.find('{') + 1));
      for (const auto name : beside.keys()) {
        if (name == "video" || (name == "version" && !options_.version.empty())) continue;
        out += ',';
        append_json_string(out, name);
        out += ':';
        out += *beside.raw(name);
      }
    }
    out += "}\n";
  }

 protected:
  virtual void value(const Record& record, std::string& out) = 0;

 private:
  std::string key_, beside_;
  ExportOptions options_;
  bool first_ = true;
};

class GroundTruthWriter : public ActivityNetWriter {
 public:
  explicit GroundTruthWriter(const ExportOptions& options) : ActivityNetWriter("database", options) {}
  void value(const Record& record, std::string& out) override {
    static const std::set<std::string_view> ours = {"video",       "path",       "history",        "proposals",
                                                    "features",    "window",     "classification", "maps",
                                                    "activitynet", "annotations"};
    (void)record.annotations(true);  // only what reads back is written
    out += "{\"annotations\":";
    out += record.raw("annotations").value_or("[]");
    for (const auto key : record.keys()) {
      if (ours.count(key)) continue;
      out += ',';
      append_json_string(out, key);
      out += ':';
      out += *record.raw(key);
    }
    out += '}';
  }
};

class ResultWriter : public ActivityNetWriter {
 public:
  explicit ResultWriter(const ExportOptions& options) : ActivityNetWriter("results", options) {}
  void value(const Record& record, std::string& out) override {
    if (!record.has("proposals")) throw Error("missing").at_field("proposals").at_video(record.video());
    out += *record.raw("proposals");
  }
};

class ThumosWriter : public ExportWriter {
 public:
  explicit ThumosWriter(const ExportOptions& options) : options_(options) {
    for (const auto& [number, name] : options.classes) numbers_.emplace(name, number - options.class_offset);
  }
  void add(const Record& record, std::string& out) override {
    if (record.video().find_first_of(" \t\n") != std::string::npos)
      throw Error("an id with blanks cannot be written in this format").at_field("video").at_video(record.video());
    std::size_t index = 0;
    for (const auto& row : rows_of(record, options_)) {
      const std::string place = "proposals[" + std::to_string(index++) + "]";
      if (!row.score) throw Error("missing").at_field(place + ".score").at_video(record.video());
      out += record.video() + ' ' + format_number(row.segment.start) + ' ' + format_number(row.segment.end) + ' ';
      out += number(row.label, place, record.video()) + ' ' + format_number(*row.score) + '\n';
    }
  }

 private:
  std::string number(const std::string& label, const std::string& place, const std::string& video) const {
    const auto found = numbers_.find(label);
    if (found != numbers_.end()) return std::to_string(found->second);
    if (numbers_.empty() && !label.empty() && label.size() < 10 &&
        label.find_first_not_of("0123456789") == std::string::npos)
      return label;
    throw Error("'" + label + "' has no number" + (numbers_.empty() ? "; give --classes FILE" : " in --classes"))
        .at_field(place + ".label")
        .at_video(video);
  }
  ExportOptions options_;
  std::map<std::string, std::int64_t> numbers_;
};

class CsvWriter : public ExportWriter {
 public:
  CsvWriter(const ExportOptions& options, char separator) : options_(options), separator_(separator) {}
  void add(const Record& record, std::string& out) override {
    head(out);
    for (const auto& row : rows_of(record, options_)) {
      field(record.video(), out);
      out += separator_ + format_number(row.segment.start) + separator_ + format_number(row.segment.end) + separator_;
      field(row.label, out);
      out += separator_ + (row.score ? format_number(*row.score) : "") + '\n';
    }
  }
  void end(std::string& out) override { head(out); }

 private:
  void head(std::string& out) {
    if (std::exchange(started_, true)) return;
    bool first = true;
    for (const char* name : {"video", "start", "end", "label", "score"}) {
      if (!std::exchange(first, false)) out += separator_;
      out += name;
    }
    out += '\n';
  }
  void field(std::string_view text, std::string& out) const {
    if (text.find_first_of("\"\r\n") == std::string_view::npos && text.find(separator_) == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (const char c : text) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  ExportOptions options_;
  char separator_;
  bool started_ = false;
};

long long milliseconds(double seconds, const std::string& video) {
  if (!(seconds >= 0 && seconds < 1e9))
    throw Error(format_number(seconds) + " s cannot be written as a time mark").at_field("segment").at_video(video);
  return std::llround(seconds * 1000);
}

// Subtitles: a cue a segment, in order of time.
class CueWriter : public ExportWriter {
 public:
  explicit CueWriter(const ExportOptions& options) : options_(options) {}
  void add(const Record& record, std::string& out) override {
    auto rows = rows_of(record, options_);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.segment.start < b.segment.start; });
    head(out);
    std::size_t number = 0;
    for (const auto& row : rows) {
      const long long start = milliseconds(row.segment.start, record.video());
      const long long end = std::max(start + 1, milliseconds(row.segment.end, record.video()));  // a cue must last
      std::string text;
      for (const char c : row.label.empty() ? std::string("segment") : row.label)
        append(c == '\n' || c == '\r' ? ' ' : c, text);
      cue(++number, mark(start), mark(end), text + (row.score ? ' ' + format_number(*row.score) : ""), out);
    }
  }

 protected:
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
  ExportOptions options_;
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

class ElanWriter : public ExportWriter {
 public:
  explicit ElanWriter(const ExportOptions& options) : options_(options) {}
  std::string extension() const override { return ".eaf"; }
  void add(const Record& record, std::string& out) override {
    const auto rows = rows_of(record, options_);
    out +=
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT AUTHOR=\"tal-convert\" "
        "DATE=\"1970-01-01T00:00:00+00:00\" "
        "FORMAT=\"3.0\" VERSION=\"3.0\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n<HEADER MEDIA_FILE=\"\" "
        "TIME_UNITS=\"milliseconds\">";
    if (const auto path = record.text("path"))
      out += "<MEDIA_DESCRIPTOR MEDIA_URL=\"" + escape(*path) + "\" MIME_TYPE=\"video/mp4\"/>";
    out += "</HEADER>\n<TIME_ORDER>\n";
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (int k = 0; k < 2; ++k)
        out += "<TIME_SLOT TIME_SLOT_ID=\"ts" + std::to_string(2 * i + k + 1) + "\" TIME_VALUE=\"" +
               std::to_string(milliseconds(k ? rows[i].segment.end : rows[i].segment.start, record.video())) + "\"/>\n";
    // Annotations of one ELAN tier must not overlap: each goes to the first tier that is free.
    std::vector<std::pair<double, std::string>> tiers;
    std::vector<std::size_t> order(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return rows[a].segment.start < rows[b].segment.start; });
    for (const std::size_t i : order) {
      auto tier =
          std::find_if(tiers.begin(), tiers.end(), [&](const auto& t) { return t.first <= rows[i].segment.start; });
      if (tier == tiers.end()) tier = tiers.insert(tier, {0, ""});
      tier->first = rows[i].segment.end;
      tier->second += "<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a" + std::to_string(i + 1) +
                      "\" TIME_SLOT_REF1=\"ts" + std::to_string(2 * i + 1) + "\" TIME_SLOT_REF2=\"ts" +
                      std::to_string(2 * i + 2) + "\"><ANNOTATION_VALUE>" + escape(rows[i].label) +
                      (rows[i].score ? " " + format_number(*rows[i].score) : "") +
                      "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n";
    }
    out += "</TIME_ORDER>\n";
    const std::string name = wants_proposals(record, options_) ? "proposals" : "annotations";
    for (std::size_t t = 0; t < tiers.size(); ++t)
      out += "<TIER LINGUISTIC_TYPE_REF=\"default-lt\" TIER_ID=\"" + name + (t ? " " + std::to_string(t + 1) : "") +
             "\">\n" + tiers[t].second + "</TIER>\n";
    out +=
        "<LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"default-lt\" "
        "TIME_ALIGNABLE=\"true\"/>\n</ANNOTATION_DOCUMENT>\n";
  }

 private:
  static std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '&') out += "&amp;";
      else if (c == '<') out += "&lt;";
      else if (c == '>') out += "&gt;";
      else if (c == '"') out += "&quot;";
      else out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out;
  }
  ExportOptions options_;
};

class BsnWriter : public ExportWriter {
 public:
  explicit BsnWriter(const ExportOptions&) {}
  std::string extension() const override { return ".csv"; }
  void add(const Record& record, std::string& out) override {
    const auto& proposals = record.require_proposals();
    const double duration = record.require_duration();
    std::vector<std::string> names;
    std::vector<std::map<std::string, double>> rows;
    bool scored = false, t_names = false;
    for (const auto& p : proposals) {
      auto& row = rows.emplace_back();
      for (auto& [name, value] : named_scores(p)) {
        if (name == "tmin") t_names = true;
        if (name != "xmin" && name != "xmax" && name != "tmin" && name != "tmax" &&
            std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(name);
        row.emplace(std::move(name), value);
      }
      scored = scored || p.source.score_end > p.source.score_begin;
    }
    const std::string low = t_names ? "tmin" : "xmin", high = t_names ? "tmax" : "xmax";
    out += low + ',' + high;
    for (const auto& name : names) {
      if (name.find_first_of(",\"\r\n") != std::string::npos)
        throw Error("a score's name cannot be a column").at_field("scores." + name).at_video(record.video());
      out += ',' + name;
    }
    out += scored ? ",score\n" : "\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto relative = [&](const std::string& name, double seconds) {
        const auto kept = rows[i].find(name);  // the imported number, as long as the time is still the one it made
        return kept != rows[i].end() && kept->second * duration == seconds ? kept->second : seconds / duration;
      };
      out += format_number(relative(low, proposals[i].segment.start)) + ',' +
             format_number(relative(high, proposals[i].segment.end));
      for (const auto& name : names) {
        const auto found = rows[i].find(name);
        if (found == rows[i].end())
          throw Error("missing; the video's other proposals have it")
              .at_field("proposals[" + std::to_string(i) + "].scores." + name)
              .at_video(record.video());
        out += ',' + format_number(found->second);
      }
      out += scored ? ',' + format_number(proposals[i].score) + '\n' : "\n";
    }
  }
};

template <class Writer>
std::unique_ptr<ExportWriter> make(const ExportOptions& options) {
  return std::make_unique<Writer>(options);
}

}  // namespace

const std::vector<ExportFormat>& export_formats() {
  static const std::vector<ExportFormat> formats = {
      {"tal", "Records, one JSON object a line", {}, nullptr},
      {"activitynet-results", "ActivityNet's results JSON", {"--dataset-version"}, make<ResultWriter>},
      {"activitynet-gt", "ActivityNet's annotation JSON", {"--dataset-version"}, make<GroundTruthWriter>},
      {"thumos14-results",
       "video start end class score",
       {"--classes", "--class-offset", "--segments"},
       make<ThumosWriter>},
      {"csv",
       "video,start,end,label,score",
       {"--segments"},
       [](const ExportOptions& o) -> std::unique_ptr<ExportWriter> { return std::make_unique<CsvWriter>(o, ','); }},
      {"tsv",
       "The same with tabs",
       {"--segments"},
       [](const ExportOptions& o) -> std::unique_ptr<ExportWriter> { return std::make_unique<CsvWriter>(o, '\t'); }},
      {"webvtt", "Subtitles, one file a video", {"--segments"}, make<WebVttWriter>},
      {"srt", "SubRip subtitles, one file a video", {"--segments"}, make<SrtWriter>},
      {"elan", "ELAN's .eaf, one file a video", {"--segments"}, make<ElanWriter>},
      {"bsn-proposals", "BSN's CSV, one file a video", {}, make<BsnWriter>},
  };
  return formats;
}

}  // namespace tal
