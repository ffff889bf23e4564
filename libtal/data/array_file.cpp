#include "libtal/data/array_file.h"

#include <algorithm>

#include "libtal/data/import_support.h"
#include "libtal/io/csv.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npy.h"

namespace tal {
namespace {

using Kind = ArrayFile::Kind;

// By the shape alone; extents of any integer type.
template <class Shape>
ArrayFile::Entry numbers(const std::string& name, const Shape& shape) {
  if (shape.empty()) return {name, Kind::kNone, "one value"};
  bool one = true;
  for (const auto extent : shape) one = one && extent == 1;
  if (one) return {name, Kind::kVector, "one value"};
  return shape.size() == 1 ? ArrayFile::Entry{name, Kind::kVector, "a vector"}
                           : ArrayFile::Entry{name, Kind::kMatrix, ""};
}

bool is_level_5(const std::string& path) { return MappedFile(path).bytes().substr(0, 10) == "MATLAB 5.0"; }

FeatureMatrix matrix_of(const MatArray& array) {  // MATLAB keeps columns together
  const auto rows = static_cast<std::int64_t>(array.shape[0]), dim = static_cast<std::int64_t>(array.shape[1]);
  return transposed({dim, rows, std::vector<float>(array.data.begin(), array.data.end())});
}

// The image's rows; rank: of its shape as it stands there.
FeatureMatrix matrix_of(std::string_view image, std::size_t& rank) {
  NpyHeader header = parse_npy_header(image);
  rank = header.shape.size();
  header.shape = squeezed(header.shape);
  return matrix_from_npy(image, header);
}

}  // namespace

ArrayFile::ArrayFile(const std::string& path, const TableDialect& dialect) : path_(path), dialect_(dialect) {
  if (path.ends_with(".mat") && is_level_5(path)) open_mat();
  else if (path.ends_with(".h5") || path.ends_with(".hdf5") || path.ends_with(".mat")) open_hdf5();
  else if (path.ends_with(".npz")) open_npz();
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return natural_less(a.name, b.name); });
}

void ArrayFile::open_mat() {
  for (auto& array : parse_mat(read_file(path_))) {
    if (array.data.empty()) entries_.push_back({array.name, Kind::kNone, "no numbers"});
    else if (array.shape.size() != 2)
      entries_.push_back({array.name, Kind::kNone, std::to_string(array.shape.size()) + " dimensions"});
    else entries_.push_back(numbers(array.name, array.shape)), mat_.emplace(array.name, std::move(array));
  }
}

void ArrayFile::open_hdf5() {
  hdf5_ = std::make_unique<Hdf5File>(path_);
  for (auto& dataset : hdf5_->datasets()) {
    // A link that is not followed stays: reading it says so, with its video.
    if (!dataset.problem.empty()) entries_.push_back({dataset.name, Kind::kMatrix, ""});
    else if (!dataset.other.empty()) entries_.push_back({dataset.name, Kind::kNone, dataset.other});
    else entries_.push_back(numbers(dataset.name, dataset.shape));
    datasets_.emplace(dataset.name, std::move(dataset));
  }
}

void ArrayFile::open_npz() {
  file_ = std::make_unique<MappedFile>(path_);
  npz_ = std::make_unique<Npz>(file_->bytes());
  for (const auto& name : npz_->names()) {
    auto about = npz_->about(name);
    if (about.other.empty()) entries_.push_back(numbers(name, about.shape));
    else entries_.push_back({name, Kind::kNone, std::move(about.other)});
  }
}

ArrayFile::Array ArrayFile::read(const std::string& name, const FeatureImport& options) const {
  Array array;
  std::size_t rank = 2;
  if (!mat_.empty()) {
    array.matrix = matrix_of(mat_.at(name));
  } else if (hdf5_) {
    const auto& dataset = datasets_.at(name);
    rank = dataset.shape.size();
    array.attributes = dataset.attributes, array.odd_attributes = dataset.odd_attributes;
    array.matrix = hdf5_->read(name);
  } else if (npz_) {
    std::string storage;
    try {
      array.matrix = matrix_of(npz_->npy(name, storage), rank);
    } catch (const Error& error) {
      throw Error("array '" + name + "': " + error.message());
    }
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
    array.matrix = matrix_of(file.bytes(), rank);
  } else {
    NumberTable table = parse_number_table({path_, inflate_if_gzip(read_file(path_))}, {}, dialect_);
    array.matrix = std::move(table.values), array.left_out = std::move(table.left_out);
  }
  if ((rank == 1 && options.vectors == "rows") != options.transpose) array.matrix = transposed(array.matrix);
  return array;
}

}  // namespace tal
