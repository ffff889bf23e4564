// The line and CSV formats: THUMOS14's annotations and results, SSN's and BSN's proposals, tables with named columns.
#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/data/feature_import.h"
#include "libtal/data/import_support.h"
#include "libtal/io/jsonl.h"

namespace tal {

std::unordered_map<std::string, VideoInfo> parse_json_videos(const SourceText& source);
std::vector<std::string> parse_json_names(const SourceText& source);

namespace {

using Names = std::vector<std::string>;
const Names kVideo = {"video", "video-name", "video_name", "video-id", "video_id", "filename", "name"};
const Names kDuration = {"duration", "video-duration", "video_duration", "seconds", "duration_second"};
const Names kFps = {"rfps", "fps", "frame-rate", "frame_rate"};
const Names kFrames = {"frames", "video-frames", "numFrame", "count", "duration_frame"};
const Names kStart = {"start", "t-start", "t-init", "t_start", "t_init"};
const Names kEnd = {"end", "t-end", "t_end"};
const Names kStartFrame = {"startFrame", "f-init", "start-frame", "start_frame"};
const Names kEndFrame = {"endFrame", "f-end", "end-frame", "end_frame"};
const Names kLabel = {"label", "action-label", "type", "label-idx", "cls", "class"};
const Names kScore = {"score"};

double field_number(const std::string& text, std::string_view field) {
  try {
    return parse_number(text);
  } catch (Error& error) {
    throw error.at_field(field);
  }
}

std::int64_t whole_number(std::string_view text, std::string_view field) {
  const double value = field_number(std::string(text), field);  // frame counts come as 1012.0 too
  if (!(value >= 0 && value <= 9e15) || value != static_cast<double>(static_cast<std::int64_t>(value)))
    throw Error("'" + std::string(text) + "' is not a whole number").at_field(field);
  return static_cast<std::int64_t>(value);
}

double positive(double value, std::string_view field) {
  if (!(value > 0)) throw Error("must be positive, not " + format_number(value)).at_field(field);
  return value;
}

// A column by role: the one that --columns names, else the first that is usual. -1: none.
int column(const CsvTable& table, const SourceText& source, const ImportOptions& options, const std::string& role,
           const Names& usual) {
  const auto named = options.columns.find(role);
  if (named == options.columns.end()) return table.find(usual);
  const int found = table.find({named->second});
  if (found >= 0) return found;
  const auto near = nearest(named->second, table.header);
  throw Error("no column '" + named->second + "'" +
              (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)"))
      .at_field(role)
      .at_line(source.name, 1);
}

void read_table(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink,
                bool scored, const std::string& usual_time) {
  const std::string unit = options.time.empty() ? usual_time : options.time;
  const bool frames = unit == "frames";
  VideoRows rows;
  for (const auto& source : sources) {
    const CsvTable table = parse_csv(source);
    const auto find = [&](const char* role, const Names& usual) { return column(table, source, options, role, usual); };
    const int video = find("video", kVideo), start = find("start", frames ? kStartFrame : kStart),
              end = find("end", frames ? kEndFrame : kEnd);
    const int label = find("label", kLabel), score = scored ? find("score", kScore) : -1;
    const int duration = find("duration", kDuration), fps = find("fps", kFps), count = find("frames", kFrames),
              subset = find("subset", {"subset"});
    const std::pair<int, const char*> needed[] = {
        {video, "video"}, {start, "start"}, {end, "end"}, {scored ? score : 0, "score"}};
    for (const auto& [found, role] : needed)
      if (found < 0)
        throw Error(std::string("no column is known to be the ") + role + "; name it with --columns " + role + "=NAME")
            .at_line(source.name, 1);
    int where = -1;
    if (!options.where_column.empty() && (where = table.find({options.where_column})) < 0)
      throw Error("no column '" + options.where_column + "' for --where").at_line(source.name, 1);
    for (const auto& row : table.rows) {
      std::string id;
      guard_row(source, row.line, "", "", sink, [&] {
        if (row.fields.size() != table.header.size())
          throw Error(std::to_string(row.fields.size()) + " fields, but the header has " +
                      std::to_string(table.header.size()));
        if (where >= 0 && row.fields[static_cast<std::size_t>(where)] != options.where_value) return;
        const auto text = [&](int index) -> const std::string& { return row.fields[static_cast<std::size_t>(index)]; };
        const auto says = [&](int index) { return index >= 0 && !text(index).empty(); };  // of a video: may be left
                                                                                          // empty
        id = options.prefix.value_or("") + video_of_file(text(video));
        if (id.empty()) throw Error("empty").at_field("video");
        try {
          VideoInfo info;
          if (const auto* known = options.tables.find(id)) info = *known;
          if (!info.duration && says(duration))
            info.duration = positive(field_number(text(duration), "duration"), "duration");
          if (!info.fps && says(fps)) info.fps = positive(field_number(text(fps), "fps"), "fps");
          if (!info.frames && says(count)) info.frames = whole_number(text(count), "frames");
          if (info.subset.empty() && subset >= 0) info.subset = text(subset);
          const Segment segment{to_seconds(field_number(text(start), "start"), unit, options, &info, "start"),
                                to_seconds(field_number(text(end), "end"), unit, options, &info, "end")};
          check_segment(segment);
          const std::string name = label < 0 || text(label).empty() ? "" : label_of(text(label), options);
          const std::optional<double> value =
              scored ? std::optional<double>(field_number(text(score), "score")) : std::nullopt;
          auto& entry = rows.at(id);
          if (!info.duration) info.duration = entry.info.duration;
          entry.info = info;
          (scored ? entry.has_proposals : entry.has_annotations) = true;
          append_item(scored ? entry.proposals : entry.annotations, segment, value, name);
        } catch (Error& error) {
          throw error.at_video(id);
        }
      });
    }
  }
  rows.emit(options, sink);
}

}  // namespace

void read_segments_csv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_table(sources, options, sink, false, "seconds");
}

void read_detections_csv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_table(sources, options, sink, true, "seconds");
}

