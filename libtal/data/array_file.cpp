#include "libtal/data/array_file.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/mat_file.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npy.h"
#include "libtal/io/row_column.h"
#include "libtal/io/table.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

using Kind = ArrayFile::Kind;

// By the shape alone; extents of any integer type.
template <class Shape>
ArrayFile::Entry numbers(const std::string& name, const Shape& shape) {
  ArrayFile::Entry entry{name, Kind::kMatrix, "", {shape.begin(), shape.end()}};
  const bool one = std::all_of(shape.begin(), shape.end(), [](auto extent) { return extent == 1; });
  if (shape.empty()) entry.kind = Kind::kNone, entry.what = "one value";
  else if (one) entry.kind = Kind::kOne, entry.what = "one value";
  else if (shape.size() == 1) entry.kind = Kind::kVector, entry.what = "a vector";
  return entry;
}

std::string group_of(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

// What an array or attribute of this name says of rows: fps, stride, window or offset; "": nothing. Written as names of
// columns may be.
std::string fact_of(const std::string& name) {
  static const std::vector<std::pair<const char*, std::vector<std::string>>> facts = {
      {"fps", {"fps", "frame-rate", "video-fps"}},
      {"stride", {"stride"}},
      {"window", {"window"}},
      {"offset", {"offset"}}};
  for (const auto& [fact, names] : facts)
    if (is_one_of(names, name)) return fact;
  return "";
}

// Whether a number of this name seems to tell of the time of rows: "feature_fps", "hop_size", "Duration", "start_ms".
bool may_tell_of_time(const std::string& name) {
  static const std::set<std::string> words = {
      "fps",     "rate",   "hz",    "freq",  "frequency", "stride",   "step",   "hop",  "shift",   "window", "win",
      "overlap", "offset", "start", "begin", "end",       "duration", "length", "time", "hopsize", "winsize"};
  const auto column = row_columns({name}).front();
  const UnitName parts = unit_name(name);
  if (column == RowColumn::kRate || column == RowColumn::kLength || !parts.unit.empty()) return true;
  std::string word;
  for (const char c : parts.base + '-') {
    if (c != '-') word += c;
    else if (words.count(std::exchange(word, {})) > 0) return true;
  }
  return false;
}

// A few numbers, or what is no numbers at all; rows have columns or stand alone.
bool may_be_fact(const ArrayFile::Entry& entry) {
  if (fact_of(entry.own_name()).empty()) return false;
  std::int64_t count = 1;
  for (const auto extent : entry.shape) count *= std::min<std::int64_t>(extent, 3);
  return entry.kind != Kind::kMatrix || (!entry.shape.empty() && count <= 2);
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
  if (bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5)
    throw Error(
        "a pickle, or a PyTorch file of before 1.6: load it in Python and save its rows with numpy.save or "
        "numpy.savez");
  if (bytes.size() > 9 && bytes[8] == '{' && named({".safetensors"}))
    throw Error("a safetensors file: load it in Python and save its rows with numpy.save or numpy.savez");
  if (const auto what = what_it_is(bytes); named({".mat", ".h5", ".hdf5", ".hdf"}) && !what.empty())
    throw Error("no array file" + what);
  if (named({".mat"}))
    throw Error("no MATLAB file of level 5 or 7.3; an older one (level 4) is not read: load it and save it anew (-v7)");
  if (named({".h5", ".hdf5", ".hdf"})) return Format::kHdf5;  // a block of a user's own may stand before the mark
  if (named({".npz"})) return Format::kNpz;
  if (named({".npy"})) return Format::kNpy;
  const bool says_text =
      named({".csv", ".txt", ".tsv"}) || bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff");
  if (!says_text && bytes.substr(0, 4096).find('\0') != std::string_view::npos) {
    const FileKind* kind = foreign_kind(bytes);
    throw Error((kind ? std::string("is ") + kind->what + ", " : "") +
                "neither an array file (.npy, .npz, HDF5, MATLAB) nor a table of text" +
                (kind ? std::string(": ") + kind->remedy : ""));
  }
  return Format::kTable;
}

ArrayFile::ArrayFile(const std::string& path, const TableDialect& dialect, std::vector<std::string> columns)
    : path_(path), dialect_(dialect), columns_(std::move(columns)) {
  file_ = std::make_unique<MappedFile>(path);
  if (looks_like_gzip(file_->bytes())) {
    unpacked_ = inflate_if_gzip(std::string(file_->bytes()));
    file_.reset();
  }
  format_ = format_of(bytes(), path);
  if (format_ == Format::kMat) open_mat();
  else if (format_ == Format::kHdf5) open_hdf5();
  else if (format_ == Format::kNpz) open_npz();
  if (!columns_.empty() && format_ != Format::kTable)
    throw Error("--channels chooses columns of tables of text, and this is none");
  take_facts();
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return natural_less(a.name, b.name); });
}

ArrayFile::Fact ArrayFile::fact(const Entry& entry) const {
  Fact out{"'" + entry.name + "'", {}, ""};
  std::int64_t count = 1;
  for (const auto extent : entry.shape) count *= extent;
  if (entry.kind == Kind::kNone && entry.what != "one value") {
    out.other = entry.what;
  } else if (count > 2) {
    out.other = std::to_string(count) + " values";
  } else if (format_ == Format::kMat) {
    const auto& data = mat_.at(entry.name).data;
    out.values.assign(data.begin(), data.end());
  } else if (hdf5_) {
    out.values = hdf5_->numbers(entry.name);
  } else {
    std::string storage;
    const auto image = npz_->npy(entry.name, storage);
    const NpyHeader header = parse_npy_header(image);
    for (std::int64_t i = 0; i < count; ++i) out.values.push_back(npy_element(image, header, i));
  }
  return out;
}

