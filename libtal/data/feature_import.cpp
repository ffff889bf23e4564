#include "libtal/data/feature_import.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <regex>
#include <set>

#include "libtal/data/import_support.h"
#include "libtal/io/csv.h"
#include "libtal/io/hdf5.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npz.h"
#include "libtal/io/time_rows.h"

namespace tal {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string path, name;  // name: below the folder that was given
};

bool ends_with_any(std::string_view name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) { return name.ends_with(ending); });
}

// Files as named, folders as what lies below them with one of the endings, in the order of their names.
std::vector<File> list_files(const std::vector<std::string>& paths, const std::vector<std::string>& endings) {
  std::vector<File> files;
  for (const auto& path : paths) {
    if (path == "-") throw UsageError("this format reads files and folders, not stdin: name them");
    if (!fs::is_directory(path)) {
      files.push_back({path, fs::path(path).filename().string()});
      continue;
    }
    std::vector<File> found;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file() && ends_with_any(entry.path().filename().string(), endings))
        found.push_back({entry.path().string(), fs::relative(entry.path(), path).generic_string()});
    if (found.empty()) throw Error("no file of this format in this folder").at_line(path, 0);
    std::sort(found.begin(), found.end(), [](const File& a, const File& b) { return natural_less(a.name, b.name); });
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::string stem(const std::string& name) {
  std::string file = name.substr(name.rfind('/') + 1);
  for (const std::string_view ending : {".gz", ".npy", ".npz", ".csv", ".txt", ".tsv", ".h5", ".hdf5", ".mat"})
    if (file.size() > ending.size() && file.ends_with(ending)) file.resize(file.size() - ending.size());
  return file;
}

void check_file_name(const std::string& text, const char* field) {
  if (text.empty() || text == "." || text == ".." || text.find('/') != std::string::npos || text.find('\0') != std::string::npos)
    throw Error("'" + text + "' cannot be part of a file name").at_field(field);
}

void set_zero(FeatureMatrix& matrix, const std::string& what, const ImportSink& sink) {
  std::size_t count = 0;
  for (float& value : matrix.values)
    if (!std::isfinite(value)) value = 0, ++count;
  if (count > 0) sink.note(what + ": " + std::to_string(count) + " values were not finite and are 0 now");
}

// Puts the rows where the options want them.
void store(const FeatureMatrix& matrix, const std::string& video, const FeatureImport& options, FeatureStream& stream) {
  if (matrix.rows == 0 || matrix.dim == 0) throw Error("no rows").at_field("features." + stream.name);
  stream.rows = matrix.rows, stream.dim = matrix.dim;
  if (!options.inline_data) {
    check_file_name(video, "video");
    check_file_name(stream.name, "features");
    stream.path = (fs::path(options.out_dir) / (video + "." + stream.name + ".npy")).string();
    write_npy(stream.path, matrix.values.data(), matrix.rows, matrix.dim, options.half);
    return;
  }
  std::vector<std::uint16_t> halves;
  if (options.half) {
    stream.dtype = "float16";
    for (const float value : matrix.values) halves.push_back(float_to_half(value));
    stream.data = base64_encode({reinterpret_cast<const char*>(halves.data()), halves.size() * 2});
  } else {
    stream.data = base64_encode({reinterpret_cast<const char*>(matrix.values.data()), matrix.values.size() * 4});
  }
}

void prepare_output(const FeatureImport& options) {
  if (options.inline_data && !options.out_dir.empty()) throw UsageError("--inline and --out-dir exclude each other");
  if (options.half && !options.inline_data && options.out_dir.empty()) throw UsageError("--half has no effect without --inline or --out-dir");
  if (!options.out_dir.empty()) fs::create_directories(options.out_dir);
}

// A file of one or more arrays, opened once.
class ArrayFile {
 public:
  struct Array {
    FeatureMatrix matrix;      // [rows, dim]; empty when `as_is`
    std::int64_t rows = 0, dim = 0;
    bool as_is = false;        // a stage can read the file itself
    std::map<std::string, double> attributes;
  };

  explicit ArrayFile(const std::string& path) : path_(path) {
    if (path.ends_with(".h5") || path.ends_with(".hdf5") || path.ends_with(".mat")) {
      hdf5_ = std::make_unique<Hdf5File>(path);
      datasets_ = hdf5_->datasets();
      for (const auto& dataset : datasets_)
        if (dataset.numeric) names_.push_back(dataset.name);
      std::sort(names_.begin(), names_.end(), natural_less);
    } else if (path.ends_with(".npz")) {
      file_ = std::make_unique<MappedFile>(path);
      npz_ = std::make_unique<Npz>(file_->bytes());
      names_ = npz_->names();
    }
  }
  bool archive() const { return hdf5_ || npz_; }
  const std::vector<std::string>& names() const { return names_; }

  Array read(const std::string& name, const FeatureImport& options) const {
    Array array;
    std::size_t rank = 2;
    if (hdf5_) {
      const auto& dataset = *std::find_if(datasets_.begin(), datasets_.end(), [&](const Hdf5Dataset& d) { return d.name == name; });
      rank = dataset.shape.size();
      array.attributes = dataset.attributes;
      array.matrix = hdf5_->read(name);
    } else if (npz_) {
      std::string storage;
      read_npy(npz_->npy(name, storage), rank, array.matrix);
    } else if (path_.ends_with(".npy")) {
      const MappedFile file(path_);
      const NpyHeader header = parse_npy_header(file.bytes());
      const bool stays = options.out_dir.empty() && !options.inline_data && !options.transpose && options.non_finite == "fail";
      if (stays && (header.shape.size() == 2 || (header.shape.size() == 1 && options.vectors == "columns"))) {
        array.as_is = true;
        array.rows = header.shape[0], array.dim = header.shape.size() == 2 ? header.shape[1] : 1;
        if (header.count() == 0) throw Error("no rows");
        return array;
      }
      read_npy(file.bytes(), rank, array.matrix);
    } else {
      array.matrix = parse_number_table(inflate_if_gzip(read_file(path_))).values;
    }
    if ((rank == 1 && options.vectors == "rows") != options.transpose) array.matrix = transposed(array.matrix);
    array.rows = array.matrix.rows, array.dim = array.matrix.dim;
    return array;
  }

 private:
  static void read_npy(std::string_view image, std::size_t& rank, FeatureMatrix& out) {
    NpyHeader header = parse_npy_header(image);
    rank = header.shape.size();
    header.shape = squeezed(header.shape);
    out = matrix_from_npy(image, header);
  }

  std::string path_;
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<Npz> npz_;
  std::unique_ptr<Hdf5File> hdf5_;
  std::vector<Hdf5Dataset> datasets_;
  std::vector<std::string> names_;
};

struct Item {
  std::string path, array, stream;
};
// Items by video, in order of first appearance.
struct Videos {
  std::vector<std::string> order;
  std::map<std::string, std::vector<Item>> items;
  std::size_t unmatched = 0;
  void add(const FeatureName& name, const std::string& path, const std::string& array) {
    auto& list = items[name.video];
    if (list.empty()) order.push_back(name.video);
    list.push_back({path, array, name.stream});
  }
};

// Which file or array belongs to whom. Archives are opened for their names only.
Videos assign(const std::vector<File>& files, const FeatureImport& options) {
  Videos videos;
  const auto add = [&](const std::optional<FeatureName>& name, const std::string& path, const std::string& array) {
    if (name) videos.add(*name, path, array);
    else ++videos.unmatched;
  };
  for (const auto& file : files) {
    try {
      const ArrayFile arrays(file.path);
      const auto& names = arrays.names();
      if (arrays.archive() && names.empty()) throw Error("no array of numbers in this file");
      const bool each = arrays.archive() && (options.per == "array" || (options.per == "auto" && files.size() == 1 && names.size() > 1));
      if (each) {
        for (const auto& name : names) {
          // VIDEO/STREAM is how groups are used
          const auto slash = options.pattern.empty() ? name.find('/') : std::string::npos;
          if (slash == std::string::npos) add(feature_name(name, options, "features"), file.path, name);
          else add(FeatureName{name.substr(0, slash), options.stream.empty() ? name.substr(slash + 1) : options.stream}, file.path, name);
        }
      } else if (auto name = feature_name(file.name, options, "features"); !arrays.archive() || names.size() == 1 || !name) {
        add(name, file.path, names.empty() ? "" : names[0]);
      } else {  // a file a video with several streams
        for (const auto& array : names) add(FeatureName{name->video, array}, file.path, array);
      }
    } catch (Error& error) {
      throw error.at_line(file.path, error.line());
    }
  }
  return videos;
}

// Frames per second, stride, window and offset: given, else what the file says of itself, else (fps) the table of videos.
void set_contract(FeatureStream& stream, const std::map<std::string, double>& attributes, const ImportOptions& options, const VideoInfo* info) {
  const FeatureImport& f = options.features;
  const auto known = [&](double given, const char* name) {
    const auto found = attributes.find(name);
    return given != 0 ? given : found != attributes.end() ? found->second : 0;
  };
  stream.stride = known(f.stride, "stride");
  stream.window = known(f.window, "window");
  stream.offset = known(f.offset, "offset");
  double fps = known(options.fps, "fps");
  if (stream.stride == 0) {
    if (stream.window != 0 || options.fps > 0) throw UsageError("the time of a row needs --stride besides --fps and --window");
    return;  // the rows share the video's duration (specified for rescaled features)
  }
  if (fps == 0 && info && info->fps) fps = *info->fps;
  if (!(fps > 0)) throw Error("a stride in frames needs the frame rate: give --fps, or --durations with an fps column").at_field("features." + stream.name);
  if (stream.stride < 0 || stream.window < 0) throw Error("stride or window is negative").at_field("features." + stream.name);
  if (stream.window == 0) stream.window = stream.stride;
  stream.fps = Rate{fps, 1};
}

// ---- signals

std::int64_t whole(double value, const char* option) {
  if (!(value >= 1) || value != std::floor(value) || value > 1e9) throw UsageError(std::string(option) + " must be a whole number of samples");
  return static_cast<std::int64_t>(value);
}

// The files of one recording side by side.
FeatureMatrix read_channels(const std::vector<Item>& items, const std::vector<std::string>& channels) {
  std::vector<FeatureMatrix> parts;
  FeatureMatrix all;
  for (const auto& item : items) {
    try {
      parts.push_back(parse_number_table(inflate_if_gzip(read_file(item.path)), channels).values);
      if (parts.back().rows == 0) throw Error("no samples");
      if (parts.back().rows != parts.front().rows)
        throw Error(std::to_string(parts.back().rows) + " samples, but " + items.front().path + " has " + std::to_string(parts.front().rows));
    } catch (Error& error) {
      throw error.at_line(item.path, error.line());
    }
    all.dim += parts.back().dim;
  }
  all.rows = parts.front().rows;
  all.values.reserve(static_cast<std::size_t>(all.rows * all.dim));
  for (std::int64_t r = 0; r < all.rows; ++r)
    for (const auto& part : parts) all.values.insert(all.values.end(), part.row(r), part.row(r) + part.dim);
  return all;
}

// Annotations of --labels by video, with whatever else the table says of the video.
std::map<std::string, Record> read_labels(const ImportOptions& options, const ImportSink& sink) {
  std::map<std::string, Record> labels;
  if (options.signals.labels.empty()) return labels;
  ImportOptions table = options;
  if (table.fps == 0) table.fps = options.signals.rate;
  const ImportSink collect{[&](Record& record) { labels.emplace(record.video(), std::move(record)); }, sink.error, sink.note};
  read_segments_csv(load_sources({options.signals.labels}, ""), table, collect);
  return labels;
}

void statistics_row(const FeatureMatrix& samples, std::int64_t start, std::int64_t window, const std::string& statistic, std::vector<float>& out) {
  const auto sample = [&](std::int64_t i) { return samples.row(std::min(start + i, samples.rows - 1)); };
  if (statistic == "raw") {
    for (std::int64_t i = 0; i < window; ++i) out.insert(out.end(), sample(i), sample(i) + samples.dim);
    return;
  }
  for (std::int64_t c = 0; c < samples.dim; ++c) {
    double sum = 0, squares = 0, low = sample(0)[c], high = low;
    for (std::int64_t i = 0; i < window; ++i) {
      const double value = sample(i)[c];
      sum += value, squares += value * value;
      low = std::min(low, value), high = std::max(high, value);
    }
    const double n = static_cast<double>(window), mean = sum / n;
    if (statistic == "mean") out.push_back(static_cast<float>(mean));
    else if (statistic == "min") out.push_back(static_cast<float>(low));
    else if (statistic == "max") out.push_back(static_cast<float>(high));
    else if (statistic == "energy") out.push_back(static_cast<float>(squares / n));
    else {  // std in a second pass: sums of squares cancel
      double spread = 0;
      for (std::int64_t i = 0; i < window; ++i) spread += (sample(i)[c] - mean) * (sample(i)[c] - mean);
      out.push_back(static_cast<float>(std::sqrt(spread / n)));
    }
  }
}

}  // namespace

