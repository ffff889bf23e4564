// Feature files of arrays: whose they are, what is left out and said, HDF5's links and attributes; peers are the bytes
// that HDF5's own library wrote.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/data/array_file.h"
#include "libtal/formats/feature_import.h"
#include "libtal/formats/pose.h"
#include "libtal/io/npy.h"
#include "tests/support.h"

#ifdef TAL_HDF5_SONAME
#include <hdf5.h>
#endif

using namespace tal;

namespace {

using tal::test::Folder;

struct Got {
  std::vector<std::string> streams;  // "video stream rows x dim first-value stride"
  std::vector<std::string> notes, errors;
  std::string text() const {
    std::string all;
    for (const auto& line : streams) all += line + '\n';
    return all;
  }
};

Got import(const std::vector<std::string>& paths, ImportOptions options = {}) {
  options.features.inline_data = true;
  Got got;
  const ImportSink sink{
      [&](Record& record) {
        for (const auto& stream : record.features()) {
          const FeatureMatrix m = load_features(stream);
          got.streams.push_back(
              record.video() + ' ' + stream.name + ' ' + std::to_string(m.rows) + 'x' + std::to_string(m.dim) + ' ' +
              std::to_string(static_cast<int>(m.at(0, 0))) +
              (stream.stride > 0 ? " stride " + std::to_string(static_cast<int>(stream.stride)) : ""));
        }
      },
      [&](const Error& error, std::string_view) { got.errors.push_back(error.what()); },
      [&](const std::string& note) { got.notes.push_back(note); }};
  try {
    read_features(paths, options, sink);
  } catch (const Error& error) {
    got.errors.push_back(error.what());
  } catch (const UsageError& error) {
    got.errors.push_back(error.what());
  }
  return got;
}

bool has(const std::vector<std::string>& lines, const std::string& part) {
  for (const auto& line : lines)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

ImportOptions with_pattern(const std::string& pattern, const std::string& stream) {
  ImportOptions options;
  options.features.pattern = pattern, options.features.stream = stream;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(feature_arrays)

#ifdef TAL_HDF5_SONAME

namespace {

// An HDF5 file of [rows, 2] data sets that hold `first`, first + 1, ...
class File {
 public:
  explicit File(const std::string& path) : id_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~File() { H5Fclose(id_); }
  operator hid_t() const { return id_; }

  void array(const char* name, double first, std::vector<hsize_t> extents = {3, 2}) const {
    hsize_t count = 1;
    for (const auto e : extents) count *= e;
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = first + static_cast<double>(i);
    const hid_t space = extents.empty() ? H5Screate(H5S_SCALAR)
                                        : H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t links = groups();
    const hid_t set = H5Dcreate2(id_, name, H5T_IEEE_F32LE, space, links, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(set), H5Pclose(links), H5Sclose(space);
  }
  // As it is stored and not as float32.
  void exact(const char* name, hid_t type, std::vector<hsize_t> extents, const void* values) const {
    const hid_t space = extents.empty() ? H5Screate(H5S_SCALAR)
                                        : H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t links = groups();
    const hid_t set = H5Dcreate2(id_, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(set), H5Pclose(links), H5Sclose(space);
  }
  void number(const char* name, double value) const { exact(name, H5T_NATIVE_DOUBLE, {}, &value); }
  void text(const char* name, const char* value, bool variable) const {
    const hid_t type = text_type(value, variable), one = H5Screate(H5S_SCALAR), links = groups();
    const hid_t set = H5Dcreate2(id_, name, type, one, links, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, variable ? static_cast<const void*>(&value) : value);
    H5Dclose(set), H5Pclose(links), H5Sclose(one), H5Tclose(type);
  }
  void soft(const char* name, const char* target) const {
    const hid_t links = groups();
    H5Lcreate_soft(target, id_, name, links, H5P_DEFAULT);
    H5Pclose(links);
  }
  void hard(const char* target, const char* name) const {
    H5Lcreate_hard(id_, target, id_, name, H5P_DEFAULT, H5P_DEFAULT);
  }
  void external(const char* name, const char* file, const char* path) const {
    H5Lcreate_external(file, path, id_, name, H5P_DEFAULT, H5P_DEFAULT);
  }
  void text_attribute(const char* object, const char* name, const char* value, bool variable) const {
    const hid_t type = text_type(value, variable), one = H5Screate(H5S_SCALAR);
    attribute(object, name, type, one, type, variable ? static_cast<const void*>(&value) : value);
    H5Sclose(one), H5Tclose(type);
  }
  void numbers_attribute(const char* object, const char* name, std::vector<int> values) const {
    const hsize_t count = values.size();
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    attribute(object, name, H5T_STD_I32BE, space, H5T_NATIVE_INT, values.data());
    H5Sclose(space);
  }

 private:
  static hid_t groups() {
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    return links;
  }
  static hid_t text_type(const char* value, bool variable) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, variable ? H5T_VARIABLE : std::string(value).size());
    return type;
  }
  void attribute(const char* object, const char* name, hid_t stored, hid_t space, hid_t memory,
                 const void* data) const {
    const hid_t made = H5Acreate_by_name(id_, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(made, memory, data);
    H5Aclose(made);
  }
  hid_t id_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(hdf5_groups_are_videos) {
  const Folder folder;
  const std::string path = folder / "all.h5";
  {
    const File file(path);
    file.array("v_aaa/c3d_features", 1);
  }
  BOOST_TEST(import({path}).text() == "v_aaa c3d_features 3x2 1\n");  // as with two
  {
    const File file(path);
    file.array("v_a/rgb", 1), file.array("v_a/flow", 2), file.array("v_b/rgb", 3), file.array("v_c", 4);
    file.array("v_a/fps", 25, {}), file.text("v_a/name", "x", true), file.text("v_b/name", "yy", false);
    file.array("v_a/index", 7, {3});
  }
  const Got got = import({path});
  BOOST_TEST(got.text() == "v_a flow 3x2 2\nv_a rgb 3x2 1\nv_b rgb 3x2 3\nv_c features 3x2 4\n");
  BOOST_TEST(got.errors.empty());
  for (const char* part : {"fps (one value)", "name (text) x 2", "index (a vector)"})
    BOOST_TEST(has(got.notes, part), part << " in " << got.notes.at(0));
}

BOOST_AUTO_TEST_CASE(hdf5_groups_that_are_no_videos) {
  const Folder folder;
  const std::string path = folder / "all.h5";
  {
    const File file(path);
    file.array("train/v1/rgb", 1), file.array("train/v1/flow", 2), file.array("train/v2/rgb", 3);
  }
  const Got refused = import({path});
  BOOST_TEST(refused.streams.empty());
  BOOST_TEST(has(refused.errors, "'train/v1/flow' lies in more groups than VIDEO/STREAM has"), refused.errors.at(0));
  BOOST_TEST(has(refused.errors, "--pattern"));
  BOOST_TEST(import({path}, with_pattern("([^/]+)/([^/]+)$", "$2")).text() ==
             "v1 flow 3x2 2\nv1 rgb 3x2 1\nv2 rgb 3x2 3\n");  // as the message says
  {
    const File file(path);
    file.array("Train/v1", 1), file.array("Train/v2", 2);
  }
  BOOST_TEST(has(import({path}).errors, "'Train/v1' lies in a group that is not named like a video"));
  BOOST_TEST(import({path}, with_pattern("[^/]+$", "rgb")).text() == "v1 rgb 3x2 1\nv2 rgb 3x2 2\n");
  {
    const File file(path);
    file.array("g1/v1", 1), file.array("g1/v2", 2), file.array("g2/v3", 3);
  }
  BOOST_TEST(has(import({path}).errors, "'g1' and the other groups have no array of the same name"));
}

BOOST_AUTO_TEST_CASE(hdf5_data_frames_are_refused) {
  const Folder folder;
  const std::string path = folder / "frame.h5";
  for (const char* axis : {"df/axis0", "df/axis0_level0"}) {
    {
      const File file(path);
      file.text(axis, "x", false), file.array("df/axis1", 0, {3}), file.text("df/block0_items", "x", false);
      file.array("df/block0_values", 1);
    }
    const Got got = import({path});
    BOOST_TEST(got.streams.empty());
    BOOST_TEST(has(got.errors, "'df' is a DataFrame in pandas' fixed layout (axis0, block0_values)"));
    BOOST_TEST(has(got.errors, "pandas.read_hdf('FILE', 'df').to_csv('VIDEO.csv', index=False)"));
  }
  {
    const File file(path);
    file.array("v1/block0_values", 1);  // somebody's own name
  }
  BOOST_TEST(import({path}).text() == "v1 block0_values 3x2 1\n");
}

// DeepLabCut's table as pandas writes it in either layout: columns by their names, and the video without the scorer's.
BOOST_AUTO_TEST_CASE(hdf5_data_frames_of_poses) {
  const Folder folder;
  const std::string table = folder / "v1DLC_x.h5", fixed = folder / "v2DLC_x.h5", other = folder / "v3DLC_x.h5";
  const auto write_table = [](const std::string& path, const char* names) {
    struct Row {
      long long index;
      double values[3];
    };
    const Row rows[] = {{4, {1, 2, 0.5}}, {5, {3, 4, 0.25}}};
    const hsize_t three = 3;
    const hid_t block = H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &three), type = H5Tcreate(H5T_COMPOUND, sizeof(Row));
    H5Tinsert(type, "index", HOFFSET(Row, index), H5T_NATIVE_LLONG);
    H5Tinsert(type, "values_block_0", HOFFSET(Row, values), block);
    const File file(path);
    file.exact("df/table", type, {2}, rows);
    file.text_attribute("df/table", "values_block_0_kind", names, false);
    H5Tclose(type), H5Tclose(block);
  };
  write_table(table,
              "(lp0\n(VDLC_x\np1\nVnose\np2\nVx\np3\ntp4\na(g1\ng2\nVy\np5\ntp6\na(g1\ng2\nVlikelihood\np7\ntp8\na.");
  write_table(other, "(lp0\nI1\na.");  // not of names: the columns are numbered
  {
    const File file(fixed);
    const double frames[] = {4, 5}, values[] = {1, 2, 0.5, 3, 4, 0.25};
    file.exact("df/axis1", H5T_NATIVE_DOUBLE, {2}, frames);
    file.exact("df/block0_values", H5T_NATIVE_DOUBLE, {2, 3}, values);
    const std::pair<std::string, std::vector<double>> levels[] = {
        {"DLC_x", {0, 0, 0}}, {"nose", {0, 0, 0}}, {std::string("likex\0\0\0y\0\0\0", 12), {1, 2, 0}}};
    for (int l = 0; l < 3; ++l) {
      const auto& [texts, codes] = levels[l];
      const std::string place = "df/block0_items_level" + std::to_string(l);
      const hid_t type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, l == 2 ? 4 : texts.size());
      file.exact(place.c_str(), type, {l == 2 ? hsize_t{3} : hsize_t{1}}, texts.data());
      H5Tclose(type);
      file.exact(("df/block0_items_label" + std::to_string(l)).c_str(), H5T_NATIVE_DOUBLE, {3}, codes.data());
    }
  }
  using Names = std::vector<std::string>;
  const auto check = [](const std::string& path, const std::string& video, const Names& columns) {
    const auto tables = read_pose_hdf5(path);
    BOOST_REQUIRE_EQUAL(tables.size(), 1u);
    BOOST_TEST(tables[0].video == video);
    BOOST_TEST(tables[0].columns == columns);
    BOOST_TEST(tables[0].frames == (std::vector<std::int64_t>{4, 5}));
    BOOST_TEST(tables[0].rows.at(1) == (std::vector<float>{3, 4, 0.25F}));
  };
  check(table, "v1", {"nose.x", "nose.y", "nose.likelihood"});
  check(fixed, "v2", {"nose.x", "nose.y", "nose.like"});
  check(other, "v3DLC_x", {"column0", "column1", "column2"});
  {
    const File file(folder / "two.h5");
    file.array("df/axis1", 0, {3}), file.array("df/block0_values", 1), file.array("df/block1_values", 1);
    file.text("df/block0_items_level2", "x", false);
  }
  BOOST_CHECK_EXCEPTION(read_pose_hdf5(folder / "two.h5"), Error, [](const Error& error) {
    return std::string(error.what()).find("more than one block of values: save it as csv") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(one_array_of_an_archive) {
  const Folder folder;
  const std::string path = folder / "input.h5";
  { File(path).array("v_1", 5); }
  const Got got = import({path});
  BOOST_TEST(got.text() == "input features 3x2 5\n");
  BOOST_TEST(
      has(got.notes, "its one array 'v_1' is a stream of the video that the file is; --per array makes it a video"));
  ImportOptions array;
  array.features.per = "array";
  BOOST_TEST(import({path}, array).text() == "v_1 features 3x2 5\n");
  BOOST_TEST(import({path}, with_pattern("v_[0-9]", "rgb")).text() == "v_1 rgb 3x2 5\n");
  { File(path).array("features", 5); }
  BOOST_TEST(import({path}).notes.empty());
}

BOOST_AUTO_TEST_CASE(archives_whose_arrays_may_be_either) {
  const Folder folder;
  const std::string path = folder / "input.h5";
  {
    const File file(path);
    file.array("rgb", 1), file.array("flow", 2), file.array("fps", 25, {});
  }
  BOOST_TEST(has(import({path}).errors, "holds 2 arrays, 'flow' and others, beside what is none"));
  ImportOptions options;
  options.features.per = "file";
  BOOST_TEST(import({path}, options).text() == "input flow 3x2 2\ninput rgb 3x2 1\n");
  options.features.per = "array";
  BOOST_TEST(import({path}, options).text() == "flow features 3x2 2\nrgb features 3x2 1\n");
  {
    const File file(path);
    file.array("rgb", 1), file.array("flow", 2);
  }
  BOOST_TEST(has(import({folder.path.string()}).errors, "--per array"));  // one archive, found in a folder
  { File(path).text("name", "x", false); }
  BOOST_TEST(has(import({path}).errors, "no array of numbers with rows in this file: 'name' holds text"));
  { File(path).array("fps", 25, {}); }
  BOOST_TEST(has(import({path}).errors, "'fps' holds one value"));
}

BOOST_AUTO_TEST_CASE(hdf5_links) {
  const Folder folder;
  const std::string path = folder / "links.h5";
  { File(folder / "other.h5").array("x", 9); }
  {
    const File file(path);
    file.array("pool/a", 1), file.array("pool/b", 2);
    file.soft("v1/rgb", "/pool/a"), file.soft("v1/flow", "../v1/rgb"), file.soft("v2/rgb", "flow"),
        file.soft("v2/flow", "/pool/b");
    file.hard("pool/a", "v2/same"), file.soft("v2/up", "/v2"), file.soft("v2/self", "self"),
        file.soft("v3/gone", "/none/x");
    file.external("out", "other.h5", "/x"), file.soft("v3/through", "/out");
  }
  {
    const Hdf5File opened(path);
    std::map<std::string, std::string> problems;
    std::vector<std::string> readable;
    for (const auto& dataset : opened.datasets())
      if (dataset.problem.empty()) readable.push_back(dataset.name);
      else problems[dataset.name] = dataset.problem;
    BOOST_TEST((readable == std::vector<std::string>{"pool/a", "pool/b", "v1/rgb", "v2/flow", "v2/rgb", "v2/same"}));
    BOOST_TEST(opened.read("v2/rgb").at(0, 0) == 2);   // a link to a link
    BOOST_TEST(opened.read("v2/same").at(0, 0) == 1);  // one data set, several names
    BOOST_TEST(problems.at("v2/self").find("in a circle") != std::string::npos);
    BOOST_TEST(problems.at("v1/flow").find("leads nowhere") != std::string::npos);  // HDF5 knows no ".."
    BOOST_TEST(problems.at("v3/gone").find("there is no '/none'") != std::string::npos, problems.at("v3/gone"));
    for (const char* name : {"out", "v3/through"})
      BOOST_TEST(problems.at(name).find("'other.h5'): external links are not followed") != std::string::npos,
                 problems.at(name));
    BOOST_TEST(problems.size() == 5u);
    BOOST_CHECK_THROW((void)opened.read("out"), Error);
  }

  {
    const File file(path);
    file.external("v1", "other.h5", "/x"), file.array("v2", 3);
  }
  const Got got = import({path});
  BOOST_TEST(got.text() == "v2 features 3x2 3\n");
  BOOST_TEST(has(got.errors, "video 'v1'"));
  BOOST_TEST(has(got.errors, "external links are not followed"));
}

BOOST_AUTO_TEST_CASE(hdf5_attributes) {
  const Folder folder;
  const std::string path = folder / "v.h5";
  const auto stride = [&](const std::function<void(const File&)>& write) {
    {
      const File file(path);
      file.array("v_1/rgb", 1);
      file.numbers_attribute("v_1/rgb", "fps", {25});
      write(file);
    }
    const Got got = import({path});
    return got.errors.empty() ? got.text() : got.errors[0];
  };
  for (const bool variable : {false, true}) {
    BOOST_TEST(stride([&](const File& f) { f.text_attribute("v_1/rgb", "stride", "16", variable); }) ==
               "v_1 rgb 3x2 1 stride 16\n");
    BOOST_TEST(stride([&](const File& f) { f.text_attribute("v_1/rgb", "stride", " 8 ", variable); }) ==
               "v_1 rgb 3x2 1 stride 8\n");
    const auto error = stride([&](const File& f) { f.text_attribute("v_1/rgb", "stride", "many", variable); });
    BOOST_TEST(error.find("attribute 'stride' of 'v_1/rgb' holds the text 'many', not a number: give --stride") !=
                   std::string::npos,
               error);
  }
  BOOST_TEST(stride([](const File& f) { f.numbers_attribute("v_1/rgb", "stride", {16}); }) ==
             "v_1 rgb 3x2 1 stride 16\n");
  BOOST_TEST(stride([](const File& f) {
               f.numbers_attribute("v_1/rgb", "stride", {16, 8});
             }).find("holds 2 values") != std::string::npos);
  // of the groups around; the nearest counts
  BOOST_TEST(stride([](const File& f) { f.numbers_attribute("/", "stride", {4}); }) == "v_1 rgb 3x2 1 stride 4\n");
  BOOST_TEST(stride([](const File& f) {
               f.numbers_attribute("/", "stride", {4}), f.text_attribute("v_1", "stride", "2", true);
             }) == "v_1 rgb 3x2 1 stride 2\n");
  BOOST_TEST(stride([](const File& f) {
               f.text_attribute("/", "stride", "x", true), f.numbers_attribute("v_1/rgb", "stride", {2});
             }) == "v_1 rgb 3x2 1 stride 2\n");
  // names as columns may have them
  BOOST_TEST(stride([](const File& f) { f.numbers_attribute("v_1/rgb", "Stride", {4}); }) ==
             "v_1 rgb 3x2 1 stride 4\n");
}

// Numbers that seem to tell of the rows' times and are not taken are told; others are not.
BOOST_AUTO_TEST_CASE(hdf5_attributes_that_are_left_out) {
  const Folder folder;
  const std::string path = folder / "v.h5";
  {
    const File file(path);
    file.array("v_1/rgb", 1), file.array("v_2/rgb", 1);
    for (const char* video : {"v_1/rgb", "v_2/rgb"})
      file.numbers_attribute(video, "FPS", {25}), file.numbers_attribute(video, "hop_size", {16}),
          file.numbers_attribute(video, "layers", {4});
    file.numbers_attribute("v_1", "sampling_rate", {25}), file.numbers_attribute("/", "Duration", {9});
    file.text_attribute("/", "time", "yesterday", true);
  }
  const Got got = import({path});
  BOOST_TEST(got.text() == "v_1 rgb 3x2 1\nv_2 rgb 3x2 1\n");
  BOOST_TEST(has(got.notes, "attribute 'FPS' of 'v_1/rgb', 25, and those of 1 more are left out"));
  BOOST_TEST(has(got.notes,
                 "attributes left out, which may tell of the rows' times (--fps, --stride, --window, --offset): "
                 "'Duration' (2 arrays), 'hop_size' (2 arrays), 'sampling_rate'"));
  BOOST_TEST(!has(got.notes, "layers"));
}

namespace {

// The time contract of the one stream of a file, or what is wrong with it.
std::string contract(const std::string& path) {
  std::string out;
  const ImportSink sink{[&](Record& record) {
                          for (const auto& stream : record.features())
                            if (stream.fps)
                              out += record.video() + ' ' + std::to_string(stream.fps->num) + '/' +
                                     std::to_string(stream.fps->den) + ' ' + std::to_string(stream.stride) + ' ' +
                                     std::to_string(stream.window) + ' ' + std::to_string(stream.offset) + '\n';
                        },
                        [&](const Error& error, std::string_view) { out += error.what(); }, [](const std::string&) {}};
  ImportOptions options;
  options.features.inline_data = true;
  read_features({path}, options, sink);
  return out;
}

}  // namespace

// Numbers beside the rows: as doubles, as attributes give them.
BOOST_AUTO_TEST_CASE(hdf5_facts_are_exact) {
  const Folder folder;
  const std::string path = folder / "f.h5";
  {
    const File file(path);
    file.array("v_1/rgb", 1);
    file.number("v_1/fps", 23.976), file.number("v_1/stride", 6.4), file.number("v_1/window", 12.8);
    const double offset[] = {0.1};
    file.exact("v_1/offset", H5T_NATIVE_DOUBLE, {1, 1}, offset);
  }
  BOOST_TEST(contract(path) == "v_1 23.976000/1.000000 6.400000 12.800000 0.100000\n");
  {
    const Hdf5File opened(path);
    BOOST_TEST((opened.numbers("v_1/fps") == std::vector<double>{23.976}));
    BOOST_TEST((opened.numbers("v_1/offset") == std::vector<double>{0.1}));
  }
  {
    const File file(path);
    file.array("v_1/rgb", 1);
    const std::int64_t fps[] = {30000, 1001}, stride = 16777217;
    file.exact("v_1/fps", H5T_NATIVE_INT64, {2}, fps), file.exact("v_1/stride", H5T_NATIVE_INT64, {}, &stride);
  }
  BOOST_TEST(contract(path) == "v_1 30000.000000/1001.000000 16777217.000000 16777217.000000 0.000000\n");
}

BOOST_AUTO_TEST_CASE(hdf5_facts_of_several_places) {
  const Folder folder;
  const std::string path = folder / "f.h5";
  const auto with = [&](const std::function<void(const File&)>& write) {
    {
      const File file(path);
      file.array("v_1/rgb", 1), file.number("v_1/stride", 8);
      write(file);
    }
    return contract(path);
  };
  const auto says = [&](const std::string& got, const std::string& part) {
    BOOST_TEST(got.find(part) != std::string::npos, got << " has no: " << part);
  };
  says(with([](const File& f) { f.number("v_1/fps", 25), f.numbers_attribute("v_1/rgb", "fps", {30}); }),
       "'v_1/fps' is 25, but attribute 'fps' of 'v_1/rgb' is 30: say which with --fps");
  says(with([](const File& f) { f.number("v_1/fps", 25), f.numbers_attribute("v_1", "fps", {30}); }),
       "'v_1/fps' is 25, but attribute 'fps' of 'v_1' is 30");
  says(with([](const File& f) { f.number("v_1/fps", 25), f.numbers_attribute("v_1/rgb", "fps", {25}); }), "v_1 25.0");
  // the nearest counts
  says(with([](const File& f) { f.number("v_1/fps", 25), f.numbers_attribute("/", "fps", {30}); }), "v_1 25.0");
  says(with([](const File& f) { f.number("fps", 30), f.numbers_attribute("v_1", "fps", {25}); }), "v_1 25.0");
  says(with([](const File& f) { f.number("fps", 30); }), "v_1 30.0");
  says(with([](const File& f) { f.numbers_attribute("v_1", "fps", {30000, 1001}); }), "v_1 30000.000000/1001.0");
  says(with([](const File& f) { f.number("v_1/fps", 0); }), "'v_1/fps' is 0, and must be positive: give --fps");
  says(with([](const File& f) { f.number("v_1/fps", NAN); }), "'v_1/fps' is NaN");
  says(with([](const File& f) { f.text("v_1/fps", "25", true); }), "'v_1/fps' holds text, not a number: give --fps");
  says(with([](const File& f) { f.number("v_1/fps", 25), f.number("v_1/offset", NAN); }), "'v_1/offset' is NaN");
}

// TVSum's and SumMe's archives: annotations beside the features are no streams.
BOOST_AUTO_TEST_CASE(hdf5_annotations_beside_features) {
  const Folder folder;
  const std::string path = folder / "eccv16.h5";
  {
    const File file(path);
    for (const std::string video : {"video_1", "video_2"}) {
      file.array((video + "/features").c_str(), 1), file.array((video + "/change_points").c_str(), 2, {2, 2});
      file.array((video + "/user_summary").c_str(), 3, {2, 60}), file.array((video + "/gtscore").c_str(), 4, {3});
    }
  }
  const Got got = import({path});
  BOOST_TEST(got.text() == "video_1 features 3x2 1\nvideo_2 features 3x2 1\n");
  BOOST_TEST(has(got.notes, "change_points (an annotation, by its name) x 2"));
}

BOOST_AUTO_TEST_CASE(hdf5_types_and_filters) {
  const Folder folder;
  const std::string path = folder / "t.h5";
  const double values[] = {1, -2.5, 3, 65504};
  {
    const File file(path);
    const hsize_t extents[] = {2, 2};
    const hid_t space = H5Screate_simple(2, extents, nullptr);
    const auto write = [&](const char* name, hid_t type, hid_t creation) {
      const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
      H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
      H5Dclose(set);
    };
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);  // IEEE half and bfloat16 by their fields, as h5py describes them
    H5Tset_fields(half, 15, 10, 5, 0, 10), H5Tset_size(half, 2), H5Tset_ebias(half, 15);
    const hid_t brain = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(brain, 15, 7, 8, 0, 7), H5Tset_size(brain, 2), H5Tset_ebias(brain, 127);
    write("half", half, H5P_DEFAULT), write("brain", brain, H5P_DEFAULT), write("big", H5T_IEEE_F64BE, H5P_DEFAULT);
    write("int", H5T_STD_I32BE, H5P_DEFAULT);
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {1, 2};
    H5Pset_chunk(chunked, 2, chunk), H5Pset_shuffle(chunked), H5Pset_deflate(chunked, 4), H5Pset_fletcher32(chunked);
    write("packed", H5T_IEEE_F32LE, chunked);
    // h5py's truth values and complex numbers, and an enumeration of its own.
    const std::int8_t bits[] = {1, 0, 0, 1};
    const auto values_of = [&](const char* name, std::initializer_list<const char*> members) {
      const hid_t type = H5Tenum_create(H5T_STD_I8LE);
      std::int8_t value = 0;
      for (const char* member : members) H5Tenum_insert(type, member, &value), ++value;
      const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bits);
      H5Dclose(set), H5Tclose(type);
    };
    values_of("truth", {"FALSE", "TRUE"}), values_of("colour", {"RED", "BLUE"});
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "r", 0, H5T_IEEE_F64LE), H5Tinsert(pair, "i", 8, H5T_IEEE_F64LE);
    H5Dclose(H5Dcreate2(file, "complex", pair, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Tclose(pair);
    H5Sclose(space), H5Tclose(half), H5Tclose(brain), H5Pclose(chunked);
  }
  const Hdf5File file(path);
  std::map<std::string, std::string> others;
  for (const auto& set : file.datasets()) others[set.name] = set.other;
  BOOST_TEST(others["truth"] == "");
  BOOST_TEST((file.read("truth").values == std::vector<float>{1, 0, 0, 1}));
  BOOST_TEST(others["colour"] == "an enumeration");
  BOOST_TEST(others["complex"].starts_with("complex numbers"));
  for (const char* name : {"half", "brain", "big", "packed", "int"}) {
    const FeatureMatrix m = file.read(name);
    for (std::size_t i = 0; i < 4; ++i) {
      const double exact = std::string_view(name) == "int"               ? std::trunc(values[i])
                           : std::string_view(name) == "brain" && i == 3 ? 65536  // seven bits of mantissa
                                                                         : values[i];
      BOOST_TEST(m.values[i] == exact, name << ' ' << i << ": " << m.values[i]);
    }
  }
}

namespace {
std::size_t keeps_bytes(unsigned, std::size_t, const unsigned*, std::size_t bytes, std::size_t*, void**) {
  return bytes;
}
}  // namespace

BOOST_AUTO_TEST_CASE(hdf5_filter_that_is_not_installed) {
  const Folder folder;
  const std::string path = folder / "f.h5";
  const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 321, 1, 1, "rare", nullptr, nullptr, keeps_bytes};
  BOOST_REQUIRE(H5Zregister(&filter) >= 0);
  {
    const File file(path);
    const hsize_t extents[] = {2, 2};
    const hid_t space = H5Screate_simple(2, extents, nullptr), packed = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(packed, 2, extents), H5Pset_filter(packed, 321, H5Z_FLAG_MANDATORY, 0, nullptr);
    const double values[] = {1, 2, 3, 4};
    const hid_t set = H5Dcreate2(file, "v_1", H5T_IEEE_F32LE, space, H5P_DEFAULT, packed, H5P_DEFAULT);
    BOOST_REQUIRE(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set), H5Sclose(space), H5Pclose(packed);
  }
  BOOST_TEST(Hdf5File(path).read("v_1").at(1, 1) == 4);
  BOOST_REQUIRE(H5Zunregister(321) >= 0);
  BOOST_TEST(has(import({path}).errors, "packed with the HDF5 filter 321 (rare), which is not installed"));
}

#endif

// .npy headers that numpy reads and writes; the bytes are by hand.
namespace {

std::string npy(const std::string& header, const std::string& data) {
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 255);
  out += static_cast<char>(header.size() >> 8);
  return out + header + data;
}

std::string refusal(const std::string& header, const std::string& data = std::string(96, '\0')) {
  try {
    (void)parse_npy_header(npy(header, data));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_CASE(npy_headers_are_python_literals) {
  const std::string data(96, '\0');
  for (const char* header : {"{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }\n",
                             "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (6, 4)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (6L, 4L), }",
                             "{'shape':(6,4,),'fortran_order':False,'descr':'<f4'}",
                             "{ 'descr' : u'<f4' ,\n 'fortran_order' : False , 'shape' : ( 6 , 4 ) }",
                             "{'descr': '=f4', 'fortran_order': False, 'shape': (6, 4), 'more': [1, ('}', \"]\")]}"}) {
    const NpyHeader got = parse_npy_header(npy(header, data));
    BOOST_TEST((got.shape == std::vector<std::int64_t>{6, 4}), header);
    BOOST_TEST((got.kind == 'f' && got.bytes == 4 && !got.big_endian && !got.fortran), header);
    BOOST_TEST(got.data_offset == 10 + std::string(header).size());
  }
  const NpyHeader other = parse_npy_header(npy("{'descr': '>i8', 'fortran_order': True, 'shape': (), }", data));
  BOOST_TEST((other.kind == 'i' && other.bytes == 8 && other.big_endian && other.fortran && other.shape.empty()));
  for (const auto& [descr, what] : {std::pair{"'|O'", "pickled Python objects"},
                                    {"'<U4'", "text"},
                                    {"'|S7'", "text"},
                                    {"'|V2'", "raw bytes, as bfloat16 is saved"},
                                    {"'<c8'", "complex numbers"},
                                    {"'<M8[ns]'", "dates or times"},
                                    {"'<f16'", "values of type '<f16'"},
                                    {"[('a', '<f4'), ('b', '<i4')]", "records of several fields"}}) {
    const std::string header = std::string("{'descr': ") + descr + ", 'fortran_order': False, 'shape': (2,), }";
    BOOST_TEST(refusal(header).find(what) != std::string::npos, header << ": " << refusal(header));
    BOOST_TEST(npy_other_kind(npy(header, "")).value() == what);
  }
  BOOST_TEST(refusal("{'descr': '|O', 'fortran_order': False, 'shape': (), }").find("numpy.savez(FILE, **d)") !=
             std::string::npos);
  BOOST_TEST(!npy_other_kind(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "")));
  for (const char* header :
       {"", "{", "{'descr'", "{'descr': '<f4'", "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4)", "['descr']",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (6, 4)}", "{'descr': '<f4', 'shape': (6, 4)}",
        "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'fortran_order': False, 'shape': (6, x)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 6}", "{'descr': '<f4' 'fortran_order': False}", "{'a': [}"})
    BOOST_TEST(refusal(header) != "", header);
}

BOOST_AUTO_TEST_SUITE_END()
