// Praat's TextGrid, as text: long, short and chronological. As Praat reads it: what counts are the numbers that stand
// free, texts in quotes and flags in <>, in their order; all else is for people, and "!" begins a comment.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/time_marks.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

class TokenReader {
 public:
  TokenReader(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  // The next token of each kind. Error, with the line, when the next one is of another kind. what: for the Error.
  std::string text(const char* what) {
    skip();
    if (at_ >= text_.size() || text_[at_] != '"') fail(std::string("a text in quotes was expected: ") + what);
    const std::size_t begin = at_++;
    std::string out;
    while (at_ < text_.size()) {
      if (text_[at_] != '"') {
        if (text_[at_] == '\r' && text_.substr(at_, 2) == "\r\n") ++at_;
        out += text_[at_++];
      } else if (text_.substr(at_, 2) == "\"\"") {
        out += '"', at_ += 2;
      } else {
        ++at_;
        return out;
      }
    }
    at_ = begin;
    fail("a quote that is not closed");
  }
  double number(const char* what) {
    skip();
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n!", at_), text_.size());
    const auto word = text_.substr(at_, end - at_);
    if (word.empty() || word.front() == '"' || word.front() == '<') fail(std::string("a number was expected: ") + what);
    try {
      const double value = parse_number(word);
      at_ = end;
      return value + 0.0;  // -0 is 0
    } catch (const Error& error) {
      fail(std::string(what) + ": " + error.message());
    }
  }
  std::size_t count(const char* what) {
    const double value = number(what);
    if (!(value >= 0) || value != std::floor(value) || value > static_cast<double>(text_.size()))
      fail(std::string(what) + ": '" + format_number(value) + "' is no number of items that this file can hold");
    return static_cast<std::size_t>(value);
  }
  bool flag_exists() {
    skip();
    if (text_.substr(at_, 8) == "<exists>") return at_ += 8, true;
    if (text_.substr(at_, 8) == "<absent>") return at_ += 8, false;
    fail("<exists> was expected: whether there are tiers");
  }
  bool at_end() {
    skip();
    return at_ >= text_.size();
  }
  std::uint64_t line() const { return place_of(text_, at_).line; }
  [[noreturn]] void fail(const std::string& what) const { throw Error(what).at_line(source_, line()); }

 private:
  // To what stands free behind blanks or the text's beginning.
  void skip() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool free = at_ == 0 || std::string_view(" \t\r\n").find(text_[at_ - 1]) != std::string_view::npos ||
                        text_[at_ - 1] == '"' || text_[at_ - 1] == '>';
      const bool digit = (c >= '0' && c <= '9') || ((c == '-' || c == '+') && at_ + 1 < text_.size() &&
                                                    (std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0));
      if (c == '"' || (free && (digit || c == '<'))) return;
      if (free && c == '!') at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      else if (at_ < text_.size()) ++at_;
    }
  }

  std::string_view text_;
  const std::string& source_;
  std::size_t at_ = 0;
};

class TextGridReader {
 public:
  TextGridReader(const SourceText& source, const ImportSink& sink, ToolRows& rows)
      : source_(source), sink_(sink), rows_(rows), tokens_(utf8_text(source), source.name) {}

  void read() {
    entry_ = &rows_.video("", file_stem(source_, {".TextGrid", ".textgrid", ".txt"}), source_);
    const std::string type = tokens_.text("the file's type");
    if (type == "Praat chronological TextGrid text file") return read_chronological();
    if (!type.starts_with("ooTextFile")) tokens_.fail("'" + type + "' is no text file of Praat");
    if (const auto object = tokens_.text("the object's class"); object != "TextGrid")
      tokens_.fail("'" + object + "' is no TextGrid");
    read_domain();
    const std::size_t tiers = tokens_.flag_exists() ? tokens_.count("number of tiers") : 0;
    for (std::size_t t = 0; t < tiers; ++t) {
      TierHead tier = tier_head();
      const std::size_t items = tokens_.count("number of the tier's items");
      for (std::size_t i = 0; i < items; ++i) read_item(tier);
      if (tier.empty) rows_.empty_tier(tier.name, source_);
    }
    if (!tokens_.at_end())
      tokens_.fail("something follows the " + std::to_string(tiers) + (tiers == 1 ? " tier" : " tiers") +
                   " that the file says it has: give the right number of tiers (size)");
  }

 private:
  struct TierHead {
    std::string name;
    bool points, empty = true;
  };

