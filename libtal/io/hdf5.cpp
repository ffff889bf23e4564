#include "libtal/io/hdf5.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/io/npy.h"

#ifdef TAL_HDF5_SONAME
#include <dlfcn.h>
#include <hdf5.h>
#endif

namespace tal {

#ifndef TAL_HDF5_SONAME

bool have_hdf5() { return false; }
Hdf5File::Hdf5File(const std::string& path) {
  throw Error("'" + path + "': this build does not read HDF5 (the library was not found)");
}
Hdf5File Hdf5File::from_memory(std::string_view) {
  throw Error("this build does not read HDF5 (the library was not found)");
}
Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
std::vector<Hdf5Dataset> Hdf5File::datasets() const { return {}; }
FeatureMatrix Hdf5File::read(const std::string&) const { return {}; }
std::vector<double> Hdf5File::numbers(const std::string&) const { return {}; }
std::vector<double> Hdf5File::values(const std::string&) const { return {}; }
std::vector<std::string> Hdf5File::texts(const std::string&) const { return {}; }
std::vector<Hdf5Field> Hdf5File::fields(const std::string&) const { return {}; }
std::string Hdf5File::attribute(const std::string&, const std::string&) const { return ""; }

#else

bool have_hdf5() { return true; }

namespace {

std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

// clang-format off
#define TAL_HDF5_FUNCTIONS(X)                                                                                                          \
  X(H5open) X(H5Aclose) X(H5Aexists) X(H5Aget_space) X(H5Aget_type) X(H5Aiterate2) X(H5Aopen) X(H5Aread) X(H5Dclose) X(H5Dget_create_plist) \
  X(H5Dget_space) X(H5Dget_storage_size) X(H5Dget_type) X(H5Dopen2) X(H5Dread) X(H5Eset_auto2) X(H5Fclose) X(H5Fis_hdf5) X(H5Fopen)    \
  X(H5Iget_type) X(TAL_H5LGET_INFO) X(H5Lget_val) X(TAL_H5LITERATE) X(H5Lunpack_elink_val) X(H5Oclose) X(TAL_H5OGET_INFO) X(H5Oopen)    \
  X(H5Pclose) X(H5Pcreate) X(H5Pget_external) X(H5Pget_external_count) X(H5Pget_virtual_count) X(H5Pget_virtual_filename) X(H5Pget_filter2) X(H5Pget_layout) X(H5Pget_nfilters) X(H5Pset_fapl_core)          \
  X(H5Pset_file_image) X(H5Sclose) X(H5Sget_simple_extent_dims) X(H5Sget_simple_extent_ndims) X(H5Sget_simple_extent_npoints)          \
  X(H5Tclose) X(H5Tget_class) X(H5Tget_member_name) X(H5Tget_member_offset) X(H5Tget_member_type) X(H5Tget_native_type) X(H5Tget_nmembers) X(H5Tget_sign) X(H5Tget_size) X(H5Tget_super) X(H5Tis_variable_str) X(H5Zfilter_avail) X(H5free_memory)
// clang-format on
#if H5_VERSION_GE(1, 12, 0)
#define TAL_H5LGET_INFO H5Lget_info2
#define TAL_H5LITERATE H5Literate2
#define TAL_H5OGET_INFO H5Oget_info3
using LinkInfo = H5L_info2_t;
using ObjectInfo = H5O_info2_t;
bool same_object(const ObjectInfo& a, const ObjectInfo& b) {
  return a.fileno == b.fileno && std::memcmp(&a.token, &b.token, sizeof a.token) == 0;
}
#else
#define TAL_H5LGET_INFO H5Lget_info
#define TAL_H5LITERATE H5Literate
#define TAL_H5OGET_INFO H5Oget_info2
using LinkInfo = H5L_info_t;
using ObjectInfo = H5O_info_t;
bool same_object(const ObjectInfo& a, const ObjectInfo& b) { return a.fileno == b.fileno && a.addr == b.addr; }
#endif

// The library, opened on first use: with all that it needs it would double the start of every run that reads no HDF5.
struct Library {
#define TAL_DECLARE(name) decltype(&::name) name = nullptr;
  TAL_HDF5_FUNCTIONS(TAL_DECLARE)
#undef TAL_DECLARE
  // What H5T_NATIVE_FLOAT and the like stand for once H5open() has run.
  hid_t native_float, native_double, file_access;

