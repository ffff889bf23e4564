// Feature files of other tools.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/data/array_file.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/feature_support.h"
#include "libtal/io/feature_header.h"

namespace tal {
namespace {

// What published layouts keep beside features under names that say so: annotations of TVSum's and SumMe's archives
// (eccv16_dataset_*.h5), times and classes of the rows.
bool is_known_annotation(const std::string& array) {
  static const std::set<std::string> names = {"change_points",   "user_summary", "user_scores", "user_score",
                                              "gtscore",         "gtsummary",    "gt_score",    "gt_summary",
                                              "n_frame_per_seg", "picks",        "labels",      "label",
                                              "targets",         "timestamps",   "times",       "frame_times"};
  return names.count(array) > 0;
}

// Of a video's arrays the matrices, or else the vectors; what is left out is counted by name.
// timed: a stride is given, so that what the file says of the frame rate counts.
std::vector<ArrayFile::Entry> streams_of(const std::vector<ArrayFile::Entry>& entries, bool timed,
                                         FeatureItems& videos) {
  auto best = ArrayFile::Kind::kVector;
  for (const auto& entry : entries) best = std::max(best, entry.kind);
  const auto others = [&](const ArrayFile::Entry& entry) {
    return entry.kind == best && !is_known_annotation(entry.own_name());
  };
  const bool features = std::any_of(entries.begin(), entries.end(), others);
  std::vector<ArrayFile::Entry> streams;
  for (const auto& entry : entries) {
    if (features ? others(entry) : entry.kind == best) streams.push_back(entry);
    else if (!entry.fact || !timed)
      ++videos
            .left_out[entry.own_name() + " (" + (entry.what.empty() ? "an annotation, by its name" : entry.what) + ")"];
  }
  return streams;
}

// Groups that hold the videos of a part of the data set, or all of them, and are none themselves.
bool is_container(const std::string& name) {
  static const std::set<std::string> words = {"train",    "training", "val",      "valid", "validation", "test",
                                              "testing",  "dev",      "trainval", "all",   "data",       "dataset",
                                              "features", "feature",  "feats",    "feat",  "video",      "videos"};
  return words.count(lower_case(name)) > 0;
}

// What streams are called, in lower case: "rgb", "flow", and what a network's output is.
bool is_stream_word(const std::string& word) {
  static const std::set<std::string> words = {
      "rgb",   "flow",   "spatial", "temporal", "audio",   "sound", "motion", "pose",       "depth",
      "text",  "output", "feat",    "feats",    "feature", "data",  "mask",   "features",   "hidden",
      "state", "last",   "pooler",  "pool",     "i3d",     "c3d",   "tsn",    "tsp",        "resnet",
      "clip",  "arr",    "x",       "y",        "emb",     "frame", "frames", "embeddings", "boundary"};
  return words.count(word) > 0;
}

// Error for arrays that are streams of one video by their names, v1_rgb beside v1_flow.
void check_arrays_are_videos(const std::vector<ArrayFile::Entry>& entries) {
  std::map<std::string, std::string> first;  // what stands before the stream -> the array
  for (const auto& entry : entries) {
    const auto mark = entry.name.find_last_of("_-.");
    if (mark == std::string::npos || mark == 0 || entry.kind == ArrayFile::Kind::kNone ||
        !is_stream_word(lower_case(entry.name.substr(mark + 1))))
      continue;
    const auto [same, fresh] = first.try_emplace(entry.name.substr(0, mark), entry.name);
    if (!fresh && same->second != entry.name)
      throw Error("'" + same->second + "' and '" + entry.name + "' are two streams of '" + same->first +
                  "' by their names: say what of a name is the video and what the stream, such as --pattern "
                  "'([^/]+)[_.-]([^_.-]+)$' --stream '$2', or --pattern '.+' where they are two videos");
  }
}

// VIDEO/STREAM is how groups are used. Error where the names do not show that: a video would take another's rows.
void check_groups_are_videos(const std::vector<ArrayFile::Entry>& entries) {
  const auto refuse = [](const std::string& name, const std::string& why) {
    return Error("'" + name + "' " + why +
                 ": say what of a name is the video and what the stream, such as --pattern '([^/]+)/([^/]+)$' --stream "
                 "'$2' or --pattern '[^/]+$'");
  };
  std::map<std::string, std::size_t> groups, streams;
  for (const auto& entry : entries) {
    const auto slash = entry.name.find('/');
    if (slash == std::string::npos || entry.kind == ArrayFile::Kind::kNone) continue;
    if (entry.name.find('/', slash + 1) != std::string::npos)
      throw refuse(entry.name, "lies in more groups than VIDEO/STREAM has");
    const std::string group = entry.name.substr(0, slash);
    if (is_container(group)) throw refuse(entry.name, "lies in a group that is not named like a video");
    if (is_stream_word(lower_case(group)))
      throw Error("'" + entry.name +
                  "' lies in a group that is named like a stream: --pattern '([^/]+)/([^/]+)$' --id "
                  "'$2' --stream '$1' reads STREAM/VIDEO, --pattern '([^/]+)/([^/]+)$' --stream '$2' VIDEO/STREAM");
    ++groups[group], ++streams[entry.name.substr(slash + 1)];
  }
  const auto more_than_one = [](const auto& counted) { return counted.second > 1; };
  if (groups.size() > 1 && std::any_of(groups.begin(), groups.end(), more_than_one) &&
      std::none_of(streams.begin(), streams.end(), more_than_one))
    throw refuse(groups.begin()->first,
                 "and the other groups have no array of the same name, as streams of videos have");
}

// Each array is a video, or a group with the video's streams.
void assign_arrays(const std::string& path, const std::vector<ArrayFile::Entry>& entries, const FeatureImport& options,
                   FeatureItems& videos) {
  if (options.pattern.empty()) check_groups_are_videos(entries), check_arrays_are_videos(entries);
  std::vector<std::pair<FeatureName, ArrayFile::Entry>> named;
  std::map<std::string, std::vector<ArrayFile::Entry>> by_video;
  for (const auto& entry : entries) {
    const auto slash = options.pattern.empty() ? entry.name.find('/') : std::string::npos;
    std::optional<FeatureName> name;
    if (slash == std::string::npos) name = feature_name(entry.name, options, "features");
    else
      name = FeatureName{entry.name.substr(0, slash),
                         options.stream.empty() ? entry.name.substr(slash + 1) : options.stream};
    if (!name) videos.add(name, path);
    else named.emplace_back(*name, entry), by_video[name->video].push_back(entry);
  }
  std::set<std::string> kept;
  for (const auto& [video, arrays] : by_video)
    for (const auto& stream : streams_of(arrays, options.stride > 0, videos)) kept.insert(stream.name);
  for (const auto& [name, entry] : named)
    if (kept.count(entry.name)) videos.add(name, path, entry.name);
}

// "rgb", "flow_feat", "arr_0", "change_points": a stream's name, or what is kept beside one, and no video's.
bool is_stream_name(const std::string& array) {
  if (is_known_annotation(array)) return true;
  std::string word;
  bool any = false;
  for (const char c : array + "_") {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalpha(byte) || (!word.empty() && std::isdigit(byte))) {
      word += static_cast<char>(std::tolower(byte));
    } else if (!word.empty()) {
      if (!is_stream_word(word)) return false;
      word.clear(), any = true;
    }
  }
  return any;
}

// Why arrays side by side are not plainly the rows of one video each; "": they may well be.
std::string unlike_videos(const std::vector<const ArrayFile::Entry*>& arrays, bool transpose) {
  const auto columns = [&](const ArrayFile::Entry& entry) -> std::int64_t {
    try {
      return entry.kind == ArrayFile::Kind::kMatrix ? squeezed(entry.shape).at(transpose ? 0 : 1) : -1;
    } catch (const Error&) {
      return -1;  // not known; what is wrong is said when it is read
    }
  };
  for (const auto* array : arrays)
    if (array->kind != arrays[0]->kind) return ", matrices and vectors";
  std::int64_t first = -1;
  for (const auto* array : arrays) {
    const std::int64_t own = columns(*array);
    if (own >= 0 && first >= 0 && own != first) return ", with different numbers of columns";
    if (first < 0) first = own;
  }
  for (const auto* array : arrays)
    if (is_stream_name(array->name)) return ", and '" + array->name + "' is a name as of a stream";
  return "";
}

// Whether the arrays of a file are videos and not streams of one. Error where that cannot be told.
bool arrays_are_videos(const FeatureFile& file, std::size_t files, const std::vector<ArrayFile::Entry>& entries,
                       const FeatureImport& options, FeatureItems& videos) {
  if (options.per != "auto" || files > 1) return options.per == "array";
  const bool grouped = std::any_of(entries.begin(), entries.end(), [](const ArrayFile::Entry& entry) {
    return entry.kind != ArrayFile::Kind::kNone && entry.name.find('/') != std::string::npos;
  });
  if (grouped) return true;
  std::vector<const ArrayFile::Entry*> arrays;
  for (const auto& entry : entries)
    if (entry.kind != ArrayFile::Kind::kNone) arrays.push_back(&entry);
  // Beside arrays with rows, single values are settings of whoever wrote the file.
  const auto is_one = [](const ArrayFile::Entry* entry) { return entry->kind == ArrayFile::Kind::kOne; };
  if (!std::all_of(arrays.begin(), arrays.end(), is_one)) std::erase_if(arrays, is_one);
  std::string doubt;
  if (arrays.size() > 1 && arrays.size() < entries.size()) doubt = ", beside what is none";
  else if (arrays.size() > 1 && options.pattern.empty()) doubt = unlike_videos(arrays, options.transpose);
  if (arrays.size() > 1 && (!doubt.empty() || file.in_folder))
    throw Error("holds " + std::to_string(arrays.size()) + " arrays, '" + arrays[0]->name + "' and others" + doubt +
                ": are they videos (--per array), or streams of the one video that the file is (--per file)?");
  if (arrays.size() != 1) return arrays.size() > 1;
  const std::string& only = arrays[0]->name;
  if (!options.pattern.empty()) return feature_name(only, options, "features").has_value();
  if (only != "features" && only != "arr_0" && only != feature_name(file.name, options, "")->video)
    videos.notes.push_back(file.path + ": its one array '" + only +
                           "' is a stream of the video that the file is; --per "
                           "array makes it a video");
  return false;
}

// What tal-extract wrote beside the rows.
std::optional<FeatureHeader> header_of(const std::string& path) {
  return path.ends_with(".npy") ? feature_header_beside(path) : std::nullopt;
}

// Of a file VIDEO.STREAM.npy that tal-extract has written, as its header says; of any other one by its name.
std::optional<FeatureName> name_of(const FeatureFile& file, const FeatureImport& options) {
  const auto header = options.pattern.empty() && options.id_folders == 0 ? header_of(file.path) : std::nullopt;
  const std::string name = std::filesystem::path(file.path).stem().string();
  if (!header || header->video.empty() || !name.starts_with(header->video + ".") ||
      name.size() == header->video.size() + 1)
    return feature_name(file.name, options, "features");
  return FeatureName{header->video, options.stream.empty() ? name.substr(header->video.size() + 1) : options.stream};
}

// Which file or array belongs to whom. Archives are opened for their names only.
FeatureItems assign(const std::vector<FeatureFile>& files, const FeatureImport& options) {
  FeatureItems videos;
  for (const auto& file : files) {
    try {
      const ArrayFile arrays(file.path);
      if (!arrays.archive()) {
        videos.add(name_of(file, options), file.path);
        continue;
      }
      const auto& entries = arrays.entries();
      if (std::all_of(entries.begin(), entries.end(), [](const auto& e) { return e.kind == ArrayFile::Kind::kNone; })) {
        const std::string first = entries.empty() ? "" : ": '" + entries[0].name + "' holds " + entries[0].what;
        throw Error("no array of numbers with rows in this file" + first);
      }
      if (arrays_are_videos(file, files.size(), entries, options, videos)) {
        assign_arrays(file.path, entries, options, videos);
      } else if (const auto name = feature_name(file.name, options, "features"); !name) {
        videos.add(name, file.path);
      } else {  // a file a video, with one stream or several
        const auto streams = streams_of(entries, options.stride > 0, videos);
        for (const auto& stream : streams)
          videos.add(streams.size() == 1 ? *name : FeatureName{name->video, stream.name}, file.path, stream.name);
      }
    } catch (Error& error) {
      throw error.at_line(file.path, error.line());
    }
  }
  return videos;
}

// A number, or a rate such as 30000 and 1001.
Rate single(const ArrayFile::Fact& fact, const std::string& name) {
  const auto& values = fact.values;
  if (values.size() == 1) return {values[0], 1};
  const auto whole = [](double value) { return value >= 1 && value == std::floor(value); };
  if (name == "fps" && values.size() == 2 && whole(values[0]) && whole(values[1])) return {values[0], values[1]};
  throw Error(fact.place + " holds " + (values.empty() ? fact.other : std::to_string(values.size()) + " values") +
              ", not a number: give --" + name);
}

std::string in_words(double value) {
  return std::isnan(value) ? "NaN" : std::isinf(value) ? "infinity" : format_number(value);
}

// What the file says of itself; nullopt: nothing. Error for what is no such number, and for two that differ.
std::optional<Rate> stated(const ArrayFile::Array& array, const std::string& name) {
  const auto found = array.facts.find(name);
  if (found == array.facts.end()) return std::nullopt;
  std::optional<Rate> first;
  for (const auto& fact : found->second) {
    const Rate next = single(fact, name);
    const double value = next.value();
    if (!std::isfinite(value) || (value <= 0 && name != "offset"))
      throw Error(fact.place + " is " + in_words(value) + ", and must be " +
                  (name == "offset" ? "a number" : "positive") + ": give --" + name);
    if (first && first->value() != value)
      throw Error(found->second.front().place + " is " + format_number(first->value()) + ", but " + fact.place +
                  " is " + format_number(value) + ": say which with --" + name);
    if (!first) first = next;
  }
  return first;
}

// Frame rates that files state of rows without a stride, which have no use of one.
struct UnusedRates {
  std::size_t count = 0;
  std::string first;
  void note(const ImportSink& sink) const {
    if (count > 0)
      sink.note(first + (count > 1 ? ", and those of " + std::to_string(count - 1) + " more are" : ", is") +
                " left out: without a stride the rows share the video's duration (--stride)");
  }
};

// Frames per second, stride, window and offset: given, else what the file says of itself, else (fps) the table of
// videos.
void set_contract(FeatureStream& stream, const ArrayFile::Array& array, const ImportOptions& options,
                  const VideoInfo* info, UnusedRates& unused) try {
  const FeatureImport& f = options.features;
  const auto known = [&](std::optional<double> given, const std::string& name) -> std::optional<Rate> {
    return given ? Rate{*given, 1} : stated(array, name);
  };
  const auto positive = [](double given) { return given > 0 ? std::optional(given) : std::nullopt; };
  const auto value = [](const std::optional<Rate>& rate) { return rate ? rate->value() : 0; };
  stream.stride = value(known(positive(f.stride), "stride"));
  stream.window = value(known(positive(f.window), "window"));
  stream.offset = value(known(f.offset, "offset"));
  stream.fps = known(positive(options.fps), "fps");
  if (stream.stride == 0) {  // the rows share the video's duration, as in features rescaled to a fixed length
    if (options.fps > 0 || f.window != 0 || f.offset.value_or(0) != 0)
      throw UsageError("the time of a row needs --stride besides --fps, --window and --offset");
    if (stream.window != 0 || stream.offset != 0)
      throw Error("the file states a window or an offset, but no stride: give --stride");
    if (stream.fps && array.told.empty() && unused.count++ == 0)  // of tables LeftOutColumns says it
      unused.first = array.facts.at("fps").front().place + ", " + format_number(stream.fps->value());
    stream.fps.reset();
    return;
  }
  if (!stream.fps && info && info->fps) stream.fps = Rate{*info->fps, 1};
  if (!stream.fps)
    throw Error("a stride in frames needs the frame rate: give --fps, or --durations with an fps column");
  if (stream.window == 0) stream.window = stream.stride;
} catch (Error& error) {
  throw error.at_field("features." + stream.name);
}

// What tal-extract says of its rows is so, and what is given must be that.
void take_header(FeatureStream& stream, const FeatureHeader& header, const ArrayFile::Array& array,
                 const ImportOptions& options) try {
  const FeatureImport& f = options.features;
  const auto agrees = [&](const char* option, double given, double said) {
    if (std::abs(given - said) > 1e-9 * std::max(std::abs(given), std::abs(said)))
      throw Error(std::string(option) + " " + format_number(given) + ", but the header that tal-extract wrote beside " +
                  "the rows says " + format_number(said) + ": leave the option out");
  };
  const FeatureStream& said = header.stream;
  const std::int64_t rows = array.as_is ? array.rows : array.matrix.rows,
                     dim = array.as_is ? array.dim : array.matrix.dim;
  if (said.rows != rows || said.dim != dim)
    throw Error("the array has " + std::to_string(rows) + " rows of " + std::to_string(dim) +
                ", the header beside it " + std::to_string(said.rows) + " of " + std::to_string(said.dim) +
                " (tal-check tells more)");
  if (options.fps > 0) agrees("--fps", options.fps, said.fps ? said.fps->value() : 0);
  if (f.stride > 0) agrees("--stride", f.stride, said.stride);
  if (f.window > 0) agrees("--window", f.window, said.window);
  if (f.offset) agrees("--offset", *f.offset, said.offset);
  const std::string name = stream.name;
  stream = said;
  stream.name = name, stream.dtype = FeatureStream().dtype;
  stream.path.clear(), stream.text.clear();
} catch (Error& error) {
  throw error.at_field("features." + stream.name);
}

// The facts of the video, where the table has none; those that it has must be these.
void take_facts(Record& record, const VideoFacts& facts, const VideoInfo* table) {
  VideoInfo own;
  if (facts.duration > 0 && !record.has("duration")) own.duration = facts.duration;
  if (facts.fps > 0) own.fps = facts.fps;
  if (facts.frames > 0) own.frames = facts.frames;
  if (table) {
    (void)with_table(own, *table);
    if (table->duration) own.duration.reset();
    if (table->fps) own.fps.reset();
    if (table->frames) own.frames.reset();
  }
  set_info(record, own);
}

// Seconds from the video's beginning to the end of the last row's window.
double covered_seconds(const FeatureStream& stream) {
  if (stream.stride == 0)
    throw Error("--duration-from-rows needs the time of a row: give --fps and --stride")
        .at_field("features." + stream.name);
  const double last = stream.offset + static_cast<double>(stream.rows - 1) * stream.stride;
  return (stream.last_start.value_or(last) + stream.window) / stream.fps->value();
}

// Of one name: what tells them apart depends on where their names differ.
Error two_streams(const std::vector<FeatureItem>& items, const FeatureItem& second, const FeatureImport& options) {
  const FeatureItem& first =
      *std::find_if(items.begin(), items.end(), [&](const FeatureItem& each) { return each.stream == second.stream; });
  const auto place = [](const FeatureItem& item) {
    return "'" + (item.array.empty() ? "" : item.array + "' of '") + item.path + "'";
  };
  const std::string ending = std::filesystem::path(without_ending(second.path, {".gz"})).extension().string();
  const auto parent = [](const FeatureItem& item) { return std::filesystem::path(item.path).parent_path(); };
  if (first.path == second.path && first.array == second.array) return Error(place(first) + " is given twice");
  std::string advice = "--pattern tells videos and streams (--stream) by their paths";
  if (!options.pattern.empty()) advice = "--pattern (with --id and --stream) must tell them apart";
  else if (first.path == second.path) advice = "--pattern '.+' takes their whole names for those of videos";
  else if (parent(first) == parent(second) && !ending.empty())
    advice = "--pattern '(.+)[.]" + ending.substr(1) + "' takes their names but for the ending for those of videos";
  else advice += ", --id-folders 1 keeps the folder in the ids";
  return Error("there are two for this video, " + place(first) + " and " + place(second) + ": " + advice);
}

// Beside arrays in a folder, a text that is no table may be no feature at all.
std::string text_advice(const std::vector<FeatureFile>& files, const std::string& path) {
  const auto is_text = [](const std::string& name) { return without_ending(name, {".csv", ".txt", ".tsv"}) != name; };
  const auto read =
      std::find_if(files.begin(), files.end(), [&](const FeatureFile& each) { return each.path == path; });
  const auto array = std::find_if(files.begin(), files.end(), [&](const FeatureFile& each) {
    return each.in_folder && !is_text(std::string(without_ending(each.name, {".gz"})));
  });
  if (read == files.end() || array == files.end() || !read->in_folder ||
      !is_text(std::string(without_ending(read->name, {".gz"}))))
    return "";
  const auto ending = std::filesystem::path(array->name).extension().string();
  return ending.size() < 2 ? ""
                           : " (where this is no table of features: --pattern '([^/]+)[.]" + ending.substr(1) +
                                 "$' takes the others)";
}

// Rows that no stage can read where they are: checked and written.
void rewrite(FeatureMatrix& matrix, const std::string& path, const std::string& video, const FeatureImport& options,
             FeatureStream& stream, const ImportSink& sink) {
  if (!options.inline_data && options.out_dir.empty())
    throw UsageError(path + ": a pipe cannot read these rows where they are: give --out-dir DIR or --inline");
  if (options.non_finite != "fail") treat_non_finite(matrix, options, video, stream.name, sink);
  check_finite(matrix, "features." + stream.name);
  store_rows(matrix, video, options, stream);
}

}  // namespace

