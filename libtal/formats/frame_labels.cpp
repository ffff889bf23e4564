// Labels of frames, as action segmentation has them (Farha & Gall, CVPR 2019; eval.py of yabufarha/ms-tcn):
//
//   groundTruth/VIDEO.txt   one label a line, the first of frame 0
//   results/VIDEO           a line of title, "### Frame level recognition: ###", then all labels on one line
//
// In the place of the labels two columns may stand, of which one counts the frames.
//
// Runs of equal labels are segments, [first / fps, end / fps); those of --background are none. What the results say
// becomes proposals without a score.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "libtal/base/frame_times.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/label_runs.h"
#include "libtal/io/row_column.h"
#include "libtal/io/table.h"

namespace tal {
namespace {

constexpr std::string_view kFrameTitle = "### Frame level recognition: ###";

// The name of the file without folder and .txt.
std::string video_of_frames(const std::string& name, const ImportOptions& options) {
  return id_of(without_text_ending(name), options);
}

constexpr std::string_view kSeparators = ",;\t|";

// A line or word as a label: what --classes makes of it.
class FrameLabelNames {
 public:
  explicit FrameLabelNames(const ImportOptions& options) : options_(options) {
    for (const auto& [number, name] : options.tables.classes) names_.insert(name);
  }
  bool listed() const { return !names_.empty(); }  // by --classes
  bool knows(std::string_view text) const {
    return !names_.empty() && (is_class_id(text, options_) || names_.count(std::string(text)) > 0);
  }
  // quoted: it is one label, whatever stands in it.
  std::string of(std::string_view text, bool quoted = false) const {
    if (names_.empty()) {
      const auto fail = [&](const char* what) { return Error("'" + std::string(text) + what).at_field("label"); };
      if (!quoted && text.find_first_of(kSeparators) != std::string_view::npos)
        throw fail(
            "': columns, or a label with a separator? Of a table, --from sample-labels with --rate reads the column of "
            "labels; where the line is one label, give --classes");
      if (!quoted && text.find_first_of(" \t") != std::string_view::npos)
        throw fail(
            "' has several words: where these are one label, give --classes (ranges of frames, '1-30 SIL', are --from "
            "breakfast)");
      return std::string(text);
    }
    if (is_class_id(text, options_)) return label_of(text, options_);
    if (names_.count(std::string(text))) return std::string(text);
    throw Error("'" + std::string(text) + "' is not in --classes").at_field("label");
  }

 private:
  const ImportOptions& options_;
  std::set<std::string> names_;
};

struct FrameLine {
  std::size_t line;  // from 0
  std::string text;
  bool quoted = false;
};

bool is_in_quotes(std::string_view text) { return text.size() > 1 && text.front() == '"' && text.back() == '"'; }

std::string without_quotes(std::string_view text) {
  std::string out;
  text = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text.substr(i, 2) == "\"\"") ++i;
  }
  return out;
}

