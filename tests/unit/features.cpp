// .npy files, half precision, base64 and feature streams, good and broken.
#include "libtal/io/features.h"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/maps.h"
#include "libtal/io/npy.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(features)

BOOST_AUTO_TEST_CASE(half_precision_round_trips) {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const float value = half_to_float(half);
    if (std::isnan(value)) continue;
    BOOST_REQUIRE(float_to_half(value) == half);
  }
  BOOST_TEST(float_to_half(1.00048828125f) == float_to_half(1.0f));  // halfway: to even
  BOOST_TEST(float_to_half(65520.0f) == 0x7c00);
  BOOST_TEST(float_to_half(65519.0f) == 0x7bff);
}

BOOST_AUTO_TEST_CASE(base64_round_trips) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    BOOST_TEST(base64_decode(base64_encode(bytes)) == bytes);
    bytes += static_cast<char>(i * 37);
  }
  BOOST_TEST(base64_encode("Man") == "TWFu");
  BOOST_TEST(base64_encode("Ma") == "TWE=");
  BOOST_CHECK_THROW(base64_decode("T*Fu"), Error);
  BOOST_CHECK_THROW(base64_decode("TWFuT"), Error);
}

BOOST_AUTO_TEST_CASE(npy_round_trips_and_refuses) {
  const auto path =
      (std::filesystem::temp_directory_path() / ("tal-npy-" + std::to_string(::getpid()) + ".npy")).string();
  const std::vector<float> values = {1, 2, 3, 4, 5, 6.5f};
  for (bool half : {false, true}) {
    write_npy(path, values.data(), 3, 2, half);
    FeatureStream stream;
    stream.name = "x", stream.path = path, stream.rows = 3, stream.dim = 2;
    const auto m = load_features(stream);
    BOOST_TEST((m.values == values));
    stream.dim = 4;
    BOOST_CHECK_EXCEPTION(load_features(stream), Error, [](const Error& e) { return e.field() == "features.x.dim"; });
  }
  const std::string file = read_file(path);
  for (std::size_t cut = 0; cut < file.size(); ++cut)
    BOOST_CHECK_THROW(parse_npy_header(std::string_view(file).substr(0, cut)), Error);
  // One changed byte of the header never crashes: it is an error or another array that fits into the file.
  for (std::size_t at = 0; at < 128; ++at)
    for (int byte = 0; byte < 256; byte += 5) {
      std::string broken = file;
      broken[at] = static_cast<char>(byte);
      try {
        (void)matrix_from_npy(broken);
      } catch (const Error&) {
      }
    }
  const std::vector<float> bad = {1, NAN};
  write_npy(path, bad.data(), 1, 2);
  FeatureStream stream;
  stream.name = "x", stream.path = path;
  BOOST_CHECK_THROW(load_features(stream), Error);
  std::filesystem::remove(path);
  BOOST_CHECK_THROW(load_features(stream), Error);
}

BOOST_AUTO_TEST_CASE(inline_streams) {
  const float values[] = {0.5f, -1, 2, 3};
  Record record = Record::make("v");
  FeatureStream stream;
  stream.name = "x", stream.rows = 2, stream.dim = 2, stream.stride = 8, stream.window = 16,
  stream.fps = Rate{30000, 1001};
  stream.data = base64_encode({reinterpret_cast<const char*>(values), sizeof values});
  stream.classes = {"a", "b\"c"};
  record.set_feature("x", feature_json(stream));
  const auto back = select_stream(record, "");
  BOOST_TEST(back.classes[1] == "b\"c");
  BOOST_TEST(back.fps->num == 30000);
  BOOST_TEST(load_features(back).at(1, 0) == 2);
  BOOST_CHECK_THROW(select_stream(record, "y"), Error);
}

BOOST_AUTO_TEST_CASE(maps_of_a_record) {
  Record record = Record::make("v");
  record.set_raw("maps", R"({"other":{"a":1.50}})");
  const FloatMap map{{1, 2}, {0.5f, -1}, {"p", "q"}, std::vector<Segment>{{0.25, 3}}};
  set_float_map(record, "own", map);
  const std::string own =
      R"("own":{"columns":["p","q"],"shape":[1,2],"dtype":"float32","data":"AAAAPwAAgL8=","anchors":[[0.25,3]]})";
  BOOST_TEST(*record.raw("maps") == R"({"other":{"a":1.50},)" + own + "}");
  set_float_map(record, "other", map);
  BOOST_TEST(record.raw("maps")->ends_with("," + own + "}"));
  const FloatMap read = read_float_map(record, "own", {-1, 2});
  BOOST_TEST((read.shape == map.shape && read.values == map.values && read.anchors == map.anchors));
  BOOST_TEST(has_map(record, "own"));
  BOOST_TEST(!has_map(record, "none"));
  BOOST_CHECK_THROW(read_float_map(record, "own", {-1, 3}), Error);
  BOOST_CHECK_THROW(read_float_map(record, "none", {-1}), Error);

  // Windows and their file take the place of windows and files, and of nothing else.
  record.set_raw("maps", R"({"0":{},"mine":{"a":1.50},"1":{},"path":"p","rpn":{}})");
  set_window_maps(record, {{{0, 2.5}, 2, {{"start", 2, 0, {0.5, 1}}, {"cls", 2, 2, {1, 2, 3, 4}}}}});
  BOOST_TEST(*record.raw("maps") ==
             R"({"0":{"rows":2,"segment":[0,2.5],"start":[0.5,1],"cls":[[1,2],[3,4]]},"mine":{"a":1.50},"rpn":{}})");
  set_maps_file(record, "a/b.safetensors");
  BOOST_TEST(*record.raw("maps") == R"({"path":"a/b.safetensors","mine":{"a":1.50},"rpn":{}})");
  record.set_raw("maps", R"({"mine":1})");
  set_window_maps(record, {});
  BOOST_TEST(*record.raw("maps") == R"({"mine":1})");
}

BOOST_AUTO_TEST_SUITE_END()
