// Labels of frames, as action segmentation has them (Farha & Gall, CVPR 2019; eval.py of yabufarha/ms-tcn):
//
//   groundTruth/VIDEO.txt   one label a line, the first of frame 0
//   results/VIDEO           a line of title, "### Frame level recognition: ###", then all labels on one line
//
// Runs of equal labels are segments, [first / fps, end / fps); those of --background are none. What the results say
// becomes proposals without a score.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/label_runs.h"

namespace tal {
namespace {

constexpr std::string_view kFrameTitle = "### Frame level recognition: ###";

// The name of the file without folder and .txt.
std::string video_of_frames(const std::string& name, const ImportOptions& options) {
  std::string file(without_ending(without_ending(name, {".gz"}), {".txt"}));
  return id_of(file, options);
}

// A line or word as a label: what --classes makes of it.
class FrameLabelNames {
 public:
  explicit FrameLabelNames(const ImportOptions& options) : options_(options) {
    for (const auto& [number, name] : options.tables.classes) names_.insert(name);
  }
  std::string of(std::string_view text) const {
    if (names_.empty()) {
      if (text.find_first_of(" \t") != std::string_view::npos)
        throw Error("'" + std::string(text) + "' has several words: where these are one label, give --classes")
            .at_field("label");
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

void read_frames(const SourceText& source, const ImportOptions& options, const FrameLabelNames& labels,
                 VideoRows& rows) {
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
  for (std::size_t i = predicted ? first + 1 : first; i < end; ++i) try {
      if (predicted) {
        for (const auto word : split_blanks(lines[i])) runs.add(labels.of(word));
      } else {
        if (trim(lines[i]).empty()) throw Error("empty: each frame has a label").at_field("label");
        runs.add(labels.of(trim(lines[i])));
      }
    } catch (Error& error) {
      throw error.at_video(entry.video).at_line(source.name, i + 1);
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
    const double count = stated ? *stated : std::round(record.require_duration() * rate->value());
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
    if (std::find(known_background_.begin(), known_background_.end(), row.label) != known_background_.end())
      throw fail("'" + row.label + "' is the --background, of which no segment is read", ".label");
    const double first = std::round(row.segment.start * fps), end = std::round(row.segment.end * fps);
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
                         not_held_.note()});
  }
  FrameLabels labels_of(const Record& record) {
    FrameLabels labels(record, options());
    labels.tell(rounded_, joined_, not_held_, options());
    return labels;
  }

 private:
  CountedVideos rounded_, joined_;
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
  void write(const Record& record, std::string&) override {
    if (const auto read = id_read_of(without_ending(without_ending(record.video(), {".gz"}), {".txt"}));
        read != record.video())
      throw Error("cannot be a file's name: the video of that file would be read as '" + read + "'")
          .at_field("video")
          .at_video(record.video());
    require_file_path(record, record.video());
    const FrameLabels labels = labels_of(record);
    if (labels.has_blanks())
      throw Error("a label has blanks, which separate the labels of this format").at_video(record.video());
    std::string line;
    labels.each([&](const std::string& label) { (line += line.empty() ? "" : " ") += label; });
    files_[record.video()] = std::string(kFrameTitle) + '\n' + line + '\n';
  }

 private:
  std::map<std::string, std::string> files_;
};

}  // namespace

void read_frame_labels(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  const FrameLabelNames labels(options);
  VideoRows rows;
  for (const auto& source : sources) try {
      read_frames(source, options, labels, rows);
    } catch (Error& error) {
      sink.error(error, source.name);
    }
  rows.emit(options, sink);
}

Fit looks_like_frame_labels(const FileLook& file) {
  const auto lines = file.lines(1000);
  if (!lines.empty() && trim(lines[0]) == kFrameTitle) return Fit::kOwn;
  if (lines.size() < 20 || !file.ends_with(".txt")) return Fit::kNone;
  std::size_t changes = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = split_blanks(lines[i]);
    if (words.size() != 1 || is_table_number(words[0], '.')) return Fit::kNone;
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