void read_features(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink) {
  const FeatureImport& f = options.features;
  prepare_output(f);
  const auto files = list_feature_files(paths,
                                        {".npy", ".npy.gz", ".npz", ".csv", ".csv.gz", ".txt", ".txt.gz", ".h5",
                                         ".hdf5", ".hdf", ".h5.gz", ".mat", ".mat.gz"},
                                        sink.note, f.id_folders);
  const FeatureItems videos = assign(files, f);
  videos.report("files or arrays", sink);
  if (!f.out_dir.empty()) videos.check_files();
  std::unique_ptr<ArrayFile> file;  // the last one opened: arrays of one archive follow each other
  std::string open;
  LeftOutColumns left_out;
  UnusedRates unused;
  bool vectors = false;
  for (const auto& name : videos.order) {
    const std::string video = options.prefix.value_or("") + name;
    std::string path;
    try {
      Record record = Record::make(video);
      std::set<std::string> streams;
      double covered = 0;  // seconds
      VideoFacts facts;
      for (const auto& item : videos.items.at(name)) {
        path = item.path;
        if (open != path)
          file = std::make_unique<ArrayFile>(path, options.dialect, options.signals.channels), open = path;
        FeatureStream stream;
        stream.name = item.stream;
        if (!streams.insert(stream.name).second)
          throw two_streams(videos.items.at(name), item, f).at_field("features." + stream.name);
        ArrayFile::Array array = file->read(item.array, f);
        left_out.add(array.left_out, array.counting, array.told);
        left_out.add_attributes(array.untaken);
        vectors = vectors || array.vector;
        if (const auto header = item.array.empty() ? header_of(path) : std::nullopt) {
          take_header(stream, *header, array, options);
          facts = header->facts;
        } else {
          set_contract(stream, array, options, options.tables.find(video), unused);
        }
        check_rate_column(array.told, stream.fps ? stream.fps->value() : 0, "--fps");
        const auto rate = stream.fps ? std::optional(stream.fps->value() / stream.stride) : std::nullopt;
        const RowClock clock{rate, "--fps over --stride", stream.stride, stream.window, stream.offset};
        check_places(array.places, clock, path, sink.note);
        if (const auto last = moved_last_row(array.places, clock); last && !stream.last_start) {
          stream.last_start = last;
          sink.note(path + ": the last row begins at frame " + format_number(*last) +
                    ", less than a stride behind the one before, and is read as a window that ends with the video");
        }
        if (array.as_is) stream.path = path, stream.rows = array.rows, stream.dim = array.dim;
        else rewrite(array.matrix, path, video, f, stream, sink);
        covered = std::max(covered, f.duration_from_rows ? covered_seconds(stream) : 0);
        record.set_feature(stream.name, feature_json(stream));
      }
      const VideoInfo* info = options.tables.find(video);
      if (f.duration_from_rows && !(info && info->duration)) record.set_number("duration", covered);
      take_facts(record, facts, info);
      sink.record(record);
    } catch (Error& error) {
      if (const auto advice = text_advice(files, path); !advice.empty()) {
        Error more(error.message() + advice, error.kind());
        if (!error.field().empty()) more.at_field(error.field());
        sink.error(more.at_video(video).at_line(path, error.line()), path);
        continue;
      }
      sink.error(error.at_video(video).at_line(path, error.line()), path);
    }
  }
  left_out.note(sink);
  unused.note(sink);
  if (f.vectors_given && !vectors) sink.note("--vectors has no effect: no array has one dimension");
}

}  // namespace tal