void register_options(CLI::App& app, FeatureImport& f, SignalImport& s) {
  const std::string both = "Features and signals";
  app.add_option("--pattern", f.pattern, "Regular expression searched in the file name (path below the folder; name in an archive); other files are left out")
      ->group(both)->type_name("REGEX");
  app.add_option("--id", f.id, "The video in terms of --pattern: $1 its first group, $& the match")->group(both)->type_name("FORMAT");
  app.add_option("--stream", f.stream, "Name of the feature stream; may use the groups of --pattern")->group(both)->type_name("FORMAT");
  app.add_option("--per", f.per, "What belongs to a video: a file, or an array of an archive; auto: arrays when one archive is read")->group(both)
      ->check(CLI::IsMember({"auto", "file", "array"}));
  app.add_option("--stride", f.stride, "Frames (samples) from row to row")->group(both)->type_name("N")->check(CLI::PositiveNumber);
  app.add_option("--window", f.window, "Frames (samples) that a row covers; features: the stride when not given")->group(both)->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_option("--offset", f.offset, "First frame of the first row")->group(both)->type_name("N")->check(CLI::Number);
  app.add_option("--vectors", f.vectors, "A one-dimensional array is one column (a value a row) or one row")->group(both)
      ->check(CLI::IsMember({"columns", "rows"}));
  app.add_flag("--transpose", f.transpose, "The files hold [dim, rows]")->group(both);
  app.add_option("--non-finite", f.non_finite, "NaN and infinity in rows that are rewritten; zero: become 0, counted on stderr")->group(both)
      ->check(CLI::IsMember({"fail", "zero"}));
  app.add_option("--out-dir", f.out_dir, "Folder for VIDEO.STREAM.npy; made when missing")->group(both)->type_name("DIR");
  app.add_flag("--inline", f.inline_data, "Rows into the record (base64)")->group(both);
  app.add_flag("--half", f.half, "Write float16")->group(both);
  app.add_option("--rate", s.rate, "Samples per second")->group(both)->type_name("HZ")->check(CLI::PositiveNumber);
  app.add_option("--channels", s.channels, "Columns of every file, by header name or number from 1 (default: all)")->group(both)->type_name("LIST")
      ->delimiter(',');
  app.add_option("--signal-features", s.statistics, "What a row holds of its window, in this order")->group(both)->delimiter(',')
      ->check(CLI::IsMember({"raw", "mean", "std", "min", "max", "energy"}));
  app.add_option("--tail", s.tail, "Samples behind the last whole window")->group(both)->check(CLI::IsMember({"drop", "pad", "shift"}));
  app.add_option("--labels", s.labels, "Table of annotations (read as segments-csv: --columns, --where, --time frames for samples)")->group(both)
      ->type_name("FILE");
}

