// TorchScript modules as encoders: rows of a module whose arithmetic is known, and what is wrong with others.
#include <boost/test/unit_test.hpp>

#ifdef TAL_HAVE_ENCODE
#include <torch/script.h>
#include <opencv2/core.hpp>

#include <filesystem>
#include <fstream>

#include "libtal/base/error.h"
#include "libtal/encoder/networks/network_encoder.h"
#include "libtal/encoder/picture/factory.h"
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
