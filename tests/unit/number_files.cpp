// Tables of text, zip archives, .npz, HDF5 (MATLAB's too) and pickles: what they hold, and what is refused.
#include <boost/test/unit_test.hpp>

#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/base/time_rows.h"
#include "libtal/formats/feature_import.h"
#include "libtal/io/csv.h"
#include "libtal/io/hdf5.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npz.h"
#include "libtal/io/pickle.h"
#include "tests/support.h"

#ifdef TAL_HDF5_SONAME
#include <hdf5.h>
#endif

using namespace tal;

namespace {

using tal::test::Folder;

template <class Fn>
std::string refusal(Fn&& fn) {
  try {
    fn();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string little(std::uint64_t value, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())),
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data()), stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Entry {
  std::string name, bytes;
  bool deflate = false;
  std::optional<std::uint32_t> claimed_size, claimed_crc;
  std::uint16_t flags = 0, method = 0;
};

std::string zip(const std::vector<Entry>& entries) {
  std::string out, directory;
  for (const auto& e : entries) {
    const std::string packed = e.deflate ? deflated(e.bytes) : e.bytes;
    const auto crc = e.claimed_crc.value_or(static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(e.bytes.data()), static_cast<uInt>(e.bytes.size()))));
    const std::string common = little(20, 2) + little(e.flags, 2) +
                               little(e.method    ? e.method
                                      : e.deflate ? 8
                                                  : 0,
                                      2) +
                               little(0, 4) + little(crc, 4) + little(packed.size(), 4) +
                               little(e.claimed_size.value_or(static_cast<std::uint32_t>(e.bytes.size())), 4) +
                               little(e.name.size(), 2) + little(0, 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                 little(out.size(), 4) + e.name;
    out += "PK\x03\x04" + common + e.name + packed;
  }
  return out + directory + "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) + little(entries.size(), 2) +
         little(directory.size(), 4) + little(out.size(), 4) + little(0, 2);
}

std::string npy(const std::vector<float>& values, const std::string& shape) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + little(header.size(), 2) + header +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4);
}