// Of a table in which one of two columns counts the frames from 0 or 1: the other one. nullopt: it is none, or as well
// a list of classes, which no label stands twice in.
std::optional<std::vector<FrameLine>> numbered_frames(const std::vector<FrameLine>& lines, char separator) {
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> quoted[2];
  try {
    for (const auto& line : lines) {
      RowReader row(line.text, "", separator);
      if (!row.next() || row.fields().size() != 2) return std::nullopt;
      rows.emplace_back(row.fields().begin(), row.fields().end());
      for (std::size_t c = 0; c < 2; ++c) quoted[c].push_back(row.quoted(c));
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  const auto counts = [&](std::size_t column, std::size_t header) {
    for (std::size_t r = header; r < rows.size(); ++r) {
      const auto number = class_number(rows[r][column]), first = class_number(rows[header][column]);
      if (!number || *first < 0 || *first > 1 || *number != *first + static_cast<std::int64_t>(r - header))
        return false;
    }
    return rows.size() > header + 1 || (header == 1 && rows.size() == 2);  // a single row may do so by chance
  };
  for (std::size_t header = 0; header < 2; ++header) {
    if (rows.size() <= header || counts(0, header) == counts(1, header)) continue;
    const std::size_t label = counts(0, header) ? 1 : 0;
    std::set<std::string> different;
    for (std::size_t r = header; r < rows.size(); ++r) different.insert(rows[r][label]);
    const bool called = header == 1 && is_place_name(rows[0][1 - label]);
    if (different.size() == rows.size() - header && !called) return std::nullopt;
    std::vector<FrameLine> out;
    for (std::size_t r = header; r < rows.size(); ++r) out.push_back({lines[r].line, rows[r][label], quoted[label][r]});
    return out;
  }
  return std::nullopt;
}

// A first line that is called as columns of labels are, and no frame has. Error where it may be the first frame's.
// listed: it is no class of --classes.
bool is_header_line(const std::vector<FrameLine>& lines, bool listed) {
  const std::string& first = lines.front().text;
  const bool number = class_number(first).has_value();  // pandas' name of a series without one
  if (lines.size() < 2 || !(is_label_name(first) || number)) return false;
  for (std::size_t i = 1; i < lines.size(); ++i)
    if (lines[i].text == first || (number && class_number(lines[i].text))) return false;
  if (listed ||
      is_one_of({"label", "labels", "frame-label", "frame-labels", "class-label", "true-label", "ground-truth"}, first))
    return true;
  throw Error("'" + first +
              "': the name of the column, or the label of the first frame? Delete the line where it is a header; "
              "--classes with such a class says that it is a label")
      .at_field("label");
}

// The labels of the lines of a file; of a table those of its column, and `table` is set.
std::vector<FrameLine> labels_of_lines(std::vector<FrameLine> lines, const FrameLabelNames& labels, bool& table) {
  if (std::all_of(lines.begin(), lines.end(), [&](const auto& line) { return labels.knows(line.text); })) return lines;
  for (const char separator : {',', ';', '\t', '|'})
    if (auto numbered = numbered_frames(lines, separator)) {
      table = true;
      return std::move(*numbered);
    }
  for (auto& line : lines)
    if (!labels.knows(line.text) && is_in_quotes(line.text)) line = {line.line, without_quotes(line.text), true};
  if (!labels.knows(lines.front().text) && is_header_line(lines, labels.listed()))
    lines.erase(lines.begin()), table = true;
  return lines;
}

void read_frames(const SourceText& source, const ImportOptions& options, const FrameLabelNames& labels, VideoRows& rows,
                 CountedVideos& tables) {
  const auto lines = split_lines(source);
  std::size_t first = 0, end = lines.size();
  while (first < end && trim(lines[first]).empty()) ++first;
  while (end > first && trim(lines[end - 1]).empty()) --end;
  auto& entry = rows.at(video_of_frames(source.name, options));
  const bool predicted = first < end && trim(lines[first]).starts_with("###");
  if (predicted ? entry.has_proposals : entry.has_annotations)
    throw Error("another file has labels of this video").at_video(entry.video).at_line(source.name, 0);
  VideoInfo info = known_of(entry.video, options);
  if (options.fps > 0) info.fps = options.fps;
  if (!info.fps)
    throw Error("frames need the frame rate: give --fps, or --durations with an fps column")
        .at_field("fps")
        .at_video(entry.video)
        .at_line(source.name, 0);
  LabelRuns runs(options.background);
  std::vector<FrameLine> full;
  std::size_t line = first;
  try {
    for (line = predicted ? first + 1 : first; line < end; ++line) {
      const auto text = trim(lines[line]);
      if (predicted) {
        for (const auto word : split_blanks(text)) runs.add(labels.of(word));
        continue;
      }
      if (text.empty()) throw Error("empty: each frame has a label").at_field("label");
      full.push_back({line, std::string(text)});
    }
    line = first;
    bool table = false;
    if (!full.empty()) full = labels_of_lines(std::move(full), labels, table);
    if (table) tables.add(entry.video);
    for (const auto& each : full) {
      line = each.line;
      if (each.text.empty()) throw Error("empty: each frame has a label").at_field("label");
      runs.add(labels.of(each.text, each.quoted));
    }
  } catch (Error& error) {
    throw error.at_video(entry.video).at_line(source.name, line + 1);
  }
  const auto frames = static_cast<std::int64_t>(runs.size());
  check_background(options.background, {&runs});
  if (frames == 0) throw Error("holds no label").at_video(entry.video).at_line(source.name, 0);
  info.frames = frames;
  if (!info.duration) info.duration = static_cast<double>(frames) / *info.fps;
  entry.facts.add(info, source.name);
  (predicted ? entry.has_proposals : entry.has_annotations) = true;
  runs.append_segments(*info.fps, predicted ? entry.proposals : entry.annotations);
}

// The labels of a record's frames. Error for what no frames can hold: overlaps, points, gaps without a background.
class FrameLabels {
 public:
  FrameLabels(const Record& record, const ExportOptions& options) : record_(record) {
    const auto rate = record.fps();
    if (!rate) throw Error("missing: labels are written by frames").at_field("fps").at_video(record.video());
    const auto stated = record.number("frames");
    const double count = stated ? *stated : first_frame(record.require_duration(), rate->value());
    if (count > 1e9) throw Error("more than 1e9 frames").at_field("frames").at_video(record.video());
    owners_.resize(static_cast<std::size_t>(count), kNone);
    known_background_ = options.background;
    rows_ = export_rows(record, options);
    for (std::size_t i = 0; i < rows_.size(); ++i) fill(i, rate->value());
    background_ = options.background.empty() ? "" : options.background.front();
  }
  // Calls fn(label) for each frame.
  template <class Fn>
  void each(Fn&& fn) const {
    for (std::size_t frame = 0; frame < owners_.size(); ++frame) {
      const auto owner = owners_[frame];
      if (owner == kNone && background_.empty())
        throw Error("frame " + std::to_string(frame) +
                    " is in no segment: give --background with the label of such frames")
            .at_video(record_.video());
      fn(owner == kNone ? background_ : rows_[owner].label);
    }
  }
  // Which a reader takes for several words or columns.
  bool has_separators() const {
    return std::any_of(rows_.begin(), rows_.end(), [](const auto& row) {
      return row.label.find_first_of(std::string(kSeparators) + " ") != std::string::npos;
    });
  }
  // What the frames do not tell: times between two of them, where one segment ends and the next begins, scores, tiers.
  void tell(CountedVideos& rounded, CountedVideos& joined, NotHeld& not_held, const ExportOptions& options) const {
    for (std::size_t frame = 1; frame < owners_.size(); ++frame) {
      const auto before = owners_[frame - 1], here = owners_[frame];
      if (before == here || before == kNone || here == kNone || rows_[before].label != rows_[here].label) continue;
      joined.add(record_.video());
      break;
    }
    const double fps = record_.fps()->value();
    if (std::any_of(rows_.begin(), rows_.end(), [&](const auto& row) { return changes_when_rounded(row, fps); }))
      rounded.add(record_.video());
    not_held.see(record_.video(), rows_, RowMembers(record_, options), false,
                 [](std::string_view) { return Held::kNo; });
  }
  bool has_blanks() const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [](const auto& row) { return row.label.find_first_of(" \t") != std::string::npos; });
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  void fill(std::size_t i, double fps) {
    const ExportRow& row = rows_[i];
    const auto fail = [&](const std::string& why, const char* member) {
      return Error(why).at_field(row.place + member).at_video(record_.video());
    };
    if (row.label.empty()) throw fail("missing", ".label");
    if (row.label.find_first_of("\r\n") != std::string::npos) throw fail("has a line break", ".label");
    if (trim(row.label) != row.label) throw fail("has blanks at its ends, which a reader cuts off", ".label");
    if (is_in_quotes(row.label)) throw fail("stands in quotes, which a reader takes off", ".label");
    if (std::find(known_background_.begin(), known_background_.end(), row.label) != known_background_.end())
      throw fail("'" + row.label + "' is the --background, of which no segment is read", ".label");
    const double first = first_frame(row.segment.start, fps), end = first_frame(row.segment.end, fps);
    if (first < 0 || end > static_cast<double>(owners_.size()))
      throw fail("reaches over the video's " + std::to_string(owners_.size()) + " frames", ".segment");
    if (!(first < end)) throw fail("holds no frame at " + format_number(fps) + " frames a second", ".segment");
    for (auto frame = static_cast<std::size_t>(first); frame < static_cast<std::size_t>(end); ++frame) {
      if (owners_[frame] != kNone)
        throw fail("overlaps " + rows_[owners_[frame]].place + ": a frame has one label", ".segment");
      owners_[frame] = static_cast<std::uint32_t>(i);
    }
  }

  const Record& record_;
  std::vector<ExportRow> rows_;
  std::vector<std::uint32_t> owners_;  // of each frame
  std::string background_;
  std::vector<std::string> known_background_;
};

// The two writers.
class FrameWriter : public OnceWriter {
 public:
  explicit FrameWriter(const ExportOptions& options) : OnceWriter(options) {}

 protected:
  // A line is a frame.
  bool holds_of_video(const Record&, std::string_view member) const override { return member == "frames"; }
  std::string remarks() const override {
    return joined_notes({rounded_.having("times between two frames, which are rounded to whole ones"),
                         joined_.having("segments of one label that touch each other, and are one in these files"),
                         separated_.having("labels with blanks or separators, which --classes says are one label each"),
                         not_held_.note()});
  }
  FrameLabels labels_of(const Record& record) {
    FrameLabels labels(record, options());
    labels.tell(rounded_, joined_, not_held_, options());
    if (labels.has_separators()) separated_.add(record.video());
    return labels;
  }

 private:
  CountedVideos rounded_, joined_, separated_;
  NotHeld not_held_;
};

class FrameLabelWriter : public FrameWriter {
 public:
  using FrameWriter::FrameWriter;
  std::string id_of_file(const std::string& name) const override { return id_read_of(name); }
  std::string extension() const override { return ".txt"; }

 protected:
  void write(const Record& record, std::string& out) override {
    labels_of(record).each([&](const std::string& label) { (out += label) += '\n'; });
  }
};

class FrameResultWriter : public FrameWriter {
 public:
  using FrameWriter::FrameWriter;
  bool makes_files() const override { return true; }
  std::map<std::string, std::string> files() override { return std::move(files_); }

 protected:
  std::string remarks() const override { return joined_notes({FrameWriter::remarks(), names_.note()}); }
  void write(const Record& record, std::string&) override {
    const std::string name =
        names_.of(record.video(), "", [](const std::string& file) { return id_read_of(without_text_ending(file)); });
    require_file_path(record, name);
    const FrameLabels labels = labels_of(record);
    if (labels.has_blanks())
      throw Error("a label has blanks, which separate the labels of this format").at_video(record.video());
    std::string line;
    labels.each([&](const std::string& label) { (line += line.empty() ? "" : " ") += label; });
    files_[name] = std::string(kFrameTitle) + '\n' + line + '\n';
  }

 private:
  std::map<std::string, std::string> files_;
  FileNames names_;
};

}  // namespace