  Library() {
    void* opened = dlopen(TAL_HDF5_SONAME, RTLD_NOW | RTLD_LOCAL);
    if (!opened) opened = dlopen(TAL_HDF5_PATH, RTLD_NOW | RTLD_LOCAL);
    if (!opened) throw Error(std::string("HDF5 files need ") + TAL_HDF5_SONAME + ": " + dlerror());
    const auto symbol = [&](auto& out, const char* name) {
      out = reinterpret_cast<std::remove_reference_t<decltype(out)> >(dlsym(opened, name));
      if (!out) throw Error(std::string(TAL_HDF5_SONAME) + " has no " + name);
    };
#define TAL_TEXT(name) #name
#define TAL_LOAD(name) symbol(name, TAL_TEXT(name));
    TAL_HDF5_FUNCTIONS(TAL_LOAD)
#undef TAL_LOAD
#undef TAL_TEXT
    if (H5open() < 0) throw Error("HDF5 cannot start");
    const auto variable = [&](const char* name) {
      const hid_t* value = nullptr;
      symbol(value, name);
      if (*value > 0) return *value;
      // A program that links HDF5 itself holds the variable (copy relocation); the library's own was never set.
      value = static_cast<const hid_t*>(dlsym(RTLD_DEFAULT, name));
      if (!value || *value <= 0) throw Error(std::string(TAL_HDF5_SONAME) + " has no " + name);
      return *value;
    };
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // it prints its errors by itself; ours say what matters
    native_float = variable("H5T_NATIVE_FLOAT_g"), native_double = variable("H5T_NATIVE_DOUBLE_g");
    file_access = variable("H5P_CLS_FILE_ACCESS_ID_g");
  }
};

const Library& hdf5() {
  static const Library library;
  return library;
}

constexpr unsigned kReadOnly = 0;  // H5F_ACC_RDONLY, which as a macro would call into a linked library

class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const char* what) : id_(id), close_(close) {
    if (id_ < 0) throw Error(std::string("HDF5 cannot read the ") + what);
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

std::vector<std::int64_t> shape_of(hid_t space) {
  const int rank = hdf5().H5Sget_simple_extent_ndims(space);
  if (rank < 0) throw Error("HDF5 cannot read the shape");
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  if (rank > 0 && hdf5().H5Sget_simple_extent_dims(space, extents.data(), nullptr) < 0)
    throw Error("HDF5 cannot read the shape");
  std::vector<std::int64_t> shape;
  for (const auto extent : extents) {
    if (extent > static_cast<hsize_t>(INT64_MAX)) throw Error("the shape is not possible");
    shape.push_back(static_cast<std::int64_t>(extent));
  }
  return shape;
}

bool numeric_type(hid_t type) {
  const auto kind = hdf5().H5Tget_class(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT;
}

// The names of an enumeration's values, or of the fields of a record.
std::vector<std::string> members_of(hid_t type) {
  std::vector<std::string> names;
  const int count = std::min(hdf5().H5Tget_nmembers(type), 16);
  for (int i = 0; i < count; ++i) {
    char* name = hdf5().H5Tget_member_name(type, static_cast<unsigned>(i));
    names.emplace_back(name ? name : "");
    hdf5().H5free_memory(name);
  }
  return names;
}

// Truth values as h5py and MATLAB's neighbours write them: bytes 0 and 1 called FALSE and TRUE.
bool boolean_type(hid_t type) {
  return hdf5().H5Tget_class(type) == H5T_ENUM && hdf5().H5Tget_size(type) == 1 &&
         members_of(type) == std::vector<std::string>{"FALSE", "TRUE"};
}

// Real and imaginary part, as h5py and MATLAB name them.
bool complex_type(hid_t type) {
  const auto names = members_of(type);
  return names == std::vector<std::string>{"r", "i"} || names == std::vector<std::string>{"real", "imag"};
}

// What a type that is no number holds.
const char* type_words(hid_t type) {
  if (hdf5().H5Tget_class(type) == H5T_COMPOUND && complex_type(type))
    return "complex numbers: save their real and imaginary parts, or absolute values";
  switch (hdf5().H5Tget_class(type)) {
    case H5T_STRING: return "text";
    case H5T_BITFIELD: return "bits";
    case H5T_OPAQUE: return "bytes of a type of its own";
    case H5T_COMPOUND: return "records of several fields";
    case H5T_REFERENCE: return "references to other objects";
    case H5T_ENUM: return "an enumeration";
    case H5T_VLEN: return "lists of different lengths";
    case H5T_ARRAY: return "arrays in every element";
    default: return "values of an unknown type";
  }
}

using Attributes = std::map<std::string, Hdf5Attribute>;

// The text of an attribute of one string; nullopt when it cannot be read or is longer than `most`.
std::optional<std::string> attribute_text(hid_t attribute, hid_t type, std::size_t most) {
  if (hdf5().H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    if (hdf5().H5Aread(attribute, type, &text) < 0 || !text) return std::nullopt;
    std::string copy(text);
    hdf5().H5free_memory(text);
    return copy;
  }
  const std::size_t size = hdf5().H5Tget_size(type);
  std::string text(size > most ? 0 : size, '\0');
  if (text.empty() || hdf5().H5Aread(attribute, type, text.data()) < 0) return std::nullopt;
  return text.substr(0, text.find('\0'));
}

Hdf5Attribute read_attribute(hid_t object, const char* name) {
  constexpr hssize_t kMost = 2;  // numerator and denominator
  const Handle attribute(hdf5().H5Aopen(object, name, H5P_DEFAULT), hdf5().H5Aclose, "attribute");
  const Handle type(hdf5().H5Aget_type(attribute), hdf5().H5Tclose, "attribute's type");
  const Handle space(hdf5().H5Aget_space(attribute), hdf5().H5Sclose, "attribute's shape");
  Hdf5Attribute out;
  const auto points = hdf5().H5Sget_simple_extent_npoints(space);
  if (numeric_type(type) && points >= 1 && points <= kMost) {
    out.values.resize(static_cast<std::size_t>(points));
    if (hdf5().H5Aread(attribute, hdf5().native_double, out.values.data()) < 0)
      throw Error("HDF5 cannot read the attribute");
  } else if (points != 1) {
    out.other = std::to_string(points) + " values";
  } else if (hdf5().H5Tget_class(type) == H5T_STRING) {
    constexpr std::size_t kLongest = 4096;  // of a number
    const auto text = attribute_text(attribute, type, kLongest);
    try {
      out.values = {parse_number(trim(text.value_or("")))};
    } catch (const Error&) {
      out.other = text ? "the text '" + text->substr(0, 40) + "'" : "a text";
    }
  } else {
    out.other = boolean_type(type) ? "a truth value" : type_words(type);
  }
  return out;
}

struct AttributeVisit {
  std::string object;
  Attributes* out;  // those of the groups around, until the object has its own
};

// Called by the library, which knows no exceptions: an attribute that cannot be read is an odd one.
herr_t visit_attribute(hid_t object, const char* name, const H5A_info_t*, void* data) {
  const auto& visit = *static_cast<AttributeVisit*>(data);
  Hdf5Attribute& place = (*visit.out)[name];
  try {
    place = read_attribute(object, name);
  } catch (const Error& error) {
    place = {"", {}, "a value that HDF5 cannot read"};
  }
  place.object = visit.object;
  return 0;
}

void take_attributes(hid_t object, const std::string& name, Attributes& out) {
  AttributeVisit visit{name, &out};
  hdf5().H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit_attribute, &visit);
}

herr_t visit_link(hid_t, const char* name, const LinkInfo*, void* out) {
  static_cast<std::vector<std::string>*>(out)->push_back(name);
  return 0;
}

// Where a name leads, link by link, so that none leads out of the file unseen.
class LinkWalk {
 public:
  explicit LinkWalk(hid_t file) : file_(file) {}