template <std::size_t N>
std::string_view literal(const char (&text)[N]) {  // zero bytes included
  return {text, N - 1};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(number_files)

BOOST_AUTO_TEST_CASE(tables) {
  const std::vector<float> wanted = {1, -2.5f, 3, 4e3f};
  for (const char* text : {"1,-2.5\n3,4e3\n", "1;-2.5\r\n3;4e3\r\n", "1\t-2.5\n3\t4000\n\n", " 1  -2.5 \n  3 4000",
                           "\xef\xbb\xbf+1, -2.5\n3 ,4e3"}) {
    const NumberTable table = parse_number_table({"t", text});
    BOOST_TEST(table.header.empty());
    BOOST_TEST(table.values.rows == 2);
    BOOST_TEST(table.values.dim == 2);
    BOOST_TEST((table.values.values == wanted), text);
  }
  const NumberTable named = parse_number_table({"t", "\"x\",y,label\n1,2,walk\n3,4,run\n"}, {"y", "1"});
  BOOST_TEST((named.header == std::vector<std::string>{"y", "x"}));
  BOOST_TEST((named.values.values == std::vector<float>{2, 1, 4, 3}));
  BOOST_TEST(parse_number_table({"t", ""}).values.rows == 0);
  BOOST_TEST(parse_number_table({"t", "a,b\n"}).values.rows == 0);
  for (const auto& [text, message] : {std::pair{"1,2\n3\n", "line 2"},
                                      {"1,2\n3,4,5\n", "3 columns"},
                                      {"1,2\n3,x\n", "column 2: 'x'"},
                                      {"1,2\nnan,3\n", "not finite"},
                                      {"1,2\n3,1e999\n", "not finite"},
                                      {"1,2\n3,1e39\n", "not finite"},
                                      {"1,2\n3,\n", "''"},
                                      {"1,2\n0x10,3\n", "'0x10'"},
                                      {"1 2\n3 4 \0\n", ""}}) {
    const std::string got = refusal([&, text = text] { parse_number_table({"t", text}); });
    const bool line = std::string(message) == "line 2" ? !got.empty() : got.find(message) != std::string::npos;
    BOOST_TEST(line, text << " -> " << got);
  }
  try {
    parse_number_table({"t", "1,2\n3,4\n5,x\n"});
    BOOST_ERROR("read");
  } catch (const Error& error) {
    BOOST_TEST(error.line() == 3u);
  }
  for (const char* column : {"z", "0", "4", "-1", "1.5", ""})
    BOOST_CHECK_THROW(parse_number_table({"t", "x,y,l\n1,2,3\n"}, {column}), Error);
  BOOST_CHECK_THROW(parse_number_table({"t", std::string(literal("1 2\n3 \0\n"))}), Error);
}

BOOST_AUTO_TEST_CASE(zip_and_npz) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::string text(100000, 'a');
  const std::string good =
      zip({{"a_10.npy", npy(values, "2, 3")}, {"a_2.npy", npy(values, "6,"), true}, {"long.npy", text, true}});
  const Npz file(good);
  BOOST_TEST((file.names() == std::vector<std::string>{"a_2", "a_10", "long"}));
  std::string storage;
  BOOST_TEST((matrix_from_npy(file.npy("a_10", storage)).values == values));
  BOOST_TEST((matrix_from_npy(file.npy("a_2", storage)).values == values));
  BOOST_TEST((file.npy("long", storage) == text));
  BOOST_CHECK_THROW(file.npy("none", storage), Error);
  BOOST_TEST(zip_entries(zip({})).empty());
  BOOST_TEST(zip_entries(good.substr(0, good.size() - 2) + little(3, 2) + "end").size() == 3u);  // a comment at the end

  const std::string bytes = npy(values, "2, 3");
  Entry lies{"x.npy", bytes, true};
  lies.claimed_size = 0xfffffffe;
  BOOST_TEST(refusal([&] { zip_entries(zip({lies})); }).find("not possible") != std::string::npos);
  lies.claimed_size = static_cast<std::uint32_t>(bytes.size() - 1);
  BOOST_TEST(refusal([&] { unzip(zip_entries(zip({lies})).at(0), storage); }).find("more than") != std::string::npos);
  lies.claimed_size = static_cast<std::uint32_t>(bytes.size() + 1);
  BOOST_TEST(refusal([&] { unzip(zip_entries(zip({lies})).at(0), storage); }).find("unpacks to") != std::string::npos);
  Entry crc{"x.npy", bytes, true};
  crc.claimed_crc = 1;
  BOOST_TEST(refusal([&] { unzip(zip_entries(zip({crc})).at(0), storage); }).find("checksum") != std::string::npos);
  Entry stored{"x.npy", bytes};
  stored.claimed_size = 3;
  BOOST_TEST(refusal([&] { zip_entries(zip({stored})); }).find("not possible") != std::string::npos);
  Entry encrypted{"x.npy", bytes};
  encrypted.flags = 1;
  BOOST_TEST(refusal([&] { zip_entries(zip({encrypted})); }).find("encrypted") != std::string::npos);
  Entry bzip{"x.npy", bytes};
  bzip.method = 12;
  BOOST_TEST(refusal([&] { zip_entries(zip({bzip})); }).find("method 12") != std::string::npos);
  BOOST_TEST(refusal([&] { zip_entries(zip({{"x", "1"}, {"x", "2"}})); }).find("twice") != std::string::npos);
  BOOST_TEST(refusal([&] { Npz(zip({{"x.txt", "1"}})); }).find("not an .npy array") != std::string::npos);

  for (std::size_t cut = 0; cut < good.size(); ++cut) BOOST_CHECK_THROW(zip_entries(good.substr(0, cut)), Error);
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int change : {1, 0x80, 0xff}) {
      std::string broken = good;
      broken[at] = static_cast<char>(broken[at] ^ change);
      try {
        const Npz changed(broken);
        for (const auto& name : changed.names()) (void)changed.npy(name, storage);
      } catch (const Error&) {
      }
    }
}