std::optional<FeatureName> feature_name(const std::string& file, const FeatureImport& options, const std::string& usual_stream) {
  const std::string stream = options.stream.empty() ? usual_stream : options.stream;
  if (options.pattern.empty()) {
    if (!options.id.empty()) throw UsageError("--id needs --pattern");
    return FeatureName{stem(file), stream};
  }
  std::regex pattern;
  try {
    pattern.assign(options.pattern);
  } catch (const std::regex_error&) {
    throw UsageError("--pattern: '" + options.pattern + "' is not a regular expression");
  }
  std::smatch match;
  if (!std::regex_search(file, match, pattern)) return std::nullopt;
  const std::string id = !options.id.empty() ? options.id : pattern.mark_count() > 0 ? "$1" : "$&";
  return FeatureName{match.format(id), match.format(stream)};
}

void read_features(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink) {
  const FeatureImport& f = options.features;
  prepare_output(f);
  const Videos videos = assign(list_files(paths, {".npy", ".npz", ".csv", ".csv.gz", ".txt", ".txt.gz", ".h5", ".hdf5", ".mat"}), f);
  if (videos.unmatched > 0) sink.note(std::to_string(videos.unmatched) + " files or arrays do not match --pattern");
  if (videos.order.empty()) throw Error("nothing matches --pattern");
  std::unique_ptr<ArrayFile> file;  // the last one opened: arrays of one archive follow each other
  std::string open;
  for (const auto& name : videos.order) {
    const std::string video = options.prefix.value_or("") + name;
    std::string path;
    try {
      Record record = Record::make(video);
      std::set<std::string> streams;
      for (const auto& item : videos.items.at(name)) {
        path = item.path;
        if (open != path) file = std::make_unique<ArrayFile>(path), open = path;
        FeatureStream stream;
        stream.name = item.stream;
        if (!streams.insert(stream.name).second) throw Error("there are two for this video").at_field("features." + stream.name);
        ArrayFile::Array array = file->read(item.array, f);
        set_contract(stream, array.attributes, options, options.tables.find(video));
        stream.rows = array.rows, stream.dim = array.dim;
        if (array.as_is) {
          stream.path = path;
        } else if (!f.inline_data && f.out_dir.empty()) {
          throw UsageError(path + ": a pipe cannot read these rows where they are: give --out-dir DIR or --inline");
        } else {
          if (f.non_finite == "zero") set_zero(array.matrix, video + ": " + stream.name, sink);
          else check_finite(array.matrix, "features." + stream.name);
          store(array.matrix, video, f, stream);
        }
        record.set_feature(stream.name, feature_json(stream));
      }
      sink.record(record);
    } catch (Error& error) {
      sink.error(error.at_video(video).at_line(path, error.line()), "");
    }
  }
}