  // `place`: a path of hard links ("" = the root) from which `path` leads on. Error for a link that leads nowhere, in a
  // circle, or into another file.
  std::string follow(std::string place, const std::string& path) const {
    std::vector<std::string> steps;
    push(path, steps);
    for (int soft = 0; !steps.empty();) {
      const std::string step = steps.back(), at = place + '/' + step;
      steps.pop_back();
      LinkInfo info;
      if (hdf5().TAL_H5LGET_INFO(file_, at.c_str(), &info, H5P_DEFAULT) < 0)
        throw Error("a link leads nowhere: there is no '" + at + "'");
      if (info.type == H5L_TYPE_HARD) {
        place = at;
        continue;
      }
      const std::string value = value_of(at, info.u.val_size);
      if (info.type == H5L_TYPE_EXTERNAL) throw Error(external(value));
      if (info.type != H5L_TYPE_SOFT) throw Error("a link of a type of its own is not followed");
      if (++soft > kMostSoft) throw Error("the links lead in a circle");
      if (value.starts_with('/')) place.clear();
      push(value.c_str(), steps);  // without the '\0' at its end
    }
    return place;
  }

 private:
  static constexpr int kMostSoft = 64;

  // The components of a path, the first one last.
  static void push(const std::string& path, std::vector<std::string>& steps) {
    for (std::size_t end = path.size();;) {
      const auto slash = end == 0 ? std::string::npos : path.rfind('/', end - 1);
      const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
      const std::string step = path.substr(begin, end - begin);
      if (!step.empty() && step != ".") steps.push_back(step);
      if (slash == std::string::npos) return;
      end = slash;
    }
  }
  std::string value_of(const std::string& link, std::size_t size) const {
    std::string value(size, '\0');
    if (size == 0 || hdf5().H5Lget_val(file_, link.c_str(), value.data(), size, H5P_DEFAULT) < 0)
      throw Error("HDF5 cannot read the link");
    return value;
  }
  // The library packs file and path together.
  static std::string external(const std::string& value) {
    const char *file = nullptr, *path = nullptr;
    unsigned flags = 0;
    const bool known = hdf5().H5Lunpack_elink_val(value.data(), value.size(), &flags, &file, &path) >= 0;
    return "leads into another file" + (known ? " ('" + std::string(file) + "')" : "") +
           ": external links are not followed. Read that file itself, or copy the data into one (h5repack, or h5py's "
           "copy with expand_external=True)";
  }
  hid_t file_;
};

Hdf5Dataset describe(hid_t dataset, const std::string& name, Attributes attributes) {
  Hdf5Dataset described;
  described.name = name;
  const Handle space(hdf5().H5Dget_space(dataset), hdf5().H5Sclose, "shape");
  const Handle type(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
  described.shape = shape_of(space);
  described.matlab = hdf5().H5Aexists(dataset, "MATLAB_class") > 0;
  if (described.matlab) std::reverse(described.shape.begin(), described.shape.end());
  if (!numeric_type(type) && !boolean_type(type)) described.other = type_words(type);
  take_attributes(dataset, name, attributes);
  const auto stored = attributes.find("MATLAB_class");  // MATLAB keeps characters as numbers
  if (described.matlab && stored != attributes.end() && stored->second.other == "the text 'char'")
    described.other = "text";
  described.attributes = std::move(attributes);
  return described;
}

// Lists what lies below a group, under every name that links give it.
class Listing {
 public:
  explicit Listing(hid_t file) : file_(file), links_(file) {}

  std::vector<Hdf5Dataset> all() {
    const Handle root(hdf5().H5Oopen(file_, "/", H5P_DEFAULT), hdf5().H5Oclose, "root group");
    group(root, "", "", {});
    std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return std::move(found_);
  }

 private:
  static constexpr std::size_t kMostLinks = 1'000'000, kMostDepth = 32;

  // place: its path of hard links; name: as it was reached.
  void group(hid_t id, const std::string& place, const std::string& name, Attributes attributes) {
    ObjectInfo own;
    if (hdf5().TAL_H5OGET_INFO(id, &own, H5O_INFO_BASIC) < 0) throw Error("HDF5 cannot list the data sets: damaged");
    for (const auto& outer : open_)
      if (same_object(own, outer)) return;  // a circle of links: everything in it is listed
    if (open_.size() >= kMostDepth) throw Error("the groups are nested too deeply");
    std::vector<std::string> names;
    if (hdf5().TAL_H5LITERATE(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit_link, &names) < 0)
      throw Error("HDF5 cannot list the data sets: damaged or cut off");
    take_attributes(id, name, attributes);
    open_.push_back(own);
    for (const auto& link : names)
      if (!name.empty() || link.front() != '#')
        follow(place, link, name.empty() ? link : name + '/' + link, attributes);
    open_.pop_back();
  }

  void follow(const std::string& place, const std::string& link, const std::string& name,
              const Attributes& attributes) {
    if (++links_seen_ > kMostLinks) throw Error("the file has more than " + std::to_string(kMostLinks) + " links");
    std::string there;
    try {
      there = links_.follow(place, link);
    } catch (const Error& error) {
      Hdf5Dataset& broken = found_.emplace_back();
      broken.name = name, broken.problem = error.message();
      return;
    }
    const Handle object(hdf5().H5Oopen(file_, there.c_str(), H5P_DEFAULT), hdf5().H5Oclose, "object behind a link");
    const auto type = hdf5().H5Iget_type(object);
    if (type == H5I_GROUP) group(object, there, name, attributes);
    if (type == H5I_DATASET) found_.push_back(describe(object, name, attributes));
  }

  hid_t file_;
  LinkWalk links_;
  std::vector<ObjectInfo> open_;  // the groups around
  std::vector<Hdf5Dataset> found_;
  std::size_t links_seen_ = 0;
};

// Why the library could not read a data set: a filter that it has not, by name, or else the bytes.
std::string unreadable(hid_t creation) {
  std::string missing;
  const int count = hdf5().H5Pget_nfilters(creation);
  for (int i = 0; i < count; ++i) {
    char name[64] = "";
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const auto filter =
        hdf5().H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, sizeof name, name, &config);
    if (filter < 0 || hdf5().H5Zfilter_avail(filter) > 0) continue;
    missing += (missing.empty() ? "" : ", ") + std::to_string(filter) + (name[0] ? " (" + std::string(name) + ")" : "");
  }
  if (missing.empty()) return "HDF5 cannot read the data: damaged or cut off";
  return "the data are packed with the HDF5 filter " + missing +
         ", which is not installed: install its plugin (HDF5_PLUGIN_PATH), or repack the file with gzip (h5repack)";
}

// Error for values that are not stored with the data set but in others, or in raw files beside, which it names.
void refuse_elsewhere(hid_t creation) {
  const bool is_virtual = hdf5().H5Pget_layout(creation) == H5D_VIRTUAL;
  const int external = hdf5().H5Pget_external_count(creation);
  if (!is_virtual && external == 0) return;
  std::size_t count = static_cast<std::size_t>(std::max(external, 0));
  if (is_virtual && hdf5().H5Pget_virtual_count(creation, &count) < 0) count = 0;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 1000); ++i) {
    char name[256] = "";
    if (is_virtual) (void)hdf5().H5Pget_virtual_filename(creation, i, name, sizeof name);
    else (void)hdf5().H5Pget_external(creation, static_cast<unsigned>(i), sizeof name, name, nullptr, nullptr);
    name[sizeof name - 1] = '\0';
    const std::string file = std::string_view(name) == "." ? "this file" : "'" + std::string(name) + "'";
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  const std::string where = files.empty() ? "" : ", of " + joined_first(files, 4);
  throw Error(
      (is_virtual ? "a virtual data set, whose values are those of others" : "its values lie in raw files beside") +
      where + ": that is not followed. " + (is_virtual ? "Read those themselves, or write" : "Write") +
      " the values into one (h5py: g[name] = f[name][...])");
}

// The data set's values in `out`, as the library converts them; its extents, squeezed.
template <class Value>
std::vector<std::int64_t> read_values(hid_t dataset, std::vector<Value>& out) {
  const Handle space(hdf5().H5Dget_space(dataset), hdf5().H5Sclose, "shape");
  const Handle type(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
  const Handle creation(hdf5().H5Dget_create_plist(dataset), hdf5().H5Pclose, "layout");
  const bool truths = boolean_type(type);
  if (!numeric_type(type) && !truths) throw Error(std::string("not numbers, but ") + type_words(type));
  auto extents = shape_of(space);
  if (extents.empty()) extents = {1};  // one value
  const auto shape = squeezed(extents);
  refuse_elsewhere(creation);
  const std::int64_t rows = shape[0], dim = shape.size() == 2 ? shape[1] : 1;
  // Chunks that were never written are not stored, so a few bytes can promise terabytes: no filter shrinks more than
  // about 1032 times.
  const double promised =
      static_cast<double>(rows) * static_cast<double>(dim) * static_cast<double>(hdf5().H5Tget_size(type));
  const double stored = static_cast<double>(hdf5().H5Dget_storage_size(dataset));
  if (promised > 1100 * (stored + 64)) throw Error("the shape promises more data than the file holds");
  if (promised == 0) return shape;
  out.resize(static_cast<std::size_t>(rows * dim));
  std::vector<std::int8_t> bytes(truths ? out.size() : 0);
  void* to = truths ? static_cast<void*>(bytes.data()) : out.data();
  const hid_t native = std::is_same_v<Value, double> ? hdf5().native_double : hdf5().native_float;
  const hid_t as = truths ? static_cast<hid_t>(type) : native;
  if (hdf5().H5Dread(dataset, as, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) < 0) throw Error(unreadable(creation));
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return shape;
}

// The bytes of a data set in the layout of `type`, and how many elements they are. Error for data that lie elsewhere
// and for a shape that promises more than the file holds.
std::pair<std::vector<char>, std::size_t> read_bytes(hid_t dataset, hid_t type) {
  const Handle space(hdf5().H5Dget_space(dataset), hdf5().H5Sclose, "shape");
  const Handle creation(hdf5().H5Dget_create_plist(dataset), hdf5().H5Pclose, "layout");
  refuse_elsewhere(creation);
  const auto count = hdf5().H5Sget_simple_extent_npoints(space);
  const std::size_t size = hdf5().H5Tget_size(type);
  if (count < 0 || size == 0) throw Error("HDF5 cannot read the shape");
  const double promised = static_cast<double>(count) * static_cast<double>(size);
  if (promised > 1100 * (static_cast<double>(hdf5().H5Dget_storage_size(dataset)) + 64))
    throw Error("the shape promises more data than the file holds");
  std::vector<char> bytes(static_cast<std::size_t>(count) * size);
  if (!bytes.empty() && hdf5().H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0)
    throw Error(unreadable(creation));
  return {std::move(bytes), static_cast<std::size_t>(count)};
}

std::string fixed_text(const char* begin, std::size_t size) {
  return {begin, static_cast<std::size_t>(std::find(begin, begin + size, '\0') - begin)};
}

std::vector<std::string> read_texts(hid_t dataset) {
  const Handle type(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
  if (hdf5().H5Tget_class(type) != H5T_STRING) throw Error(std::string("not text, but ") + type_words(type));
  const auto [bytes, count] = read_bytes(dataset, type);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    if (hdf5().H5Tis_variable_str(type) > 0) {
      char* text = nullptr;
      std::memcpy(&text, bytes.data() + i * sizeof text, sizeof text);
      out.emplace_back(text ? text : "");
      if (text) hdf5().H5free_memory(text);
    } else {
      const std::size_t size = hdf5().H5Tget_size(type);
      out.push_back(fixed_text(bytes.data() + i * size, size));
    }
  }
  return out;
}

template <class Value>
double value_at(const char* at) {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<double>(value);
}

// A number of a native type as a double; nullptr: not such a type.
double (*number_reader(hid_t type))(const char*) {
  const std::size_t size = hdf5().H5Tget_size(type);
  const auto kind = hdf5().H5Tget_class(type);
  if (kind == H5T_FLOAT) return size == 4 ? value_at<float> : size == 8 ? value_at<double> : nullptr;
  if (boolean_type(type)) return value_at<std::int8_t>;
  if (kind != H5T_INTEGER) return nullptr;
  const bool is_signed = hdf5().H5Tget_sign(type) == H5T_SGN_2;
  switch (size) {
    case 1: return is_signed ? value_at<std::int8_t> : value_at<std::uint8_t>;
    case 2: return is_signed ? value_at<std::int16_t> : value_at<std::uint16_t>;
    case 4: return is_signed ? value_at<std::int32_t> : value_at<std::uint32_t>;
    case 8: return is_signed ? value_at<std::int64_t> : value_at<std::uint64_t>;
    default: return nullptr;
  }
}

Hdf5Field read_field(hid_t type, const std::string& name, std::size_t offset, std::size_t stride,
                     const std::vector<char>& bytes, std::size_t count) {
  Hdf5Field field;
  field.name = name;
  if (hdf5().H5Tget_class(type) == H5T_STRING && hdf5().H5Tis_variable_str(type) <= 0) {
    for (std::size_t i = 0; i < count; ++i)
      field.texts.push_back(fixed_text(bytes.data() + i * stride + offset, hdf5().H5Tget_size(type)));
    return field;
  }
  const bool array = hdf5().H5Tget_class(type) == H5T_ARRAY;
  const Handle element(array ? hdf5().H5Tget_super(type) : hdf5().H5Tget_native_type(type, H5T_DIR_ASCEND),
                       hdf5().H5Tclose, "type of a field");
  const auto read = number_reader(element);
  if (!read) throw Error("field '" + name + "' holds " + type_words(type));
  const std::size_t size = hdf5().H5Tget_size(element);
  field.width = hdf5().H5Tget_size(type) / size;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < field.width; ++k)
      field.numbers.push_back(read(bytes.data() + i * stride + offset + k * size));
  return field;
}

std::vector<Hdf5Field> read_fields(hid_t dataset) {
  const Handle stored(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
  if (hdf5().H5Tget_class(stored) != H5T_COMPOUND) throw Error(std::string("not records, but ") + type_words(stored));
  const Handle type(hdf5().H5Tget_native_type(stored, H5T_DIR_ASCEND), hdf5().H5Tclose, "type");
  const auto [bytes, count] = read_bytes(dataset, type);
  std::vector<Hdf5Field> out;
  const int members = hdf5().H5Tget_nmembers(type);
  for (int i = 0; i < members; ++i) {
    const auto index = static_cast<unsigned>(i);
    char* text = hdf5().H5Tget_member_name(type, index);
    const std::string name(text ? text : "");
    hdf5().H5free_memory(text);
    const Handle member(hdf5().H5Tget_member_type(type, index), hdf5().H5Tclose, "type of a field");
    out.push_back(
        read_field(member, name, hdf5().H5Tget_member_offset(type, index), hdf5().H5Tget_size(type), bytes, count));
  }
  return out;
}

FeatureMatrix read_matrix(hid_t dataset) {
  FeatureMatrix matrix;
  const auto shape = read_values(dataset, matrix.values);
  matrix.rows = shape[0], matrix.dim = shape.size() == 2 ? shape[1] : 1;
  return hdf5().H5Aexists(dataset, "MATLAB_class") > 0 && shape.size() == 2 ? transposed(matrix) : matrix;
}

}  // namespace

Hdf5File::Hdf5File(const std::string& path) {
  const MappedFile readable(path);  // the system's own message for what cannot be opened, and regular files only
  const std::lock_guard lock(one_at_a_time());
  if (hdf5().H5Fis_hdf5(path.c_str()) <= 0) throw Error("'" + path + "': not an HDF5 file");
  file_ = hdf5().H5Fopen(path.c_str(), kReadOnly, H5P_DEFAULT);
  if (file_ < 0) throw Error("'" + path + "': HDF5 cannot open it: damaged or cut off");
}

Hdf5File Hdf5File::from_memory(std::string_view bytes) {
  const std::lock_guard lock(one_at_a_time());
  const Handle access(hdf5().H5Pcreate(hdf5().file_access), hdf5().H5Pclose, "file");
  // core driver without a backing file: nothing is written anywhere
  if (bytes.empty() || hdf5().H5Pset_fapl_core(access, 1 << 20, false) < 0 ||
      hdf5().H5Pset_file_image(access, const_cast<char*>(bytes.data()), bytes.size()) < 0)
    throw Error("not an HDF5 file");
  Hdf5File file;
  file.file_ = hdf5().H5Fopen("image", kReadOnly, access);
  if (file.file_ < 0) throw Error("not an HDF5 file, damaged or cut off");
  return file;
}

Hdf5File::~Hdf5File() {
  if (file_ < 0) return;
  const std::lock_guard lock(one_at_a_time());
  hdf5().H5Fclose(file_);
}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

std::vector<Hdf5Dataset> Hdf5File::datasets() const {
  const std::lock_guard lock(one_at_a_time());
  return Listing(file_).all();
}

namespace {

// read(data set) of the name.
template <class Read>
auto at_dataset(hid_t file, const std::string& name, Read&& read) {
  const std::lock_guard lock(one_at_a_time());
  try {
    const std::string there = LinkWalk(file).follow("", name);
    const Handle dataset(hdf5().H5Dopen2(file, there.c_str(), H5P_DEFAULT), hdf5().H5Dclose, "data set");
    return read(dataset);
  } catch (const Error& error) {
    throw Error("data set '" + name + "': " + error.message());
  }
}

}  // namespace

FeatureMatrix Hdf5File::read(const std::string& name) const { return at_dataset(file_, name, read_matrix); }

std::vector<double> Hdf5File::numbers(const std::string& name) const {
  return at_dataset(file_, name, [](hid_t dataset) {
    std::vector<double> values;
    read_values(dataset, values);
    return values;
  });
}

std::vector<double> Hdf5File::values(const std::string& name) const {
  return at_dataset(file_, name, [](hid_t dataset) {
    const Handle type(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
    if (!numeric_type(type)) throw Error(std::string("not numbers, but ") + type_words(type));
    const auto [bytes, count] = read_bytes(dataset, hdf5().native_double);
    std::vector<double> out(count);
    if (count > 0) std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  });
}

std::vector<std::string> Hdf5File::texts(const std::string& name) const { return at_dataset(file_, name, read_texts); }

std::vector<Hdf5Field> Hdf5File::fields(const std::string& name) const { return at_dataset(file_, name, read_fields); }

std::string Hdf5File::attribute(const std::string& dataset, const std::string& name) const {
  return at_dataset(file_, dataset, [&](hid_t object) -> std::string {
    constexpr std::size_t kLongest = 1 << 20;
    if (hdf5().H5Aexists(object, name.c_str()) <= 0) return "";
    const Handle attribute(hdf5().H5Aopen(object, name.c_str(), H5P_DEFAULT), hdf5().H5Aclose, "attribute");
    const Handle type(hdf5().H5Aget_type(attribute), hdf5().H5Tclose, "attribute's type");
    const Handle space(hdf5().H5Aget_space(attribute), hdf5().H5Sclose, "attribute's shape");
    if (hdf5().H5Tget_class(type) != H5T_STRING || hdf5().H5Sget_simple_extent_npoints(space) != 1) return "";
    return attribute_text(attribute, type, kLongest).value_or("");
  });
}

#endif

}  // namespace tal