BOOST_AUTO_TEST_CASE(gzip) {
  BOOST_TEST(refusal([] { gunzip("\x1f\x8b\x08"); }).find("gzip") != std::string::npos);
  std::string packed(200, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  const std::string text(5000, 'x');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data())), stream.avail_in = 5000;
  stream.next_out = reinterpret_cast<Bytef*>(packed.data()), stream.avail_out = 200;
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  BOOST_TEST((gunzip(packed) == text));
  BOOST_TEST((gunzip(packed + packed) == text + text));
  BOOST_CHECK_THROW(gunzip(packed, 4999), Error);
  for (std::size_t cut = 3; cut < packed.size(); ++cut) BOOST_CHECK_THROW(gunzip(packed.substr(0, cut)), Error);
}

BOOST_AUTO_TEST_CASE(natural_order) {
  BOOST_TEST(natural_less("arr_2", "arr_10"));
  BOOST_TEST(!natural_less("arr_10", "arr_2"));
  BOOST_TEST(natural_less("a", "a1"));
  BOOST_TEST(natural_less("1", "01") != natural_less("01", "1"));
  BOOST_TEST(!natural_less("x", "x"));
}

BOOST_AUTO_TEST_CASE(shapes) {
  BOOST_TEST((squeezed({1, 90, 512}) == std::vector<std::int64_t>{90, 512}));
  BOOST_TEST((squeezed({90, 512, 1, 1}) == std::vector<std::int64_t>{90, 512}));
  BOOST_TEST((squeezed({1, 1, 7}) == std::vector<std::int64_t>{1, 7}));
  BOOST_TEST((squeezed({5}) == std::vector<std::int64_t>{5}));
  BOOST_CHECK_THROW(squeezed({2, 3, 4}), Error);
  BOOST_CHECK_THROW(squeezed({}), Error);
}