FeatureMatrix window_features(const FeatureMatrix& samples, const std::vector<double>& starts, std::int64_t window,
                              const std::vector<std::string>& statistics) {
  FeatureMatrix out;
  for (const double start : starts)
    for (const auto& statistic : statistics) statistics_row(samples, static_cast<std::int64_t>(start), window, statistic, out.values);
  out.rows = static_cast<std::int64_t>(starts.size());
  out.dim = out.rows == 0 ? 0 : static_cast<std::int64_t>(out.values.size()) / out.rows;
  return out;
}

void read_signals(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink) {
  const FeatureImport& f = options.features;
  const SignalImport& s = options.signals;
  if (!(s.rate > 0)) throw UsageError("--from signals needs --rate, the samples per second");
  const std::int64_t window = whole(f.window, "--window"), stride = whole(f.stride, "--stride");
  if (!f.inline_data && f.out_dir.empty()) throw UsageError("the rows of signals are new: give --out-dir DIR or --inline");
  prepare_output(f);
  Videos videos;
  for (const auto& file : list_files(paths, {".txt", ".txt.gz", ".csv", ".csv.gz", ".tsv", ".tsv.gz"})) {
    if (const auto name = feature_name(file.name, f, "signals")) videos.add(*name, file.path, "");
    else ++videos.unmatched;
  }
  if (videos.unmatched > 0) sink.note(std::to_string(videos.unmatched) + " files do not match --pattern");
  if (videos.order.empty()) throw Error("nothing matches --pattern");
  auto labels = read_labels(options, sink);
  std::size_t unlabelled = 0;
  for (const auto& name : videos.order) {
    const std::string video = options.prefix.value_or("") + name;
    const auto& items = videos.items.at(name);
    try {
      const FeatureMatrix samples = read_channels(items, s.channels);
      const Rows rows = feature_rows(samples.rows, static_cast<double>(window), static_cast<double>(stride), tail_rule(s.tail));
      Record record = Record::make(video);
      record.set_number("duration", static_cast<double>(samples.rows) / s.rate);
      record.set_number("fps", s.rate);
      record.set_number("frames", static_cast<double>(samples.rows));
      if (const auto found = labels.find(video); found != labels.end()) {
        for (const auto key : {"subset", "annotations"})
          if (const auto raw = found->second.raw(key)) record.set_raw(key, std::string(*raw));
        labels.erase(found);
      } else {
        ++unlabelled;
      }
      FeatureStream stream;
      stream.name = items.front().stream;
      stream.stride = static_cast<double>(stride), stream.window = static_cast<double>(window);
      stream.fps = Rate{s.rate, 1};
      if (rows.shifted) stream.last_start = rows.starts.back();
      store(window_features(samples, rows.starts, window, s.statistics), video, f, stream);
      record.set_feature(stream.name, feature_json(stream));
      sink.record(record);
    } catch (Error& error) {
      sink.error(error.at_video(video).at_line(items.front().path, 0), "");
    }
  }
  if (!s.labels.empty() && unlabelled > 0) sink.note(std::to_string(unlabelled) + " recordings have no row in " + s.labels);
  if (!labels.empty())
    sink.note(std::to_string(labels.size()) + " recordings of " + s.labels + " have no signals: " + labels.begin()->first + (labels.size() > 1 ? " ..." : ""));
}

}  // namespace tal
