#include "libtal/io/hdf5.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "libtal/base/error.h"
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
  X(TAL_H5OVISIT) X(H5Pclose) X(H5Pcreate) X(H5Pget_external_count) X(H5Pget_layout) X(H5Pset_fapl_core) X(H5Pset_file_image)          \
  X(H5Sclose) X(H5Sget_simple_extent_dims) X(H5Sget_simple_extent_ndims) X(H5Sget_simple_extent_npoints) X(H5Tclose) X(H5Tget_class)   \
  X(H5Tget_size)
// clang-format on
#if H5_VERSION_GE(1, 12, 0)
#define TAL_H5OVISIT H5Ovisit3
#else
#define TAL_H5OVISIT H5Ovisit2
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

herr_t visit_attribute(hid_t object, const char* name, const H5A_info_t*, void* out) {
  const hid_t attribute = hdf5().H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return 0;
  const hid_t type = hdf5().H5Aget_type(attribute), space = hdf5().H5Aget_space(attribute);
  double value = 0;
  if (type >= 0 && space >= 0 && numeric_type(type) && hdf5().H5Sget_simple_extent_npoints(space) == 1 &&
      hdf5().H5Aread(attribute, hdf5().native_double, &value) >= 0)
    (*static_cast<std::map<std::string, double>*>(out))[name] = value;
  if (space >= 0) hdf5().H5Sclose(space);
  if (type >= 0) hdf5().H5Tclose(type);
  hdf5().H5Aclose(attribute);
  return 0;
}

herr_t visit_object(hid_t, const char* name, const H5O_info_t* info, void* out) {
  if (info->type == H5O_TYPE_DATASET) static_cast<std::vector<std::string>*>(out)->push_back(name);
  return 0;
}

Hdf5Dataset describe(hid_t file, const std::string& name) {
  Hdf5Dataset described;
  described.name = name;
  const Handle dataset(hdf5().H5Dopen2(file, name.c_str(), H5P_DEFAULT), hdf5().H5Dclose, "data set");
  const Handle space(hdf5().H5Dget_space(dataset), hdf5().H5Sclose, "shape");
  const Handle type(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
  described.shape = shape_of(space);
  described.matlab = hdf5().H5Aexists(dataset, "MATLAB_class") > 0;
  if (described.matlab) std::reverse(described.shape.begin(), described.shape.end());
  described.numeric = numeric_type(type);
  hdf5().H5Aiterate2(dataset, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit_attribute, &described.attributes);
  return described;
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
  std::vector<std::string> names;
  const herr_t status = hdf5().TAL_H5OVISIT(file_, H5_INDEX_NAME, H5_ITER_INC, visit_object, &names, H5O_INFO_BASIC);
  if (status < 0) throw Error("HDF5 cannot list the data sets: damaged or cut off");
  std::vector<Hdf5Dataset> datasets;
  for (const auto& name : names)
    if (name.front() != '#') datasets.push_back(describe(file_, name));
  std::sort(datasets.begin(), datasets.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return datasets;
}

FeatureMatrix Hdf5File::read(const std::string& name) const {
  const std::lock_guard lock(one_at_a_time());
  try {
    const Handle dataset(hdf5().H5Dopen2(file_, name.c_str(), H5P_DEFAULT), hdf5().H5Dclose, "data set");
    const Handle space(hdf5().H5Dget_space(dataset), hdf5().H5Sclose, "shape");
    const Handle type(hdf5().H5Dget_type(dataset), hdf5().H5Tclose, "type");
    const Handle creation(hdf5().H5Dget_create_plist(dataset), hdf5().H5Pclose, "layout");
    if (!numeric_type(type)) throw Error("not numbers");
    const auto shape = squeezed(shape_of(space));
    const auto layout = hdf5().H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL || hdf5().H5Pget_external_count(creation) != 0)
      throw Error("the data lie in other files; that is not followed");
    FeatureMatrix matrix;
    matrix.rows = shape[0], matrix.dim = shape.size() == 2 ? shape[1] : 1;
    // Chunks that were never written are not stored, so a few bytes can promise terabytes: no filter shrinks more than
    // about 1032 times.
    const double promised = static_cast<double>(matrix.rows) * static_cast<double>(matrix.dim) *
                            static_cast<double>(hdf5().H5Tget_size(type));
    const double stored = static_cast<double>(hdf5().H5Dget_storage_size(dataset));
    if (promised > 1100 * (stored + 64)) throw Error("the shape promises more data than the file holds");
    if (promised == 0) return matrix;
    matrix.values.resize(static_cast<std::size_t>(matrix.rows * matrix.dim));
    if (hdf5().H5Dread(dataset, hdf5().native_float, H5S_ALL, H5S_ALL, H5P_DEFAULT, matrix.values.data()) < 0)
      throw Error("HDF5 cannot read the data: damaged, cut off, or packed with a filter that is not installed");
    return hdf5().H5Aexists(dataset, "MATLAB_class") > 0 && shape.size() == 2 ? transposed(matrix) : matrix;
  } catch (const Error& error) {
    throw Error("data set '" + name + "': " + error.message());
  }
}

#endif

}  // namespace tal