#ifdef TAL_HDF5_SONAME
BOOST_AUTO_TEST_CASE(hdf5_layouts) {
  const Folder folder;
  const std::string path = folder / "f.h5";
  {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const auto write = [&](const char* name, std::vector<hsize_t> extents, hid_t stored, bool matlab, bool packed) {
      std::vector<double> values;
      hsize_t count = 1;
      for (const auto e : extents) count *= e;
      for (hsize_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i));
      const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                  create = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
      H5Pset_create_intermediate_group(links, 1);
      if (packed) H5Pset_chunk(create, static_cast<int>(extents.size()), extents.data()), H5Pset_deflate(create, 9);
      const hid_t set = H5Dcreate2(file, name, stored, space, links, create, H5P_DEFAULT);
      H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
      const hid_t one = H5Screate(H5S_SCALAR);
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, 6);
      const hid_t attribute = matlab ? H5Acreate2(set, "MATLAB_class", text, one, H5P_DEFAULT, H5P_DEFAULT)
                                     : H5Acreate2(set, "stride", H5T_STD_I32BE, one, H5P_DEFAULT, H5P_DEFAULT);
      const int stride = 16;
      if (matlab) H5Awrite(attribute, text, "double");
      else H5Awrite(attribute, H5T_NATIVE_INT, &stride);
      H5Aclose(attribute), H5Tclose(text), H5Sclose(one), H5Dclose(set), H5Pclose(create), H5Pclose(links),
          H5Sclose(space);
    };
    write("v/rgb", {2, 3}, H5T_IEEE_F64BE, false, false);
    write("packed", {1, 3, 2}, H5T_STD_I16LE, false, true);
    write("vector", {4}, H5T_IEEE_F32LE, false, false);
    write("mat", {2, 3}, H5T_IEEE_F64LE, true, false);
    write("#refs#/x", {2, 2}, H5T_IEEE_F64LE, true, false);
    write("cube", {2, 2, 2}, H5T_IEEE_F64LE, false, false);
    H5Lcreate_external("/etc/other.h5", "x", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t huge[2] = {1u << 20, 1u << 20}, chunk[2] = {1, 1u << 20};
    const hid_t space = H5Screate_simple(2, huge, nullptr), create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(create, 2, chunk);
    H5Dclose(H5Dcreate2(file, "promise", H5T_IEEE_F32LE, space, H5P_DEFAULT, create, H5P_DEFAULT));
    const hid_t elsewhere = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(elsewhere, "/etc/passwd", 0, 16);
    const hsize_t four[1] = {4};
    const hid_t small = H5Screate_simple(1, four, nullptr);
    H5Dclose(H5Dcreate2(file, "outside", H5T_IEEE_F32LE, small, H5P_DEFAULT, elsewhere, H5P_DEFAULT));
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 4);
    H5Dclose(H5Dcreate2(file, "text", text, small, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
  }
  const std::string bytes = read_file(path);
  for (const bool memory : {false, true}) {
    const Hdf5File file = memory ? Hdf5File::from_memory(bytes) : Hdf5File(path);
    std::vector<std::string> names;
    for (const auto& d : file.datasets()) names.push_back(d.name);
    BOOST_TEST((names == std::vector<std::string>{"cube", "elsewhere", "mat", "outside", "packed", "promise", "text",
                                                  "v/rgb", "vector"}));
    BOOST_TEST((file.datasets()[7].attributes.at("stride").values == std::vector<double>{16}));
    BOOST_TEST(file.datasets()[1].problem.find("external links are not followed") != std::string::npos);
    BOOST_TEST(file.datasets()[6].other == "text");
    const FeatureMatrix rgb = file.read("v/rgb");
    BOOST_TEST(rgb.rows == 2);
    BOOST_TEST(rgb.at(1, 0) == 3);
    const FeatureMatrix packed = file.read("packed");
    BOOST_TEST(packed.rows == 3);
    BOOST_TEST(packed.at(2, 1) == 5);
    BOOST_TEST(file.read("vector").rows == 4);
    BOOST_TEST(file.read("vector").dim == 1);
    const FeatureMatrix mat = file.read("mat");  // MATLAB's 3 x 2
    BOOST_TEST(mat.rows == 3);
    BOOST_TEST(mat.dim == 2);
    BOOST_TEST(mat.at(0, 1) == 3);
    BOOST_TEST((file.datasets()[2].shape == std::vector<std::int64_t>{3, 2}));
    for (const auto& [name, message] : {std::pair{"cube", "3 dimensions"},
                                        {"promise", "promises more"},
                                        {"outside", "its values lie in raw files beside, of "},
                                        {"text", "not numbers"},
                                        {"none", "data set 'none'"}})
      BOOST_TEST(refusal([&, name = name] { file.read(name); }).find(message) != std::string::npos, name);
  }
  for (std::size_t cut = 0; cut < bytes.size(); cut += 61)
    BOOST_TEST(refusal([&] { Hdf5File::from_memory(bytes.substr(0, cut)); }) != "");
  BOOST_TEST(refusal([&] { Hdf5File(folder / "none.h5"); }).find("No such file") != std::string::npos);
  BOOST_TEST(refusal([&] { Hdf5File(folder.path.string()); }) != "");
  std::filesystem::resize_file(path, 100);
  BOOST_TEST(refusal([&] { Hdf5File file(path); }).find("f.h5") != std::string::npos);
}
#endif

