#include "libtal/data/array_file.h"

#include <algorithm>
#include <set>

#include "libtal/base/video_id.h"
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
  if (one) return {name, Kind::kOne, "one value"};
  return shape.size() == 1 ? ArrayFile::Entry{name, Kind::kVector, "a vector"}
                           : ArrayFile::Entry{name, Kind::kMatrix, ""};
}

std::string group_of(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

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

ArrayFile::Format ArrayFile::format_of(std::string_view bytes, const std::string& path) {
  const auto named = [&](std::initializer_list<std::string_view> endings) {
    return without_ending(without_ending(path, {".gz"}), endings) != without_ending(path, {".gz"});
  };
  constexpr std::string_view kHdf5Mark = "\x89HDF\r\n\x1a\n";
  if (bytes.starts_with("\x93NUMPY")) return Format::kNpy;
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) return Format::kNpz;
  if (bytes.starts_with("MATLAB 5.0")) return Format::kMat;
  if (bytes.starts_with(kHdf5Mark) || bytes.starts_with("MATLAB 7.3")) return Format::kHdf5;
  if (named({".mat"}))
    throw Error("no MATLAB file of level 5 or 7.3; an older one (level 4) is not read: load it and save it anew (-v7)");
  if (named({".h5", ".hdf5", ".hdf"})) return Format::kHdf5;  // a block of a user's own may stand before the mark
  if (named({".npz"})) return Format::kNpz;
  if (named({".npy"})) return Format::kNpy;
  const bool says_text =
      named({".csv", ".txt", ".tsv"}) || bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff");
  if (!says_text && bytes.substr(0, 4096).find('\0') != std::string_view::npos)
    throw Error("neither an array file (.npy, .npz, HDF5, MATLAB) nor a table of text");
  return Format::kTable;
}

ArrayFile::ArrayFile(const std::string& path, const TableDialect& dialect) : path_(path), dialect_(dialect) {
  file_ = std::make_unique<MappedFile>(path);
  if (looks_like_gzip(file_->bytes())) {
    unpacked_ = inflate_if_gzip(std::string(file_->bytes()));
    file_.reset();
  }
  format_ = format_of(bytes(), path);
  if (format_ == Format::kMat) open_mat();
  else if (format_ == Format::kHdf5) open_hdf5();
  else if (format_ == Format::kNpz) open_npz();
  take_facts();
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return natural_less(a.name, b.name); });
}

double ArrayFile::one_value(const std::string& name) const {
  if (format_ == Format::kMat) return mat_.at(name).data.at(0);
  if (hdf5_) return static_cast<double>(hdf5_->read(name).values.at(0));
  std::string storage;
  const auto image = npz_->npy(name, storage);
  return npy_element(image, parse_npy_header(image), 0);
}

// Beside a matrix or vector. With a stride among them they say the time of its rows, and are no longer left over.
void ArrayFile::take_facts() {
  static const std::set<std::string> names = {"fps", "stride", "window", "offset"};
  const auto last = [](const std::string& name) { return name.substr(name.rfind('/') + 1); };
  const auto has_rows = [&](const std::string& group) {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return (entry.kind == Kind::kMatrix || entry.kind == Kind::kVector) && group_of(entry.name) == group;
    });
  };
  for (const auto& entry : entries_)
    if (const auto group = group_of(entry.name);
        entry.what == "one value" && names.count(last(entry.name)) && has_rows(group))
      facts_[group][last(entry.name)] = one_value(entry.name);
  std::erase_if(entries_, [&](const Entry& entry) {
    const auto facts = facts_.find(group_of(entry.name));
    return facts != facts_.end() && facts->second.count("stride") && facts->second.count(last(entry.name)) &&
           entry.what == "one value";
  });
}

void ArrayFile::open_mat() {
  for (auto& array : parse_mat(bytes())) {
    if (!array.other.empty()) entries_.push_back({array.name, Kind::kNone, array.other});
    else if (array.data.empty()) entries_.push_back({array.name, Kind::kNone, "no numbers"});
    else if (array.shape.size() != 2)
      entries_.push_back({array.name, Kind::kNone, std::to_string(array.shape.size()) + " dimensions"});
    else entries_.push_back(numbers(array.name, array.shape)), mat_.emplace(array.name, std::move(array));
  }
}

void ArrayFile::open_hdf5() {
  hdf5_ = std::make_unique<Hdf5File>(file_ ? Hdf5File(path_) : Hdf5File::from_memory(unpacked_));
  for (auto& dataset : hdf5_->datasets()) {
    // A link that is not followed stays: reading it says so, with its video.
    if (!dataset.problem.empty()) entries_.push_back({dataset.name, Kind::kMatrix, ""});
    else if (!dataset.other.empty()) entries_.push_back({dataset.name, Kind::kNone, dataset.other});
    else entries_.push_back(numbers(dataset.name, dataset.shape));
    datasets_.emplace(dataset.name, std::move(dataset));
  }
}

void ArrayFile::open_npz() {
  npz_ = std::make_unique<Npz>(bytes());
  for (const auto& name : npz_->names()) {
    auto about = npz_->about(name);
    if (about.other.empty()) entries_.push_back(numbers(name, about.shape));
    else entries_.push_back({name, Kind::kNone, std::move(about.other)});
  }
}

ArrayFile::Array ArrayFile::read(const std::string& name, const FeatureImport& options) const {
  Array array;
  std::size_t rank = 2;
  if (const auto facts = facts_.find(group_of(name)); facts != facts_.end()) array.attributes = facts->second;
  if (format_ == Format::kMat) {
    array.matrix = matrix_of(mat_.at(name));
  } else if (hdf5_) {
    const auto& dataset = datasets_.at(name);
    rank = dataset.shape.size();
    for (const auto& [key, value] : dataset.attributes) array.attributes[key] = value;  // nearer than the group's
    array.odd_attributes = dataset.odd_attributes;
    array.matrix = hdf5_->read(name);
  } else if (npz_) {
    std::string storage;
    try {
      array.matrix = matrix_of(npz_->npy(name, storage), rank);
    } catch (const Error& error) {
      throw Error("array '" + name + "': " + error.message());
    }
  } else if (format_ == Format::kNpy) {
    const NpyHeader header = parse_npy_header(bytes());
    const bool stays = path_.ends_with(".npy") && file_ &&  // what stages take by its path
                       options.out_dir.empty() && !options.inline_data && !options.transpose &&
                       options.non_finite == "fail";
    if (stays && (header.shape.size() == 2 || (header.shape.size() == 1 && options.vectors == "columns"))) {
      array.as_is = true;
      array.rows = header.shape[0], array.dim = header.shape.size() == 2 ? header.shape[1] : 1;
      if (header.count() == 0) throw Error("no rows");
      return array;
    }
    array.matrix = matrix_of(bytes(), rank);
  } else {
    NumberTable table = parse_number_table({path_, std::string(bytes())}, {}, dialect_);
    array.matrix = std::move(table.values), array.left_out = std::move(table.left_out);
  }
  if ((rank == 1 && options.vectors == "rows") != options.transpose) array.matrix = transposed(array.matrix);
  return array;
}

}  // namespace tal
