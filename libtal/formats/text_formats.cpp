// The line formats: THUMOS14's annotations and results, SSN's and BSN's proposals; and the list of all formats.
#include <algorithm>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/source_files.h"
#include "libtal/formats/feature_import.h"
#include "libtal/formats/formats.h"
#include "libtal/io/row_column.h"

namespace tal {

namespace {

// video_validation_0000266 and video_test_0000004, as MultiTHUMOS' files of a class mix them.
std::string subset_of_name(std::string_view video) {
  return video.starts_with("video_validation_") ? "validation" : video.starts_with("video_test_") ? "test" : "";
}

// Files of one class each: video start end. by_name: whether the subset is in the video's name, else in the file's.
void read_class_files(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink,
                      bool by_name) {
  VideoRows rows;
  for (const auto& source : sources) {
    std::string label(without_text_ending(source.name));
    label.erase(0, label.find_last_of("/\\") + 1);
    if (label == "detclasslist") continue;  // the class numbers, beside the annotations in the official kit
    if (const auto original = copied_name(label); !original.empty()) {
      Error error("the file's name would be the class, and '" + label + "' looks like a copy of '" + original +
                  "': rename the file, or leave it out");
      sink.error(error.at_line(source.name, 0), source.name);
      continue;
    }
    std::string subset;
    if (const auto bar = label.rfind('_'); !by_name && bar != std::string::npos && bar > 0) {
      const std::string part = label.substr(bar + 1);
      if (part == "val" || part == "test") subset = part == "val" ? "validation" : "test", label.resize(bar);
    }
    each_line_of_words(source, sink, [&](const auto& words, std::uint64_t line) {
      if (words.size() != 3) throw Error("must be 'video start end', not " + std::to_string(words.size()) + " words");
      const Segment segment{field_number(words[1], '.', "start"), field_number(words[2], '.', "end")};
      check_segment(segment);
      VideoInfo said;
      said.subset = by_name ? subset_of_name(words[0]) : subset;
      auto& entry = rows.at(id_of(words[0], options));
      entry.facts.add(known_of(entry.video, options, said), line_name(source.name, line));
      entry.has_annotations = true;
      append_item(entry.annotations, segment, std::nullopt, label);
    });
  }
  rows.emit(options, sink);
}

}  // namespace

void read_thumos14_gt(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_class_files(sources, options, sink, false);
}

void read_multithumos(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_class_files(sources, options, sink, true);
}

void read_thumos14_results(const std::vector<SourceText>& sources, const ImportOptions& options,
                           const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    each_line_of_words(source, sink, [&](const auto& words, std::uint64_t line) {
      if (words.size() != 5)
        throw Error("must be 'video start end class score', not " + std::to_string(words.size()) + " words");
      const Segment segment{field_number(words[1], '.', "start"), field_number(words[2], '.', "end")};
      check_segment(segment);
      (void)parse_integer(words[3]);  // also without --classes
      const std::string label = label_of(words[3], options);
      const double score = field_number(words[4], '.', "score");
      auto& entry = rows.at(id_of(words[0], options));
      entry.facts.add(known_of(entry.video, options), line_name(source.name, line));
      entry.has_proposals = true;
      append_item(entry.proposals, segment, score, label);
    });
  }
  rows.emit(options, sink);
}

namespace {

// One SSN list, entry by entry.
class SsnReader {
 public:
  SsnReader(const SourceText& source, const std::string& unit, const ImportOptions& options)
      : source_(source), unit_(unit), options_(options), lines_(split_lines(source)) {
    skip_blank();
  }
  bool at_end() const { return at_ >= lines_.size(); }
  std::uint64_t line() const { return line_; }     // the last one of the entry just read
  std::string_view text() const { return text_; }  // of that entry, or of the one that was at fault

  // The next entry, whole or not at all. After an Error the reader stands at the entry behind it.
  VideoRows::Entry next() {
    const std::size_t first = at_;
    VideoRows::Entry entry;
    try {
      read(entry);
    } catch (Error& error) {
      if (!entry.video.empty()) error.at_video(entry.video);
      error.at_line(source_.name, at_ + 1);
      at_ = std::max(at_, first + 1);
      while (!at_end() && !begins_entry()) ++at_;
      take_text(first);
      throw error;
    }
    line_ = ++at_;
    take_text(first);
    skip_blank();
    return entry;
  }

 private:
  // From line `first` to before line at_, without the last line end.
  void take_text(std::size_t first) {
    const auto last = lines_[std::min(at_, lines_.size()) - 1];
    text_ = {lines_[first].data(), static_cast<std::size_t>(last.data() + last.size() - lines_[first].data())};
  }
  bool begins_entry() const {
    const auto words = split_blanks(lines_[at_]);
    return !words.empty() && words[0] == "#";
  }
  void skip_blank() {
    while (!at_end() && split_blanks(lines_[at_]).empty()) ++at_;
  }
  std::vector<std::string_view> next_words(const char* what) {
    if (++at_ >= lines_.size()) throw Error(std::string("the file ends where ") + what + " was expected");
    return split_blanks(lines_[at_]);
  }
  std::string next_word(const char* what) {
    const auto words = next_words(what);
    if (words.size() != 1) throw Error(std::string("must be ") + what);
    return std::string(words[0]);
  }