void read_frame_labels(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  const FrameLabelNames labels(options);
  VideoRows rows;
  CountedVideos tables;
  for (const auto& source : sources) try {
      read_frames(source, options, labels, rows, tables);
    } catch (Error& error) {
      sink.error(error, source.name);
    }
  if (const auto text = tables.having("a table of which the column of labels is read"); !text.empty()) sink.note(text);
  rows.emit(options, sink);
}

Fit looks_like_frame_labels(const FileLook& file) {
  const auto lines = file.lines(1000);
  if (!lines.empty() && trim(lines[0]) == kFrameTitle) return Fit::kOwn;
  if (lines.size() < 20 || !file.ends_with(".txt")) return Fit::kNone;
  std::size_t changes = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = split_blanks(lines[i]);
    if (words.size() != 1 || is_table_number(words[0], '.') ||
        words[0].find_first_of(kSeparators) != std::string_view::npos)
      return Fit::kNone;
    changes += i > 0 && trim(lines[i]) != trim(lines[i - 1]);
  }
  return changes * 4 < lines.size() ? Fit::kGeneral : Fit::kNone;  // a list of names has no runs
}

std::unique_ptr<ExportWriter> make_frame_labels_writer(const ExportOptions& options) {
  return std::make_unique<FrameLabelWriter>(options);
}
std::unique_ptr<ExportWriter> make_frame_results_writer(const ExportOptions& options) {
  return std::make_unique<FrameResultWriter>(options);
}

}  // namespace tal