void read_thumos14_gt(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    std::string label = source.name.substr(source.name.rfind('/') + 1);
    for (const std::string_view ending : {".gz", ".txt"})
      if (label.size() > ending.size() && label.substr(label.size() - ending.size()) == ending)
        label.resize(label.size() - ending.size());
    if (label == "detclasslist") continue;  // the class numbers, beside the annotations in the official kit
    std::string subset;
    if (const auto bar = label.rfind('_'); bar != std::string::npos && bar > 0) {
      const std::string part = label.substr(bar + 1);
      if (part == "val" || part == "test") subset = part == "val" ? "validation" : "test", label.resize(bar);
    }
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto words = split_blanks(lines[i]);
      if (words.empty()) continue;
      guard_row(source, i + 1, words[0], lines[i], sink, [&] {
        if (words.size() != 3) throw Error("must be 'video start end', not " + std::to_string(words.size()) + " words");
        const Segment segment{field_number(std::string(words[1]), "start"), field_number(std::string(words[2]), "end")};
        check_segment(segment);
        auto& entry = rows.at(options.prefix.value_or("") + std::string(words[0]));
        if (const auto* known = options.tables.find(entry.video)) entry.info = *known;
        if (entry.info.subset.empty()) entry.info.subset = subset;
        entry.has_annotations = true;
        append_item(entry.annotations, segment, std::nullopt, label);
      });
    }
  }
  rows.emit(options, sink);
}

