// safetensors: round trips, and headers that lie.
#include "libtal/io/safetensors.h"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <filesystem>
#include <random>

#include "libtal/base/error.h"
#include "libtal/io/jsonl.h"
#include "tests/support.h"

using namespace tal;

namespace {

using tal::test::Folder;

std::string image(const std::string& header, const std::string& data, std::uint64_t length) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i));
  return file + header + data;
}
std::string image(const std::string& header, const std::string& data) { return image(header, data, header.size()); }

// The message of the Error; "" when there is none.
std::string refusal(const std::string& file) {
  try {
    parse_safetensors(file);
    return "";
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(round_trip_every_dtype) {
  const Folder folder;
  std::vector<TensorView> tensors;
  std::vector<std::string> storage;
  storage.reserve(32);
  int n = 0;
  for (const char* name : {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U64", "U32",
                           "U16", "U8", "BOOL"}) {
    const auto dtype = dtype_named(name);
    BOOST_REQUIRE(dtype);
    BOOST_TEST(dtype_name(*dtype) == name);
    storage.emplace_back(3 * 5 * dtype_bytes(*dtype), static_cast<char>(++n));
    tensors.push_back({std::string("layer.") + name, *dtype, {3, 5}, storage.back()});
  }
  tensors.push_back({"empty", Dtype::kF32, {0, 7}, {}});
  const std::string one("\0\0\x80\x3f", 4);
  tensors.push_back({"scalar \"\u00e9\" /", Dtype::kF32, {}, one});
  const std::map<std::string, std::string> metadata = {
      {"model", "rpn"}, {"config", "{\"a\":[1,2]}"}, {"", "empty key"}};
  write_safetensors(folder / "a.safetensors", tensors, metadata);
  const SafeTensorsFile file(folder / "a.safetensors");
  BOOST_TEST(file.content().tensors.size() == tensors.size());
  BOOST_TEST((file.content().metadata == metadata));
  for (const auto& wanted : tensors) {
    const TensorView& got = file.content().at(wanted.name);
    BOOST_TEST(dtype_name(got.dtype) == dtype_name(wanted.dtype));
    BOOST_TEST(got.shape == wanted.shape, boost::test_tools::per_element());
    BOOST_TEST((got.data == wanted.data));
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(got.data.data()) % dtype_bytes(got.dtype) == 0u);
  }
  // The order of the input changes nothing.
  std::shuffle(tensors.begin(), tensors.end(), std::mt19937(1));
  write_safetensors(folder / "b.safetensors", tensors, metadata);
  BOOST_TEST((read_file(folder / "a.safetensors") == read_file(folder / "b.safetensors")));
  BOOST_CHECK_EXCEPTION(file.content().at("layer.F23"), Error,
                        [](const Error& e) { return e.message().find("did you mean 'layer.F") != std::string::npos; });
  BOOST_TEST(file.content().find("none") == nullptr);
}

BOOST_AUTO_TEST_CASE(nothing_at_all) {
  const Folder folder;
  write_safetensors(folder / "a", {}, {});
  BOOST_TEST(SafeTensorsFile(folder / "a").content().tensors.empty());
  BOOST_TEST(read_file(folder / "a") == image("{}      ", ""));
}

BOOST_AUTO_TEST_CASE(writer_refuses) {
  const Folder folder;
  const std::string four(4, 'x');
  const auto write = [&](std::vector<TensorView> tensors) { write_safetensors(folder / "a", std::move(tensors), {}); };
  BOOST_CHECK_THROW(write({{"a", Dtype::kF32, {2}, four}}), Error);
  BOOST_CHECK_THROW(write({{"a", Dtype::kF32, {1}, four}, {"a", Dtype::kF32, {1}, four}}), Error);
  BOOST_CHECK_THROW(write({{"__metadata__", Dtype::kF32, {1}, four}}), Error);
  BOOST_CHECK_THROW(write({{"a", Dtype::kF32, {-1}, four}}), Error);
  BOOST_CHECK_THROW(write({{"\xff", Dtype::kF32, {1}, four}}), Error);
  BOOST_TEST(std::filesystem::is_empty(folder.path));  // nothing half-written
}

BOOST_AUTO_TEST_CASE(headers_that_lie) {
  const std::string eight(8, 'x');
  const auto tensor = [](const std::string& entry) { return "{\"t\":" + entry + "}"; };
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
  };
  BOOST_TEST(refusal(image(tensor(entry("\"F32\"", "[2]", "[0,8]")), eight)) == "");
  struct Case {
    std::string file, message;
  };
  const std::vector<Case> cases = {
      {"", "too short"},
      {std::string(7, '\0'), "too short"},
      {image("{}", "", ~std::uint64_t{0}), "bytes"},
      {image("{}", "", std::uint64_t{1} << 63), "bytes"},
      {image("{}", "", 100'000'001), "100000001 bytes"},
      {image("{}", "", 3), "cut off"},
      {image("", ""), "does not start"},
      {image(" {}", ""), "does not start"},
      {image("[]", ""), "does not start"},
      {image("{\"t\":}", ""), "not valid JSON"},
      {image("{\"\xff\":1}", ""), "not valid JSON"},
      {image("{\"t\":" + std::string(100000, '[') + std::string(100000, ']') + "}", ""), "nested"},
      {image(tensor("3"), ""), "not an object"},
      {image(tensor("{}"), ""), "dtype"},
      {image(tensor(entry("\"F33\"", "[2]", "[0,8]")), eight), "dtype"},
      {image(tensor(entry("32", "[2]", "[0,8]")), eight), "dtype"},
      {image(tensor(entry("\"F32\"", "2", "[0,8]")), eight), "shape is missing"},
      {image(tensor(entry("\"F32\"", "[-2]", "[0,8]")), eight), "not possible"},
      {image(tensor(entry("\"F32\"", "[2.0]", "[0,8]")), eight), "not possible"},
      {image(tensor(entry("\"F32\"", "[18446744073709551615]", "[0,8]")), eight), "not possible"},
      {image(tensor(entry("\"F32\"", "[4611686018427387904,4]", "[0,8]")), eight), "not possible"},  // wraps to 0
      {image(tensor(entry("\"F64\"", "[2305843009213693953]", "[0,8]")), eight), "not possible"},    // wraps to 8
      {image(tensor(entry("\"F32\"", "[0,9223372036854775807,9223372036854775807]", "[0,8]")), eight), "do not fit"},
      {image(tensor(entry("\"F32\"", "[3]", "[0,8]")), eight), "do not fit"},
      {image(tensor(entry("\"F32\"", "[]", "[0,8]")), eight), "do not fit"},
      {image(tensor(entry("\"F32\"", "[2]", "[0]")), eight), "data_offsets"},
      {image(tensor(entry("\"F32\"", "[2]", "[0,8,9]")), eight), "data_offsets"},
      {image(tensor(entry("\"F32\"", "[2]", "[0,-8]")), eight), "data_offsets"},
      {image(tensor(entry("\"F32\"", "[2]", "[0,8e0]")), eight), "data_offsets"},
      {image(tensor(entry("\"F32\"", "[2]", "[8,0]")), eight), "do not lie in the file"},
      {image(tensor(entry("\"F32\"", "[2]", "[0,8]")), eight.substr(1)), "do not lie in the file"},
      {image(tensor(entry("\"F32\"", "[2]", "[18446744073709551608,18446744073709551615]")), eight),
       "do not lie in the file"},
      {image(tensor(entry("\"F32\"", "[1]", "[4,8]")), eight), "hole of 4 bytes"},
      {image(tensor(entry("\"F32\"", "[1]", "[0,4]")), eight), "behind the last tensor"},
      {image("{}", eight), "behind the last tensor"},
      {image("{\"t\":" + entry("\"F32\"", "[2]", "[0,8]") + ",\"u\":" + entry("\"F32\"", "[1]", "[4,8]") + "}", eight),
       "overlaps"},
      {image("{\"t\":" + entry("\"F32\"", "[2]", "[0,8]") + ",\"u\":" + entry("\"F32\"", "[2]", "[0,8]") + "}", eight),
       "overlaps"},
      {image("{\"t\":" + entry("\"F32\"", "[2]", "[0,8]") + ",\"t\":" + entry("\"F32\"", "[2]", "[0,8]") + "}", eight),
       "'t' twice"},
      {image("{\"__metadata__\":{\"a\":1}}", ""), "not a string"},
      {image("{\"__metadata__\":[]}", ""), "not an object"},
  };
  for (const auto& c : cases) {
    const std::string got = refusal(c.file);
    BOOST_TEST(got.find(c.message) != std::string::npos,
               "wanted '" << c.message << "', got '" << got << "' for " << c.file.substr(0, 120));
  }
}

