// Subtitles: WebVTT, SubRip, YouTube's SBV and SubStation Alpha.
#include <algorithm>
#include <cctype>
#include <cstdio>

#include "libtal/base/text.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/time_marks.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/digits.h"

namespace tal {
namespace {

enum class Subtitles { kWebVtt, kSrt, kSbv };

// "hh:mm:ss.mmm", hours of any length or none; a comma does as well. nullopt: no such time stands there.
std::optional<double> cue_time(std::string_view& text) {
  double parts[3] = {0, 0, 0}, fraction = 0;
  std::size_t count = 0, at = 0;
  const auto digits = [&](double& value) {
    const std::size_t begin = at;
    for (value = 0; at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 9; ++at)
      value = value * 10 + (text[at] - '0');
    return at - begin;
  };
  while (count < 3) {
    if (digits(parts[count++]) == 0) return std::nullopt;
    if (at >= text.size() || text[at] != ':') break;
    if (count < 3) ++at;
  }
  if (count < 2 || at >= text.size() || (text[at] != '.' && text[at] != ',')) return std::nullopt;
  ++at;
  const std::size_t places = digits(fraction);
  if (places < 1 || places > 3) return std::nullopt;
  for (std::size_t k = places; k < 3; ++k) fraction *= 10;
  const double hours = count == 3 ? parts[0] : 0, minutes = parts[count - 2], seconds = parts[count - 1];
  if (minutes > 59 || seconds > 59) return std::nullopt;
  text.remove_prefix(at);
  return (((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction) / 1000;
}

// A timing line; what follows the end time are settings. nullopt: none.
std::optional<Segment> cue_times(std::string_view line, Subtitles kind) {
  line = trim(line);
  const auto start = cue_time(line);
  if (!start) return std::nullopt;
  if (kind == Subtitles::kSbv) {
    if (!line.starts_with(',')) return std::nullopt;
    line.remove_prefix(1);
  } else {
    line = trim(line);
    if (!line.starts_with("-->")) return std::nullopt;
    line = trim(line.substr(3));
  }
  const auto end = cue_time(line);
  if (!end || (!line.empty() && line.front() != ' ' && line.front() != '\t')) return std::nullopt;
  return Segment{*start, *end};
}

// WebVTT's escapes undone; tags stay.
std::string unescaped_cue(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&nbsp;", "\u00a0"}, {"&lrm;", "\u200e"}, {"&rlm;", "\u200f"}, {"&amp;", "&"}};
  for (const auto& [escape, character] : kEscapes)
    for (auto at = text.find(escape); at != std::string::npos; at = text.find(escape, at + character.size()))
      text.replace(at, escape.size(), character);
  return text;
}

class CueReader {
 public:
  CueReader(const SourceText& source, Subtitles kind, const ImportSink& sink, ToolRows& rows)
      : source_(source), kind_(kind), sink_(sink), rows_(rows), lines_(split_lines(source)) {}

  void read() {
    entry_ = &rows_.video("", file_stem(source_, {".vtt", ".srt", ".sbv", ".txt"}), source_);
    std::size_t i = 0;
    if (kind_ == Subtitles::kWebVtt) {
      if (!lines_.empty() && lines_[0].starts_with("WEBVTT")) skip_header(i);
      else fail(0, "a WebVTT file begins with WEBVTT");
    }
    while (i < lines_.size()) {
      if (trim(lines_[i]).empty()) ++i;
      else if (kind_ == Subtitles::kWebVtt && is_note(lines_[i])) skip_block(i);
      else if (cue_times(lines_[i], kind_)) read_cue(i);
      else skip_other(i);
    }
    if (marked_ > 0)
      sink_.note(source_.name + ": " + std::to_string(marked_) + (marked_ == 1 ? " cue has" : " cues have") +
                 " markup, which stays in the label, such as '" + first_marked_ + "'");
  }

 private:
  static bool is_note(std::string_view line) {
    for (const std::string_view word : {"NOTE", "STYLE", "REGION"})
      if (line.starts_with(word) && trim(line.substr(word.size(), 1)).empty()) return true;
    return false;
  }
  // "<i>", "</i>", "<v Bob>", "{\\an8}"
  static bool has_markup(std::string_view text) {
    for (auto at = text.find('<'); at != text.npos; at = text.find('<', at + 1)) {
      const auto name = text.substr(at + 1, text.substr(at).starts_with("</") ? 2 : 1);
      if (!name.empty() && std::isalpha(static_cast<unsigned char>(name.back())) && text.find('>', at) != text.npos)
        return true;
    }
    return text.find("{\\") != text.npos;
  }
  // An arrow ends the header, too.
  void skip_header(std::size_t& i) const {
    for (++i; i < lines_.size() && !trim(lines_[i]).empty(); ++i)
      if (lines_[i].find("-->") != std::string_view::npos) return;
  }
  void skip_block(std::size_t& i) const {
    while (i < lines_.size() && !trim(lines_[i]).empty()) ++i;
  }
  void fail(std::size_t i, const char* what) const {
    const std::string_view text = i < lines_.size() ? lines_[i] : "";
    guard_row(source_, i + 1, entry_->video, text, sink_, [&] { throw Error(what); });
  }
  // The name of a cue stands on the line before its times.
  void skip_other(std::size_t& i) {
    const bool arrow = lines_[i].find("-->") != std::string_view::npos;
    const bool names_cue = i + 1 < lines_.size() && cue_times(lines_[i + 1], kind_).has_value();
    if (arrow) fail(i, "not the times of a cue: hh:mm:ss.mmm --> hh:mm:ss.mmm was expected");
    else if (names_cue && kind_ == Subtitles::kWebVtt) name_ = lines_[i];
    else if (!names_cue && (i + 1 >= lines_.size() || lines_[i + 1].find("-->") == std::string_view::npos))
      rows_.leave_out("line of text without a cue", "lines of text without a cue", line_name(source_.name, i + 1));
    ++i;
  }
  // No blank line may part the cues: an arrow begins one, and before it SubRip's counter.
  bool begins_cue(std::size_t i) const {
    const auto arrow = [&](std::size_t at) {
      if (at >= lines_.size()) return false;
      return cue_times(lines_[at], kind_) || (kind_ != Subtitles::kSbv && lines_[at].find("-->") != std::string::npos);
    };
    return arrow(i) || (kind_ == Subtitles::kSrt && is_digits(trim(lines_[i])) && arrow(i + 1));
  }
  void read_cue(std::size_t& i) {
    const std::size_t first = i;
    ToolEvent event;
    event.segment = *cue_times(lines_[i++], kind_);
    for (; i < lines_.size() && !trim(lines_[i]).empty() && !begins_cue(i); ++i)
      event.label += (i > first + 1 ? "\n" : "") + std::string(lines_[i]);
    if (kind_ == Subtitles::kWebVtt) event.label = unescaped_cue(std::move(event.label));
    if (has_markup(event.label) && marked_++ == 0) first_marked_ = event.label.substr(0, event.label.find('\n'));
    if (!name_.empty()) event.members = Members().text("cue", name_).str();
    name_.clear();
    guard_row(source_, first + 1, entry_->video, lines_[first], sink_, [&] { rows_.add(*entry_, event); });
  }

  const SourceText& source_;
  const Subtitles kind_;
  const ImportSink& sink_;
  ToolRows& rows_;
  const std::vector<std::string_view> lines_;
  VideoRows::Entry* entry_ = nullptr;
  std::string name_;  // of the next cue
  std::size_t marked_ = 0;
  std::string first_marked_;
};

void read_subtitles(const std::vector<SourceText>& sources, Subtitles kind, const ImportOptions& options,
                    const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& given : sources) {
    const SourceText source = decoded_utf16(given);
    CueReader(source, kind, sink, rows).read();
  }
  rows.emit();
}

// SubStation Alpha: the dialogue lines of its section [Events], whose fields stand in a line Format before them, the
// text last, with whatever commas it has.
class DialogueReader {
 public:
  DialogueReader(const SourceText& source, const ImportSink& sink, ToolRows& rows)
      : source_(source), sink_(sink), rows_(rows) {}

  void read() {
    auto& entry = rows_.video("", file_stem(source_, {".ass", ".ssa", ".txt"}), source_);
    const auto lines = split_lines(source_);
    bool events = false, any = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto line = trim(lines[i]);
      if (line.starts_with('[')) events = line == "[Events]", any = any || events;
      if (!events) continue;
      const auto colon = std::min(line.find(':'), line.size());
      const auto kind = line.substr(0, colon), rest = trim(line.substr(std::min(colon + 1, line.size())));
      if (kind == "Comment") rows_.leave_out("comment", "comments", line_name(source_.name, i + 1));
      guard_row(source_, i + 1, entry.video, lines[i], sink_, [&] {
        if (kind == "Format") read_format(rest);
        if (kind == "Dialogue") add(rest, entry);
      });
    }
    if (!any) throw Error("no section [Events]").at_line(source_.name, 0);
  }

 private:
  void read_format(std::string_view text) {
    names_.clear();
    while (!text.empty()) {
      const auto comma = std::min(text.find(','), text.size());
      names_.emplace_back(trim(text.substr(0, comma)));
      text.remove_prefix(std::min(comma + 1, text.size()));
    }
    if (names_.empty() || names_.back() != "Text") throw Error("the last field must be Text").at_field("Format");
  }
  std::string_view field(const std::vector<std::string_view>& fields, std::string_view name) const {
    for (std::size_t k = 0; k < names_.size(); ++k)
      if (names_[k] == name) return fields[k];
    return {};
  }
  void add(std::string_view text, VideoRows::Entry& entry) {
    if (names_.empty()) throw Error("a line Format must stand before it").at_field("Dialogue");
    std::vector<std::string_view> fields;
    while (fields.size() + 1 < names_.size()) {
      const auto comma = text.find(',');
      if (comma == std::string_view::npos)
        throw Error(std::to_string(names_.size()) + " fields are named in Format, " +
                    std::to_string(fields.size() + 1) + " are here")
            .at_field("Dialogue");
      fields.push_back(trim(text.substr(0, comma)));
      text.remove_prefix(comma + 1);
    }
    fields.push_back(text);
    const auto time = [&](const char* name) {
      auto value = field(fields, name);
      const auto seconds = cue_time(value);
      if (!seconds || !value.empty()) throw Error("must be h:mm:ss.cc").at_field(name);
      return *seconds;
    };
    ToolEvent event;
    const double start = time("Start");
    event.segment = {start, time("End")};
    event.label = plain(fields.back());
    if (const auto style = field(fields, "Style"); !style.empty()) event.tier = std::string(style);
    event.members = Members().some("name", field(fields, "Name")).str();
    rows_.add(entry, event);
  }
  // Without what stands in braces, which sets the looks.
  static std::string plain(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
      const auto close = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
      if (close != std::string_view::npos) i = close;
      else if (next == 'N' || next == 'n') out += '\n', ++i;
      else if (next == 'h') out += "\u00a0", ++i;
      else out += text[i];
    }
    return out;
  }