void read_thumos14_results(const std::vector<SourceText>& sources, const ImportOptions& options,
                           const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto words = split_blanks(lines[i]);
      if (words.empty()) continue;
      guard_row(source, i + 1, words[0], lines[i], sink, [&] {
        if (words.size() != 5)
          throw Error("must be 'video start end class score', not " + std::to_string(words.size()) + " words");
        const Segment segment{field_number(std::string(words[1]), "start"), field_number(std::string(words[2]), "end")};
        check_segment(segment);
        (void)parse_integer(words[3]);
        const std::string label = label_of(words[3], options);
        const double score = field_number(std::string(words[4]), "score");
        auto& entry = rows.at(options.prefix.value_or("") + video_of_file(words[0]));
        if (const auto* known = options.tables.find(entry.video)) entry.info = *known;
        entry.has_proposals = true;
        append_item(entry.proposals, segment, score, label);
      });
    }
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
  std::uint64_t line() const { return line_; }  // the last one of the entry just read

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
      throw error;
    }
    line_ = ++at_;
    skip_blank();
    return entry;
  }

 private:
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
    const auto name = next_words("the video");
    if (name.size() != 1) throw Error("must be the video's id");
    entry.video = options_.prefix.value_or("") + video_of_file(name[0]);
    if (const auto* known = options_.tables.find(entry.video)) entry.info = *known;
    entry.has_annotations = entry.has_proposals = true;
    const double frames = field_number(next_word("the number of frames"), "frames");
    const double rate = field_number(next_word("the frames' factor"), "frames");
    if (unit_ == "frames" && !entry.info.frames && frames * rate >= 1 && frames * rate < 9e15)
      entry.info.frames = static_cast<std::int64_t>(frames * rate);
    block("annotations", 3, entry.info, [&](const auto& words, const Segment& segment) {
      append_item(entry.annotations, segment, std::nullopt, label_of(words[0], options_));
    });
    block("proposals", 5, entry.info, [&](const auto& words, const Segment& segment) {
      std::vector<NamedScore> scores;
      for (const auto* name : {"label", "iou", "overlap"})
        scores.push_back({name, field_number(std::string(words[scores.size()]), name)});
      append_item(entry.proposals, segment, std::nullopt, "", scores);
    });
  }

  // A count, and as many lines of `width` words, of which the last two are start and end.
  template <class Row>
  void block(const char* what, std::size_t width, const VideoInfo& info, Row&& row) {
    const std::int64_t count = whole_number(next_word(what), what);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto words = next_words(what);
      if (words.size() != width)
        throw Error(std::to_string(words.size()) + " words, not " + std::to_string(width)).at_field(what);
      const auto seconds = [&](std::size_t word, const char* field) {
        return to_seconds(field_number(std::string(words[word]), field), unit_, options_, &info, field);
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
        sink.error(error, "");
      }
    }
  }
  rows.emit(options, sink);
}

// Lin et al., "BSN": one CSV a video with xmin, xmax (relative) and scores; mmaction writes tmin, tmax. All columns
// stay in `scores`, the relative times too, so that nothing is lost to rounding on the way back.
void read_bsn_proposals(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  const std::string unit = options.time.empty() ? "relative" : options.time;
  VideoRows rows;
  for (const auto& source : sources) {
    const CsvTable table = parse_csv(source);
    const int start = table.find({"xmin", "tmin"}), end = table.find({"xmax", "tmax"});
    if (start < 0 || end < 0) throw Error("no columns xmin, xmax (or tmin, tmax)").at_line(source.name, 1);
    const int score = table.find({"score"});
    const std::string id = options.prefix.value_or("") + video_of_file(source.name);
    auto& entry = rows.at(id);
    if (entry.has_proposals) throw Error("a second file of this video").at_video(id).at_line(source.name, 0);
    entry.has_proposals = true;
    if (const auto* known = options.tables.find(id)) entry.info = *known;
    for (const auto& row : table.rows) {
      guard_row(source, row.line, id, "", sink, [&] {
        if (row.fields.size() != table.header.size())
          throw Error(std::to_string(row.fields.size()) + " fields, but the header has " +
                      std::to_string(table.header.size()));
        std::vector<double> values;
        for (std::size_t c = 0; c < row.fields.size(); ++c)
          values.push_back(field_number(row.fields[c], table.header[c]));
        const auto at = [&](int index) { return values[static_cast<std::size_t>(index)]; };
        const Segment segment{to_seconds(at(start), unit, options, &entry.info, "xmin"),
                              to_seconds(at(end), unit, options, &entry.info, "xmax")};
        check_segment(segment);
        std::vector<NamedScore> scores;
        for (std::size_t c = 0; c < values.size(); ++c)
          if (static_cast<int>(c) != score) scores.push_back({table.header[c], values[c]});
        append_item(entry.proposals, segment, score >= 0 ? std::optional<double>(at(score)) : std::nullopt, "", scores);
      });
    }
  }
  rows.emit(options, sink);
}

