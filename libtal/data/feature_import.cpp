// Feature files of other tools.
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "libtal/data/feature_support.h"
#include "libtal/data/import_support.h"
#include "libtal/io/csv.h"
#include "libtal/io/hdf5.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npz.h"

namespace tal {
namespace {

std::size_t set_zero(FeatureMatrix& matrix) {
  std::size_t changed = 0;
  for (float& value : matrix.values)
    if (!std::isfinite(value)) value = 0, ++changed;
  return changed;
}

// A file of one or more arrays, opened once.
class ArrayFile {
 public:
  struct Array {
    FeatureMatrix matrix;            // [rows, dim]; empty when `as_is`
    bool as_is = false;              // a stage can read the file itself
    std::int64_t rows = 0, dim = 0;  // when `as_is`
    std::map<std::string, double> attributes;
  };

  explicit ArrayFile(const std::string& path, const TableDialect& dialect = {}) : path_(path), dialect_(dialect) {
    if (path.ends_with(".mat") && is_level_5(path)) {
      for (auto& array : parse_mat(read_file(path)))
        if (!array.data.empty() && array.shape.size() == 2)
          names_.push_back(array.name), mat_.emplace(array.name, std::move(array));
    } else if (path.ends_with(".h5") || path.ends_with(".hdf5") || path.ends_with(".mat")) {
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
  bool archive() const { return hdf5_ || npz_ || path_.ends_with(".mat"); }
  const std::vector<std::string>& names() const { return names_; }

  Array read(const std::string& name, const FeatureImport& options) const {
    Array array;
    std::size_t rank = 2;
    if (!mat_.empty()) {
      array.matrix = matrix_of(mat_.at(name));
    } else if (hdf5_) {
      const auto& dataset =
          *std::find_if(datasets_.begin(), datasets_.end(), [&](const Hdf5Dataset& d) { return d.name == name; });
      rank = dataset.shape.size();
      array.attributes = dataset.attributes;
      array.matrix = hdf5_->read(name);
    } else if (npz_) {
      std::string storage;
      read_npy(npz_->npy(name, storage), rank, array.matrix);
    } else if (path_.ends_with(".npy")) {
      const MappedFile file(path_);
      const NpyHeader header = parse_npy_header(file.bytes());
      const bool stays =
          options.out_dir.empty() && !options.inline_data && !options.transpose && options.non_finite == "fail";
      if (stays && (header.shape.size() == 2 || (header.shape.size() == 1 && options.vectors == "columns"))) {
        array.as_is = true;
        array.rows = header.shape[0], array.dim = header.shape.size() == 2 ? header.shape[1] : 1;
        if (header.count() == 0) throw Error("no rows");
        return array;
      }
      read_npy(file.bytes(), rank, array.matrix);
    } else {
      array.matrix = parse_number_table({path_, inflate_if_gzip(read_file(path_))}, {}, dialect_).values;
    }
    if ((rank == 1 && options.vectors == "rows") != options.transpose) array.matrix = transposed(array.matrix);
    return array;
  }

 private:
  static void read_npy(std::string_view image, std::size_t& rank, FeatureMatrix& out) {
    NpyHeader header = parse_npy_header(image);
    rank = header.shape.size();
    header.shape = squeezed(header.shape);
    out = matrix_from_npy(image, header);
  }

  static bool is_level_5(const std::string& path) { return MappedFile(path).bytes().substr(0, 10) == "MATLAB 5.0"; }
  static FeatureMatrix matrix_of(const MatArray& array) {
    const auto rows = static_cast<std::int64_t>(array.shape[0]), dim = static_cast<std::int64_t>(array.shape[1]);
    return transposed({dim, rows, std::vector<float>(array.data.begin(), array.data.end())});  // MATLAB keeps columns
                                                                                               // together
  }

  std::string path_;
  TableDialect dialect_;                 // of CSV
  std::map<std::string, MatArray> mat_;  // MATLAB level 5
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<Npz> npz_;
  std::unique_ptr<Hdf5File> hdf5_;
  std::vector<Hdf5Dataset> datasets_;
  std::vector<std::string> names_;
};

// Which file or array belongs to whom. Archives are opened for their names only.
FeatureItems assign(const std::vector<FeatureFile>& files, const FeatureImport& options) {
  FeatureItems videos;
  for (const auto& file : files) {
    try {
      const ArrayFile arrays(file.path);
      const auto& names = arrays.names();
      if (arrays.archive() && names.empty()) throw Error("no array of numbers in this file");
      const bool each = arrays.archive() &&
                        (options.per == "array" || (options.per == "auto" && files.size() == 1 && names.size() > 1));
      if (each) {
        for (const auto& name : names) {
          // VIDEO/STREAM is how groups are used
          const auto slash = options.pattern.empty() ? name.find('/') : std::string::npos;
          if (slash == std::string::npos) videos.add(feature_name(name, options, "features"), file.path, name);
          else
            videos.add(
                FeatureName{name.substr(0, slash), options.stream.empty() ? name.substr(slash + 1) : options.stream},
                file.path, name);
        }
      } else if (auto name = feature_name(file.name, options, "features");
                 !arrays.archive() || names.size() == 1 || !name) {
        videos.add(name, file.path, names.empty() ? "" : names[0]);
      } else {  // a file a video with several streams
        for (const auto& array : names) videos.add(FeatureName{name->video, array}, file.path, array);
      }
    } catch (Error& error) {
      throw error.at_line(file.path, error.line());
    }
  }
  return videos;
}

// Frames per second, stride, window and offset: given, else what the file says of itself, else (fps) the table of
// videos.
void set_contract(FeatureStream& stream, const std::map<std::string, double>& attributes, const ImportOptions& options,
                  const VideoInfo* info) {
  const FeatureImport& f = options.features;
  const auto known = [&](double given, const char* name) {
    const auto found = attributes.find(name);
    return given != 0 ? given : found != attributes.end() ? found->second : 0;
  };
  stream.stride = known(f.stride, "stride");
  stream.window = known(f.window, "window");
  stream.offset = known(f.offset, "offset");
  double fps = known(options.fps, "fps");
  if (stream.stride == 0) {  // the rows share the video's duration, as in features rescaled to a fixed length
    if (options.fps > 0 || f.window != 0 || f.offset != 0)
      throw UsageError("the time of a row needs --stride besides --fps, --window and --offset");
    if (stream.window != 0 || stream.offset != 0)
      throw Error("the file states a window or an offset, but no stride: give --stride")
          .at_field("features." + stream.name);
    return;
  }
  if (fps == 0 && info && info->fps) fps = *info->fps;
  if (!(fps > 0))
    throw Error("a stride in frames needs the frame rate: give --fps, or --durations with an fps column")
        .at_field("features." + stream.name);
  if (stream.stride < 0 || stream.window < 0)
    throw Error("stride or window is negative").at_field("features." + stream.name);
  if (stream.window == 0) stream.window = stream.stride;
  stream.fps = Rate{fps, 1};
}

// Seconds from the video's beginning to the end of the last row's window.
double covered_seconds(const FeatureStream& stream) {
  if (stream.stride == 0)
    throw Error("--duration-from-rows needs the time of a row: give --fps and --stride")
        .at_field("features." + stream.name);
  return (stream.offset + static_cast<double>(stream.rows - 1) * stream.stride + stream.window) / stream.fps->value();
}

// Rows that no stage can read where they are: checked and written.
void rewrite(FeatureMatrix& matrix, const std::string& path, const std::string& video, const FeatureImport& options,
             FeatureStream& stream, const ImportSink& sink) {
  if (!options.inline_data && options.out_dir.empty())
    throw UsageError(path + ": a pipe cannot read these rows where they are: give --out-dir DIR or --inline");
  if (options.non_finite == "zero") {
    const auto changed = set_zero(matrix);
    if (changed > 0)
      sink.note(video + ": " + stream.name + ": " + std::to_string(changed) + " values were not finite and are 0 now");
  }
  check_finite(matrix, "features." + stream.name);
  store_rows(matrix, video, options, stream);
}

}  // namespace

void read_features(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink) {
  const FeatureImport& f = options.features;
  prepare_output(f);
  const auto files =
      list_feature_files(paths, {".npy", ".npz", ".csv", ".csv.gz", ".txt", ".txt.gz", ".h5", ".hdf5", ".mat"});
  const FeatureItems videos = assign(files, f);
  videos.report("files or arrays", sink);
  std::unique_ptr<ArrayFile> file;  // the last one opened: arrays of one archive follow each other
  std::string open;
  for (const auto& name : videos.order) {
    const std::string video = options.prefix.value_or("") + name;
    std::string path;
    try {
      Record record = Record::make(video);
      std::set<std::string> streams;
      double covered = 0;  // seconds
      for (const auto& item : videos.items.at(name)) {
        path = item.path;
        if (open != path) file = std::make_unique<ArrayFile>(path, options.dialect), open = path;
        FeatureStream stream;
        stream.name = item.stream;
        if (!streams.insert(stream.name).second)
          throw Error("there are two for this video").at_field("features." + stream.name);
        ArrayFile::Array array = file->read(item.array, f);
        set_contract(stream, array.attributes, options, options.tables.find(video));
        if (array.as_is) stream.path = path, stream.rows = array.rows, stream.dim = array.dim;
        else rewrite(array.matrix, path, video, f, stream, sink);
        covered = std::max(covered, f.duration_from_rows ? covered_seconds(stream) : 0);
        record.set_feature(stream.name, feature_json(stream));
      }
      const VideoInfo* info = options.tables.find(video);
      if (f.duration_from_rows && !(info && info->duration)) record.set_number("duration", covered);
      sink.record(record);
    } catch (Error& error) {
      sink.error(error.at_video(video).at_line(path, error.line()), "");
    }
  }
}

}  // namespace tal