  void read_domain() {
    const double begin = tokens_.number("xmin"), end = tokens_.number("xmax");
    VideoInfo said;
    if (begin == 0 && end > 0) said.duration = end;
    else if (begin != 0)  // of a part of a recording its length is not known
      rows_.tell("TextGrid begins elsewhere than at 0, so that its end is not taken for the duration",
                 "TextGrids begin elsewhere than at 0, so that their ends are not taken for the durations",
                 source_.name + ", from " + format_number(begin) + " to " + format_number(end) + " s");
    try {
      rows_.fact(*entry_, said, source_.name);
    } catch (Error& error) {
      throw error.at_line(source_.name, tokens_.line());
    }
  }
  TierHead tier_head() {
    const std::string kind = tokens_.text("the tier's class");
    if (kind != "IntervalTier" && kind != "TextTier")
      tokens_.fail("'" + kind + "' is neither IntervalTier nor TextTier");
    std::string name = tokens_.text("the tier's name");
    (void)tokens_.number("xmin of the tier"), (void)tokens_.number("xmax of the tier");
    return {std::move(name), kind == "TextTier"};
  }
  void read_item(TierHead& tier) {
    const bool point = tier.points;
    ToolEvent event;
    event.segment.start = tokens_.number(point ? "time of a point" : "xmin of an interval");
    const std::uint64_t line = tokens_.line();
    event.segment.end = point ? event.segment.start : tokens_.number("xmax of an interval");
    event.point = point;
    event.label = tokens_.text(point ? "mark of a point" : "text of an interval");
    event.tier = tier.name;
    // Intervals without text fill the gaps between the others.
    if (!point && event.label.find_first_not_of(" \t\r\n") == std::string::npos) return;
    tier.empty = false;
    guard_row(source_, line, entry_->video, event.label, sink_, [&] { rows_.add(*entry_, event); });
  }
  void read_chronological() {
    read_domain();
    std::vector<TierHead> tiers(tokens_.count("number of tiers"));
    for (auto& tier : tiers) tier = tier_head();
    while (!tokens_.at_end()) {
      const std::size_t tier = tokens_.count("number of the tier");
      if (tier < 1 || tier > tiers.size()) tokens_.fail("there is no tier " + std::to_string(tier));
      read_item(tiers[tier - 1]);
    }
    for (const auto& tier : tiers)
      if (tier.empty) rows_.empty_tier(tier.name, source_);
  }

  const SourceText& source_;
  const ImportSink& sink_;
  ToolRows& rows_;
  TokenReader tokens_;
  VideoRows::Entry* entry_ = nullptr;
};

// The long format in UTF-8. A tier for each of the rows' own, and more of the same name where intervals overlap; empty
// intervals fill the gaps. What has no length is a point.
class TextGridWriter : public SegmentWriter {
 public:
  explicit TextGridWriter(const ExportOptions& options) : SegmentWriter(options, "tier", Points::kTaken) {}
  std::string extension() const override { return ".TextGrid"; }

