// TorchScript modules as encoders: rows of a module whose arithmetic is known, and what is wrong with others.
#include <boost/test/unit_test.hpp>

#ifdef TAL_HAVE_ENCODE
#include <torch/script.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "libtal/base/error.h"
#include "libtal/encoder/networks/network_encoder.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/sound/log_mel.h"
#include "tests/support.h"

namespace {

using namespace tal;

struct ScriptFile {
  std::filesystem::path path;
  explicit ScriptFile(const std::string& code)
      : path(std::filesystem::temp_directory_path() / ("tal-script-" + std::to_string(::getpid()) + ".pt")) {
    torch::jit::Module module("net");
    module.define(code);
    module.save(path.string());
    describe(
        R"({"name":"net","input":"frames","height":4,"crop":4,"filter":"opencv","divisor":255,"mean":[0],"deviation":[1],"classes":["a","b","c"]})");
  }
  ~ScriptFile() { std::filesystem::remove(path), std::filesystem::remove(path.string() + ".json"); }
  void describe(const std::string& text) const { std::ofstream(path.string() + ".json") << text; }
  std::unique_ptr<Encoder> encoder() const {
    EncoderOptions options;
    options.networks = make_network_encoder;
    return make_encoder("torchscript:" + path.string(), options);
  }
  void fails(const std::string& words) const {
    BOOST_CHECK_EXCEPTION(encoder(), Error, [&](const Error& error) {
      BOOST_TEST_MESSAGE(error.what());
      return std::string(error.what()).find(words) != std::string::npos;
    });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(script_network)

BOOST_AUTO_TEST_CASE(rows_are_those_of_the_module) {
  const ScriptFile file("def forward(self, x):\n    return x.mul(2)\n");  // [N, 3, 4, 4]: averaged over space
  const auto encoder = file.encoder();
  BOOST_TEST(encoder->dim() == 3);
  BOOST_TEST((encoder->columns() == std::vector<std::string>{"a", "b", "c"}));
  encoder->reset();
  std::vector<float> rows;
  for (int k = 0; k < 3; ++k) encoder->push(cv::Mat(4, 4, CV_8UC3, cv::Scalar(10, 20, 30 + 3 * k)));  // BGR
  const std::vector<std::int64_t> frames = {0, 1, 2};
  encoder->encode(frames, rows);
  encoder->finish(rows);
  BOOST_REQUIRE(rows.size() == 3u);
  BOOST_TEST(std::abs(rows[0] - 2 * 33.0f / 255) < 1e-6f);
  BOOST_TEST(std::abs(rows[1] - 2 * 20.0f / 255) < 1e-6f);
  BOOST_TEST(std::abs(rows[2] - 2 * 10.0f / 255) < 1e-6f);
}

namespace {

class Chirp : public SoundTrack {
 public:
  static float at(std::int64_t k) {
    const double t = static_cast<double>(k) / 16000;
    return static_cast<float>(0.5 * std::sin(2000 * t + 9000 * t * t));
  }
  std::span<const float> samples(std::int64_t first, std::int64_t count) override {
    given_.clear();
    for (std::int64_t k = first; k < first + count; ++k) given_.push_back(at(k));
    return given_;
  }
  void release(std::int64_t) override {}

 private:
  std::vector<float> given_;
};

// What the module got of each of six windows of 0.2 s, every 0.1 s.
std::vector<float> heard(const ScriptFile& file, const std::string& description) {
  file.describe(description);
  const auto encoder = file.encoder();
  encoder->reset();
  encoder->hear(std::make_shared<Chirp>(), 20);
  std::vector<float> rows;
  for (std::int64_t g = 0; g < 6; ++g) {
    const std::vector<std::int64_t> frames = {2 * g, 2 * g + 1, 2 * g + 2, 2 * g + 3};
    encoder->encode(frames, rows);
  }
  encoder->finish(rows);
  BOOST_TEST_REQUIRE(rows.size() == 6u * static_cast<std::size_t>(encoder->dim()));
  return rows;
}

// The same by the plain way: of window g, the spectrogram of `count` samples, frames x mels.
std::vector<float> spectrogram_of(std::int64_t g, std::int64_t count, ClipEdges edges) {
  std::vector<float> x;
  for (std::int64_t k = 0; k < count; ++k) x.push_back(Chirp::at(1600 * g + k));
  return LogMel(LogMelOptions{}).clip(x, edges);
}

}  // namespace

BOOST_AUTO_TEST_CASE(networks_hear_what_their_file_says) {
  const ScriptFile file("def forward(self, x):\n    return x.flatten(1)\n");
  const auto waves = heard(file, R"({"name":"net","input":"waveform","rate":16000,"axes":"1s","seconds":0.2})");
  BOOST_TEST_REQUIRE(waves.size() == 6u * 3200u);
  for (std::size_t g = 0; g < 6; ++g)
    for (std::size_t k = 0; k < 3200; ++k)
      BOOST_TEST_REQUIRE(waves[3200 * g + k] == Chirp::at(static_cast<std::int64_t>(1600 * g + k)));
  const auto mels = heard(file, R"({"name":"net","input":"log-mel","edges":"beyond","seconds":0.2})");
  const auto turned = heard(file, R"({"name":"net","input":"log-mel","edges":"reflect","axes":"mt","frames":24,
                                      "settings":{"mean":-1,"deviation":2},"seconds":0.2})");
  BOOST_TEST_REQUIRE(mels.size() == 6u * 20u * 64u);  // hop samples a frame
  BOOST_TEST_REQUIRE(turned.size() == 6u * 24u * 64u);
  for (std::size_t g = 0; g < 6; ++g) {
    const auto at = static_cast<std::int64_t>(g);
    const auto beyond = spectrogram_of(at, 3200 + 240, ClipEdges::inside);
    const auto reflected = spectrogram_of(at, 3200, ClipEdges::reflect);  // 21 frames; three more are filled up
    for (std::size_t t = 0; t < 24; ++t)
      for (std::size_t m = 0; m < 64; ++m) {
        if (t < 20) BOOST_TEST_REQUIRE(mels[(20 * g + t) * 64 + m] == beyond[64 * t + m]);
        const float want = ((t < 21 ? reflected[64 * t + m] : 0) + 1) / 2;
        BOOST_TEST_REQUIRE(std::abs(turned[(64 * g + m) * 24 + t] - want) < 1e-5f);
      }
  }
  file.describe(R"({"name":"net","input":"log-mel","seconds":0.01})");
  file.fails("holds no frame of its spectrogram");
  file.describe(R"({"name":"net","input":"waveform"})");
  file.fails("lacks 'rate'");
}

BOOST_AUTO_TEST_CASE(what_does_not_work_is_said) {
  ScriptFile("def forward(self, x):\n    return (x, x)\n").fails("gives a Tuple, not one tensor");
  ScriptFile("def forward(self, x):\n    return x.sum()\n").fails("must be [N, C]");
  ScriptFile("def forward(self, x):\n    return x.view([1, 2])\n").fails("does not run on the pictures");
  const ScriptFile good("def forward(self, x):\n    return x\n");
  good.describe(R"({"input":"frames"})");
  good.fails("lacks 'height'");
  std::filesystem::remove(good.path.string() + ".json");
  good.fails("is missing");
  std::ofstream(good.path) << "no module";
  good.describe(R"({"name":"net","input":"frames","height":4,"crop":4,"mean":[0],"deviation":[1]})");
  good.fails("is no TorchScript module");
}

BOOST_AUTO_TEST_SUITE_END()
#else
BOOST_AUTO_TEST_SUITE(script_network)
BOOST_AUTO_TEST_CASE(needs_opencv) { BOOST_TEST_MESSAGE("SKIPPED: no OpenCV"); }
BOOST_AUTO_TEST_SUITE_END()
#endif