  const SourceText& source_;
  const ImportSink& sink_;
  ToolRows& rows_;
  std::vector<std::string> names_;
};

// Subtitles: a cue a segment, in order of time.
class CueWriter : public SegmentWriter {
 public:
  explicit CueWriter(const ExportOptions& options) : SegmentWriter(options, "cue", Points::kTaken) {}

 protected:
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const ExportRow& a, const ExportRow& b) { return a.segment.start < b.segment.start; });
    head(out);
    std::size_t number = 0;
    for (const auto& row : rows) {
      const auto [start, end] = time_marks(row, record.video());
      tell_marks(record.video(), row);
      const std::string label = trim(row.label).empty() ? "segment" : row.label;  // players show no cue without text
      if (trim(row.label).empty()) changed(record.video(), "segments without a label, which are called 'segment'");
      if (!holds_text(label)) changed(record.video(), "labels with < or >, which are ( and )");
      std::string text;
      for (std::size_t i = 0; i < label.size(); ++i) {
        const bool control = static_cast<unsigned char>(label[i]) < 0x20 || label[i] == 0x7f;
        if (control && parts_lines(label, i)) {
          text += '\n';
          continue;
        }
        if (control) changed(record.video());
        append(control ? ' ' : label[i], text);
      }
      cue(++number, mark(start), mark(end), text + score_text(row), out);
    }
  }
  std::string changes() const override {
    return "labels with blank lines or control characters, which are blanks in the cues";
  }
  bool scores_in_labels() const override { return true; }
  virtual bool holds_text(const std::string&) const { return true; }
  virtual void head(std::string&) const {}
  virtual char decimal() const = 0;
  virtual void append(char c, std::string& text) const = 0;
  virtual void cue(std::size_t number, const std::string& start, const std::string& end, const std::string& text,
                   std::string& out) const = 0;

 private:
  // A line end between two lines with text; a blank line would end the cue.
  static bool parts_lines(const std::string& label, std::size_t i) {
    const auto has_text = [&](std::size_t begin, std::size_t end) {
      return std::any_of(label.begin() + static_cast<std::ptrdiff_t>(begin),
                         label.begin() + static_cast<std::ptrdiff_t>(end),
                         [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
    };
    if (label[i] != '\n' || i == 0) return false;
    const auto before = label.rfind('\n', i - 1), after = label.find('\n', i + 1);
    return has_text(before == std::string::npos ? 0 : before + 1, i) && has_text(i + 1, std::min(after, label.size()));
  }
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
  bool holds_text(const std::string& label) const override { return label.find_first_of("<>") == std::string::npos; }
  // The format knows no escapes; players take <b> and the like for markup.
  void append(char c, std::string& text) const override { text += c == '<' ? '(' : c == '>' ? ')' : c; }
  void cue(std::size_t number, const std::string& start, const std::string& end, const std::string& text,
           std::string& out) const override {
    out += std::to_string(number) + '\n' + start + " --> " + end + '\n' + text + "\n\n";
  }
};

}  // namespace

void read_webvtt(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_subtitles(sources, Subtitles::kWebVtt, options, sink);
}
void read_srt(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_subtitles(sources, Subtitles::kSrt, options, sink);
}
void read_sbv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_subtitles(sources, Subtitles::kSbv, options, sink);
}
void read_ass(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& given : sources) {
    const SourceText source = decoded_utf16(given);
    DialogueReader(source, sink, rows).read();
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_webvtt_writer(const ExportOptions& options) {
  return std::make_unique<WebVttWriter>(options);
}
std::unique_ptr<ExportWriter> make_srt_writer(const ExportOptions& options) {
  return std::make_unique<SrtWriter>(options);
}
}  // namespace tal