// One changed byte is an error or another valid file; never a crash or a view outside the file.
BOOST_AUTO_TEST_CASE(changed_and_cut) {
  const Folder folder;
  const std::string data(24, 'd');
  write_safetensors(folder / "a", {{"a", Dtype::kF32, {2, 3}, data}, {"b", Dtype::kI8, {24}, data}}, {{"k", "v"}});
  const std::string good = read_file(folder / "a");
  for (std::size_t cut = 0; cut < good.size(); ++cut) BOOST_TEST(refusal(good.substr(0, cut)) != "");
  for (std::size_t at = 0; at + 48 < good.size(); ++at)
    for (int byte = 0; byte < 256; byte += 3) {
      std::string changed = good;
      changed[at] = static_cast<char>(byte);
      try {
        for (const auto& tensor : parse_safetensors(changed).tensors)
          BOOST_REQUIRE((tensor.data.data() >= changed.data() &&
                         tensor.data.data() + tensor.data.size() <= changed.data() + changed.size()));
      } catch (const Error&) {
      }
    }
  BOOST_CHECK_EXCEPTION(SafeTensorsFile(folder / "none"), Error,
                        [](const Error& e) { return e.message().find("none") != std::string::npos; });
  BOOST_CHECK_THROW(SafeTensorsFile(folder.path.string()), Error);
}

BOOST_AUTO_TEST_SUITE_END()