BOOST_AUTO_TEST_CASE(pickles_are_inert) {
  const auto read = [](std::string_view bytes) {
    return Pickle(bytes, [](std::string_view global) { return global == "a.b"; });
  };
  const auto nested =
      read(literal("\x80\x02}(X\x01\0\0\0kK\x07U\x01lJ\xff\xff\xff\xffX\x01\0\0\0fG\x40\x09\x21\xfb\x54\x44\x2d\x18"
                   "X\x01\0\0\0b\x88X\x01\0\0\0n\x8a\x02\x00\xffu."));
  BOOST_TEST(nested.root().value("k")->integer == 7);
  BOOST_TEST(nested.root().value("l")->integer == -1);
  BOOST_TEST(nested.root().value("f")->real == 3.141592653589793);
  BOOST_TEST(nested.root().value("b")->integer == 1);
  BOOST_TEST(nested.root().value("n")->integer == -256);
  BOOST_TEST(nested.root().value("none") == nullptr);
  const auto call = read(
      "\x80\x02"
      "ca\nb\nK\x01K\x02\x86R.");
  BOOST_TEST((call.root().kind == PickleNode::Kind::kCall));
  BOOST_TEST(call.root().items[0]->text == "a.b");
  BOOST_TEST(call.root().items[1]->items.size() == 2u);
  BOOST_TEST(refusal([&] {
               read(
                   "\x80\x02"
                   "cos\nsystem\nX");
             }).find("'os.system'") != std::string::npos);
  std::string_view two = "\x80\x02K\x01.K\x02.";
  BOOST_TEST(Pickle(two, [](std::string_view) { return false; }).root().integer == 1);
  BOOST_TEST(two.size() == 3u);  // the next pickle is left
  // every short sequence of opcodes ends in a value or an Error
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string bytes =
          std::string("\x80\x02]}K\x01(K\x02") + static_cast<char>(a) + static_cast<char>(b) + "\x01\n\x01.";
      (void)refusal([&] { read(bytes); });
    }
}

BOOST_AUTO_TEST_CASE(windows_of_signals) {
  FeatureMatrix samples{5, 2, {1, 10, 2, 20, 3, 30, 4, 40, 6, 50}};
  const auto rows = [](TailRule tail) { return feature_rows(5, 2, 2, tail).starts; };
  const FeatureMatrix raw = window_features(samples, rows(TailRule::drop), 2, {"raw"});
  BOOST_TEST(raw.rows == 2);
  BOOST_TEST((raw.values == std::vector<float>{1, 10, 2, 20, 3, 30, 4, 40}));
  const FeatureMatrix by_channel = window_features(samples, rows(TailRule::drop), 2, {"raw-by-channel", "max"});
  BOOST_TEST((by_channel.values == std::vector<float>{1, 2, 10, 20, 2, 20, 3, 4, 30, 40, 4, 40}));
  const FeatureMatrix padded = window_features(samples, rows(TailRule::pad), 2, {"raw"});
  BOOST_TEST((std::vector<float>(padded.values.end() - 4, padded.values.end()) == std::vector<float>{6, 50, 6, 50}));
  const FeatureMatrix shifted = window_features(samples, rows(TailRule::shift), 2, {"mean", "raw"});
  BOOST_TEST(
      (std::vector<float>(shifted.values.end() - 6, shifted.values.end()) == std::vector<float>{5, 45, 4, 40, 6, 50}));
  const FeatureMatrix all = window_features(samples, {2}, 3, {"mean", "std", "min", "max", "energy"});
  BOOST_TEST(all.dim == 10);
  const std::vector<double> wanted = {13 / 3.0, 40,       std::sqrt(14 / 9.0), std::sqrt(200 / 3.0), 3, 30, 6,
                                      50,       61 / 3.0, 5000 / 3.0};
  for (std::size_t i = 0; i < wanted.size(); ++i)
    BOOST_TEST(all.values[i] == static_cast<float>(wanted[i]), boost::test_tools::tolerance(1e-6f));
}

BOOST_AUTO_TEST_CASE(names_of_features) {
  FeatureImport options;
  BOOST_TEST(feature_name("rgb/v_1.npy", options, "features")->video == "v_1");
  BOOST_TEST(feature_name("a.b.csv.gz", options, "features")->video == "a.b");
  BOOST_TEST(feature_name("a.csv.npy", options, "features")->video == "a.csv");
  BOOST_TEST(feature_name(".npy", options, "features")->video == ".npy");
  options.pattern = "(rgb|flow)/(.*)\\.npy", options.id = "v_$2", options.stream = "i3d_$1";
  const auto name = feature_name("x/rgb/7.npy", options, "features");
  BOOST_TEST(name->video == "v_7");
  BOOST_TEST(name->stream == "i3d_rgb");
  BOOST_TEST(!feature_name("7.npy", options, "features"));
  options.pattern = "(";
  BOOST_CHECK_THROW(feature_name("7.npy", options, "features"), UsageError);
  options.pattern = "";
  BOOST_CHECK_THROW(feature_name("7.npy", options, "features"), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