  void read(VideoRows::Entry& entry) {
    if (!begins_entry() || split_blanks(lines_[at_]).size() != 2) throw Error("must be '# number' before each video");
    if (next_words("the video").empty()) throw Error("must be the video's id");
    entry.video = id_of(trim(lines_[at_]), options_);  // may have blanks
    VideoInfo info = known_of(entry.video, options_);
    entry.has_annotations = entry.has_proposals = true;
    const double frames = field_number(next_word("the number of frames"), '.', "frames");
    const double rate = field_number(next_word("the frames' factor"), '.', "frames");
    if (unit_ == "frames" && !info.frames && frames * rate >= 1 && frames * rate < 9e15)
      info.frames = static_cast<std::int64_t>(frames * rate);
    entry.facts.add(info, line_name(source_.name, at_ + 1));
    block("annotations", 3, info, [&](const auto& words, const Segment& segment) {
      append_item(entry.annotations, segment, std::nullopt, label_of(words[0], options_));
    });
    block("proposals", 5, info, [&](const auto& words, const Segment& segment) {
      std::vector<NamedScore> scores;
      for (const auto* name : {"label", "iou", "overlap"})
        scores.push_back({name, field_number(words[scores.size()], '.', name)});
      append_item(entry.proposals, segment, std::nullopt, "", scores);
    });
  }

  // A count, and as many lines of `width` words, of which the last two are start and end.
  template <class Row>
  void block(const char* what, std::size_t width, const VideoInfo& info, Row&& row) {
    const std::string text = next_word(what);
    const std::int64_t count = whole_number(field_number(text, '.', what), text, what);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto words = next_words(what);
      if (words.size() != width)
        throw Error(std::to_string(words.size()) + " words, not " + std::to_string(width)).at_field(what);
      const auto seconds = [&](std::size_t word, const char* field) {
        return to_seconds(field_number(words[word], '.', field), unit_, options_, &info, field);
      };
      const Segment segment{seconds(width - 2, "start"), seconds(width - 1, "end")};
      check_segment(segment);
      row(words, segment);
    }
  }

  const SourceText& source_;
  const std::string& unit_;
  const ImportOptions& options_;
  const std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0;
  std::string_view text_;
};

}  // namespace

// Zhao et al., "Temporal Action Detection with Structured Segment Networks", its proposal lists:
//   # index / video / frames / frames per unit / n / n x "label start end" / m / m x "label best-IoU overlap-of-itself
//   start end"
// A normalised list says itself that every video lasts 1; without a table of durations its times stay as they are.
void read_ssn_proposals(const std::vector<SourceText>& sources, const ImportOptions& given, const ImportSink& sink) {
  const std::string unit = given.time.empty() ? "relative" : given.time;
  ImportOptions options = given;
  if (unit == "relative" && !given.unit_duration && given.tables.videos.empty()) {
    options.unit_duration = true;
    sink.note("times stay relative, every record lasts 1 (--durations gives seconds)");
  }
  VideoRows rows;
  for (const auto& source : sources) {
    SsnReader reader(source, unit, options);
    while (!reader.at_end()) {
      try {
        auto entry = reader.next();
        auto& place = rows.at(entry.video);
        if (place.has_proposals)
          throw Error("the video stands in the list twice").at_video(entry.video).at_line(source.name, reader.line());
        place = std::move(entry);
      } catch (const Error& error) {
        sink.error(error, with_return(source, reader.text()));
      }
    }
  }
  rows.emit(options, sink);
}

namespace {

// The columns of a BSN proposal file that are numbers of a proposal: all but the rows' own numbers, which pandas writes
// into first columns without a name. Error for two of one name.
std::vector<int> bsn_columns(const NamedTable& table) {
  std::vector<int> columns;
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c) {
    const std::string& name = table.header[static_cast<std::size_t>(c)];
    if (columns.empty() && is_unnamed(name)) continue;
    if (name.empty())
      throw Error("column " + std::to_string(c + 1) + " has no name").at_line(table.source, table.header_line);
    (void)table.find({name});
    columns.push_back(c);
  }
  return columns;
}

}  // namespace

// Lin et al., "BSN": one CSV a video with xmin, xmax (relative) and scores; mmaction writes tmin, tmax. All columns
// stay in `scores`, the relative times too, so that nothing is lost to rounding on the way back.
void read_bsn_proposals(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  const std::string unit = options.time.empty() ? "relative" : options.time;
  VideoRows rows;
  for (const auto& source : sources) {
    const NamedTable table = parse_named_table(source, options.dialect);
    const int start = table.find({"xmin", "tmin"}), end = table.find({"xmax", "tmax"}), score = table.find({"score"});
    if (start < 0 || end < 0)
      throw Error("no columns xmin, xmax (or tmin, tmax)").at_line(source.name, table.header_line);
    const auto columns = bsn_columns(table);
    const char decimal = table.decimal_of(columns, options.dialect);
    const std::string id =
        id_of(without_ending(without_ending(source.name, {".gz"}), {".csv", ".tsv", ".txt"}), options);
    auto& entry = rows.at(id);
    if (entry.has_proposals) throw Error("a second file of this video").at_video(id).at_line(source.name, 0);
    entry.has_proposals = true;
    const VideoInfo info = known_of(id, options);
    entry.facts.add(info, source.name);
    for (const auto& row : table.rows) {
      guard_row(source, row.line, id, row.raw, sink, [&] {
        const auto value = [&](int c) {
          return field_number(table.field(row, c), decimal, table.header[static_cast<std::size_t>(c)]);
        };
        const Segment segment{to_seconds(value(start), unit, options, &info, "xmin"),
                              to_seconds(value(end), unit, options, &info, "xmax")};
        check_segment(segment);
        std::vector<NamedScore> scores;
        for (const int c : columns)
          if (c != score) scores.push_back({table.header[static_cast<std::size_t>(c)], value(c)});
        append_item(entry.proposals, segment, score >= 0 ? std::optional(value(score)) : std::nullopt, "", scores);
      });
    }
  }
  rows.emit(options, sink);
}

}  // namespace tal