namespace {

bool is_record(std::string_view line) {
  try {
    Record().parse(line);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::unordered_map<std::string, VideoInfo> videos_of_records(const SourceText& source) {
  std::unordered_map<std::string, VideoInfo> out;
  const auto lines = split_lines(source);
  Record record;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (split_blanks(lines[i]).empty()) continue;
    try {
      record.parse(lines[i]);
      VideoInfo& info = out[record.video()];
      info.duration = record.duration();
      if (const auto rate = record.fps()) info.fps = rate->value();
      if (const auto frames = record.raw("frames")) info.frames = whole_number(*frames, "frames");
      if (const auto subset = record.text("subset")) info.subset = *subset;
    } catch (Error& error) {
      throw error.at_video(record.video()).at_line(source.name, i + 1);
    }
  }
  return out;
}

}  // namespace

std::unordered_map<std::string, VideoInfo> parse_videos(const SourceText& source) {
  const auto first = source.text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos &&
      is_record(std::string_view(source.text).substr(first, source.text.find('\n', first) - first)))
    return videos_of_records(source);
  if (first != std::string::npos && source.text[first] == '{') return parse_json_videos(source);
  std::unordered_map<std::string, VideoInfo> out;
  const auto lines = split_lines(source);
  if (!lines.empty() && lines[0].find_first_of(",\t") == std::string_view::npos) {  // name, seconds, name, seconds, ...
    std::vector<std::size_t> full;
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (!split_blanks(lines[i]).empty()) full.push_back(i);
    for (std::size_t k = 0; k < full.size(); k += 2) {
      try {
        if (k + 1 >= full.size()) throw Error("the file ends where a duration was expected");
        const auto words = split_blanks(lines[full[k + 1]]);
        out[video_of_file(split_blanks(lines[full[k]])[0])].duration =
            positive(field_number(std::string(words[0]), "duration"), "duration");
      } catch (Error& error) {
        throw error.at_line(source.name, full[std::min(k + 1, full.size() - 1)] + 1);
      }
    }
    if (out.empty()) throw Error("empty").at_line(source.name, 0);
    return out;
  }
  const CsvTable table = parse_csv(source);
  const int video = table.find(kVideo), duration = table.find(kDuration), fps = table.find(kFps),
            frames = table.find(kFrames);
  const int subset = table.find({"subset"});
  if (video < 0) throw Error("no column with the video (video, video-name, filename)").at_line(source.name, 1);
  if (duration < 0 && fps < 0 && frames < 0 && subset < 0)
    throw Error("no column with duration, fps, frames or subset").at_line(source.name, 1);
  for (const auto& row : table.rows) {
    try {
      if (row.fields.size() != table.header.size())
        throw Error(std::to_string(row.fields.size()) + " fields, but the header has " +
                    std::to_string(table.header.size()));
      const auto text = [&](int index) -> const std::string& { return row.fields[static_cast<std::size_t>(index)]; };
      VideoInfo& info = out[video_of_file(text(video))];
      if (duration >= 0) info.duration = positive(field_number(text(duration), "duration"), "duration");
      if (fps >= 0) info.fps = positive(field_number(text(fps), "fps"), "fps");
      if (frames >= 0) info.frames = whole_number(text(frames), "frames");
      if (subset >= 0) info.subset = text(subset);
    } catch (Error& error) {
      throw error.at_line(source.name, row.line);
    }
  }
  return out;
}

std::map<std::int64_t, std::string> parse_classes(const SourceText& source) {
  std::map<std::int64_t, std::string> out;
  const auto first = source.text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && source.text[first] == '[') {
    for (auto& name : parse_json_names(source)) out.emplace(static_cast<std::int64_t>(out.size()), std::move(name));
    return out;
  }
  bool numbered = true, decided = false;
  const auto lines = split_lines(source);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = split_blanks(lines[i]);
    if (words.empty() || (i == 0 && lines[i] == "action")) continue;  // BMN's action_name.csv has a header
    std::int64_t number = static_cast<std::int64_t>(out.size());
    bool has_number = words.size() >= 2;
    if (has_number) try {
        number = parse_integer(words[0]);
      } catch (const Error&) {
        has_number = false;
      }
    if (!decided) numbered = has_number, decided = true;
    if (numbered != has_number)
      throw Error("some lines are 'number name' and some are not").at_line(source.name, i + 1);
    std::string_view name = lines[i].substr(static_cast<std::size_t>(words[numbered ? 1 : 0].data() - lines[i].data()));
    while (name.back() == ' ' || name.back() == '\t') name.remove_suffix(1);
    if (!out.emplace(numbered ? number : static_cast<std::int64_t>(out.size()), name).second)
      throw Error("class " + std::to_string(number) + " stands here twice").at_line(source.name, i + 1);
  }
  if (out.empty()) throw Error("empty").at_line(source.name, 0);
  return out;
}