 protected:
  bool scores_in_labels() const override { return true; }
  Instant instant() const override { return Instant::kPoint; }
  Held holds(std::string_view member) const override { return member == "tier" ? Held::kText : Held::kNo; }
  bool holds_of_video(const Record&, std::string_view member) const override { return member == "duration"; }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    const auto tiers = tiers_of(record, rows);
    double begin = 0, end = record.duration().value_or(0);
    const bool lengthened =
        end > 0 && std::any_of(rows.begin(), rows.end(), [&](const ExportRow& row) { return row.segment.end > end; });
    const bool unlabelled = std::any_of(rows.begin(), rows.end(), [](const ExportRow& row) {
      return row.segment.end > row.segment.start && trim(row.label).empty();
    });
    const bool returns = std::any_of(rows.begin(), rows.end(),
                                     [](const ExportRow& row) { return row.label.find("\r\n") != std::string::npos; });
    if (!record.duration())
      changed(record.video(),
              rows.empty()
                  ? "no duration and no segment, so that the TextGrid lasts 1 s, which is read as the duration"
                  : "no duration, so that the TextGrid lasts as long as the last segment, which is read as the "
                    "duration");
    if (lengthened)
      changed(record.video(), "segments behind the duration, so that the TextGrid lasts as long as the last of them");
    if (unlabelled) changed(record.video(), "segments without a label, which are called 'segment'");
    if (returns) changed(record.video(), "labels with CRLF, which is LF in the file");
    for (const auto& row : rows) begin = std::min(begin, row.segment.start), end = std::max(end, row.segment.end);
    if (!(end > begin)) end = begin + 1;  // Praat knows no empty domain
    out += "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n" + domain("", begin, end);
    if (tiers.empty()) {
      out += "tiers? <absent> \n";
      return;
    }
    out += "tiers? <exists> \nsize = " + std::to_string(tiers.size()) + " \nitem []: \n";
    for (std::size_t t = 0; t < tiers.size(); ++t) {
      out += "    item [" + std::to_string(t + 1) + "]:\n        class = \"" +
             (tiers[t].points ? "TextTier" : "IntervalTier") + "\" \n        name = " + quoted(tiers[t].name) + " \n" +
             domain("        ", begin, end) +
             (tiers[t].points ? points(tiers[t], rows) : intervals(tiers[t], rows, begin, end));
    }
  }

 private:
  struct Tier {
    std::string name;
    bool points;
    std::vector<std::size_t> rows = {};  // in order of time
    double free = 0;                     // seconds from which on nothing stands in it
  };

  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + '"';
  }
  static std::string domain(const std::string& indent, double begin, double end) {
    return indent + "xmin = " + format_number(begin) + " \n" + indent + "xmax = " + format_number(end) + " \n";
  }
  std::vector<Tier> tiers_of(const Record& record, const std::vector<ExportRow>& rows) const {
    const std::string none = exports_proposals(record, options()) ? "proposals" : "annotations";
    std::vector<Tier> tiers;
    const auto no_length = [](const ExportRow& row) { return row.segment.end <= row.segment.start; };
    std::vector<std::string> own;
    for (const auto& row : rows) own.push_back(members().text(row, "tier").value_or(none));
    for (std::size_t i = 0; i < rows.size(); ++i)  // in order of appearance, whoever begins first
      if (std::none_of(tiers.begin(), tiers.end(),
                       [&](const Tier& t) { return t.name == own[i] && t.points == no_length(rows[i]); }))
        tiers.push_back({own[i], no_length(rows[i])});
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return rows[a].segment.start < rows[b].segment.start; });
    for (const std::size_t i : order) {
      const bool point = no_length(rows[i]);
      auto place = std::find_if(tiers.begin(), tiers.end(), [&](const Tier& t) {
        return t.name == own[i] && t.points == point && (t.rows.empty() || point || t.free <= rows[i].segment.start);
      });
      if (place == tiers.end()) {
        tiers.push_back({own[i], point});
        place = tiers.end() - 1;
      }
      place->rows.push_back(i);
      place->free = rows[i].segment.end;
    }
    return tiers;
  }
  static std::string points(const Tier& tier, const std::vector<ExportRow>& rows) {
    std::string out = "        points: size = " + std::to_string(tier.rows.size()) + " \n";
    for (std::size_t k = 0; k < tier.rows.size(); ++k) {
      const auto& row = rows[tier.rows[k]];
      out += "        points [" + std::to_string(k + 1) +
             "]:\n            number = " + format_number(row.segment.start) +
             " \n            mark = " + quoted(row.label + score_text(row)) + " \n";
    }
    return out;
  }
  static std::string intervals(const Tier& tier, const std::vector<ExportRow>& rows, double begin, double end) {
    std::string items;
    std::size_t count = 0;
    const auto add = [&](double from, double to, const std::string& text) {
      items += "        intervals [" + std::to_string(++count) + "]:\n" + domain("            ", from, to) +
               "            text = " + quoted(text) + " \n";
    };
    double at = begin;
    for (const std::size_t i : tier.rows) {
      const Segment& segment = rows[i].segment;
      if (segment.start > at) add(at, segment.start, "");
      add(segment.start, segment.end, (trim(rows[i].label).empty() ? "segment" : rows[i].label) + score_text(rows[i]));
      at = segment.end;
    }
    if (at < end) add(at, end, "");
    return "        intervals: size = " + std::to_string(count) + " \n" + items;
  }
};

// As Praat writes: UTF-8, or UTF-16 with its mark; older versions Latin-1 where that was enough.
SourceText decoded_praat(const SourceText& given, const ImportSink& sink) {
  SourceText source = decoded_utf16(given);
  try {
    (void)utf8_text(source);
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::kNotUtf8 || foreign_format(source.text)) throw;
    std::string text;
    for (const char c : source.text) append_utf8(text, static_cast<unsigned char>(c));
    source.text = std::move(text);
    sink.note(source.name + ": is not UTF-8, and read as Latin-1, as older versions of Praat write");
  }
  return source;
}

}  // namespace

void read_textgrid(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& given : sources) {
    if (given.text.starts_with("ooBinaryFile"))
      throw Error("is a binary file of Praat: save it as text").at_line(given.name, 0);
    const SourceText source = decoded_praat(given, sink);
    TextGridReader(source, sink, rows).read();
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_textgrid_writer(const ExportOptions& options) {
  return std::make_unique<TextGridWriter>(options);
}

}  // namespace tal