// Beside a matrix or vector, or beside groups that have some. With a stride among them they say the time of those rows,
// and are no longer left over.
void ArrayFile::take_facts() {
  const auto has_rows = [&](const std::string& group) {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return (entry.kind == Kind::kMatrix || entry.kind == Kind::kVector) && !may_be_fact(entry) &&
             (group.empty() || group_of(entry.name) == group || entry.name.starts_with(group + '/'));
    });
  };
  for (auto& entry : entries_) {
    const auto group = group_of(entry.name);
    if (!may_be_fact(entry) || !has_rows(group)) continue;
    facts_[group][fact_of(entry.own_name())].push_back(fact(entry));
    if (entry.kind != Kind::kNone && entry.what.empty()) entry.what = "numbers";
    entry.kind = Kind::kNone, entry.fact = true;
  }
  std::erase_if(entries_,
                [&](const Entry& entry) { return entry.fact && facts_.at(group_of(entry.name)).count("stride") > 0; });
}

// What the nearest place states: the attributes of the array and what stands beside it, else its group's, and so on.
std::map<std::string, std::vector<ArrayFile::Fact>> ArrayFile::facts_of(const std::string& name) const {
  std::map<std::string, std::vector<Fact>> out;
  std::map<std::string, std::size_t> depths;
  const auto take = [&](const std::string& what, const std::string& group, Fact fact) {
    const std::size_t depth =
        group.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(group.begin(), group.end(), '/'));
    if (out.count(what) > 0 && depth < depths[what]) return;
    if (depth > depths[what]) out[what].clear();
    depths[what] = depth;
    out[what].push_back(std::move(fact));
  };
  for (std::string group = group_of(name);; group = group_of(group)) {
    if (const auto facts = facts_.find(group); facts != facts_.end())
      for (const auto& [what, stated] : facts->second)
        for (const auto& fact : stated) take(what, group, fact);
    if (group.empty()) break;
  }
  if (const auto dataset = datasets_.find(name); dataset != datasets_.end())
    for (const auto& [name_there, attribute] : dataset->second.attributes)
      if (const auto what = fact_of(name_there); !what.empty())
        take(what, attribute.object == name ? group_of(name) : attribute.object,
             {"attribute '" + name_there + "' of " +
                  (attribute.object.empty() ? "the file" : "'" + attribute.object + "'"),
              attribute.values, attribute.other});
  return out;
}

std::vector<std::string> ArrayFile::untaken_attributes(const std::string& name) const {
  std::vector<std::string> out;
  if (const auto dataset = datasets_.find(name); dataset != datasets_.end())
    for (const auto& [attribute, values] : dataset->second.attributes)
      if (!values.values.empty() && fact_of(attribute).empty() && may_tell_of_time(attribute)) out.push_back(attribute);
  return out;
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

namespace {

// What pandas.DataFrame.to_hdf writes unless it is told otherwise: axes and blocks of columns of one type, whose names
// are no arrays of a video.
void refuse_data_frames(const std::vector<Hdf5Dataset>& datasets) {
  for (const auto& values : datasets) {
    if (values.name.substr(values.name.rfind('/') + 1) != "block0_values") continue;
    const std::string group = group_of(values.name), axis = group.empty() ? "axis0" : group + "/axis0";
    if (std::none_of(datasets.begin(), datasets.end(), [&](const auto& each) {
          return each.name.starts_with(axis);  // axis0_level0 of columns in several levels
        }))
      continue;
    throw Error("'" + group + "' is a DataFrame in pandas' fixed layout (axis0, block0_values), which pandas alone " +
                "reads: write a table a video, such as pandas.read_hdf('FILE', '" + group +
                "').to_csv('VIDEO.csv', index=False); --from pose reads DeepLabCut's poses as they are");
  }
}

}  // namespace

void ArrayFile::open_hdf5() {
  hdf5_ = std::make_unique<Hdf5File>(file_ ? Hdf5File(path_) : Hdf5File::from_memory(unpacked_));
  refuse_data_frames(hdf5_->datasets());
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
  array.facts = facts_of(name), array.untaken = untaken_attributes(name);
  if (format_ == Format::kMat) {
    array.matrix = matrix_of(mat_.at(name));
  } else if (hdf5_) {
    const auto& dataset = datasets_.at(name);
    rank = dataset.shape.size();
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
      array.as_is = true, array.vector = header.shape.size() == 1;
      array.rows = header.shape[0], array.dim = header.shape.size() == 2 ? header.shape[1] : 1;
      if (header.count() == 0) throw Error("no rows");
      return array;
    }
    array.matrix = matrix_of(bytes(), rank);
  } else {
    NumberTableOptions numbers;
    numbers.non_finite = options.non_finite != "fail";
    NumberTable table = parse_number_table({path_, std::string(bytes())}, columns_, dialect_, numbers);
    if (table.values.rows == 0 && !table.header.empty()) throw no_rows(table);
    array.matrix = std::move(table.values), array.left_out = std::move(table.left_out);
    array.counting = std::move(table.counting);
    array.places = std::move(table.places), array.told = std::move(table.facts);
    for (const auto& told : array.told)
      if (const auto what = fact_of(plain_name(told.name)); !what.empty() && is_table_number(told.fields.front(), '.'))
        array.facts[what].push_back({"column '" + told.name + "'", {table_number(told.fields.front(), '.')}, ""});
  }
  array.vector = rank == 1;
  if ((rank == 1 && options.vectors == "rows") != options.transpose) array.matrix = transposed(array.matrix);
  return array;
}

}  // namespace tal