std::vector<std::string> read_class_names(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [number, name] : parse_classes({path, read_file(path)})) names.push_back(name);
  if (names.empty()) throw Error("'" + path + "' has no class");
  return names;
}

const std::vector<ImportFormat>& import_formats() {
  static const std::vector<ImportFormat> formats = {
      {"activitynet-gt",
       "ActivityNet's annotation JSON, also ActionFormer's, BSN's, G-TAD's and MultiTHUMOS's layouts",
       read_activitynet_gt,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset"}},
      {"activitynet-results",
       "ActivityNet's detection or proposal results (JSON)",
       read_activitynet_results,
       "",
       {"--durations", "--prefix"}},
      {"activitynet-classification",
       "ActivityNet's video-level class scores (JSON)",
       read_activitynet_classification,
       "",
       {"--durations", "--prefix"}},
      {"thumos14-gt",
       "THUMOS14's text files, one a class: video start end",
       read_thumos14_gt,
       ".txt",
       {"--durations", "--prefix"}},
      {"thumos14-results",
       "Detections: video start end class score",
       read_thumos14_results,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset"}},
      {"ssn-proposals",
       "SSN's proposal lists, relative or in frames",
       read_ssn_proposals,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset", "--time", "--fps", "--unit-duration"}},
      {"bsn-annotations",
       "BSN's and mmaction's annotation JSON (duration_second, feature_frame)",
       read_activitynet_gt,
       "",
       {"--durations", "--prefix"}},
      {"bsn-proposals",
       "BSN's proposals, one CSV a video: xmin, xmax, scores",
       read_bsn_proposals,
       ".csv",
       {"--durations", "--prefix", "--time", "--fps", "--unit-duration"}},
      {"segments-csv",
       "Annotations in a table with named columns",
       read_segments_csv,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset", "--time", "--fps", "--unit-duration", "--columns",
        "--where"}},
      {"detections-csv",
       "Detections in a table with named columns",
       read_detections_csv,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset", "--time", "--fps", "--unit-duration", "--columns",
        "--where"}},
      {"class-scores",
       "Scores of whole videos: an array [videos, classes] (.npy or a table), whose rows --videos names",
       read_class_scores,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset", "--videos"}},
      {"scnn-mat",
       "S-CNN's window scores (MATLAB level 5)",
       read_scnn_mat,
       "",
       {"--durations", "--prefix", "--classes", "--class-offset", "--window-weights"}},
      {"features",
       "Feature files: .npy, .npz, CSV, HDF5, MATLAB; one a video, or an archive with an array a video",
       nullptr,
       "",
       {"--durations", "--prefix", "--pattern", "--id", "--stream", "--per", "--fps", "--stride", "--window",
        "--offset", "--vectors", "--transpose", "--duration-from-rows", "--non-finite", "--out-dir", "--inline",
        "--half"},
       read_features},
      {"signals",
       "Sensor series, one or more text files of columns a recording, cut into windows",
       nullptr,
       "",
       {"--durations", "--prefix",       "--pattern",         "--id",     "--stream",
        "--rate",      "--channels",     "--signal-features", "--stride", "--window",
        "--tail",      "--labels",       "--columns",         "--where",  "--time",
        "--classes",   "--class-offset", "--out-dir",         "--inline", "--half"},
       read_signals},
      {"tal", "Records, one JSON object a line", nullptr, "", {"--durations"}},
  };
  return formats;
}

}  // namespace tal
