// Pictures for networks: resizing against values of Pillow and torchvision, windows against one at a time, flow stacks.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "libtal/base/error.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/encoder/picture/picture_encoder.h"
#include "libtal/video/flow.h"
#include "libtal/video/preprocess.h"

namespace {

using namespace tal;

// Channel c of pixel (x, y), RGB.
int value(int x, int y, int c) { return (x * x * 7 + y * 13 + c * 50 + x * y * 3) % 256; }

cv::Mat drawn(int width, int height) {
  cv::Mat bgr(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) bgr.at<cv::Vec3b>(y, x)[2 - c] = static_cast<std::uint8_t>(value(x, y, c));
  return bgr;
}

// All pixels of an RGB picture, in order.
std::int64_t checksum(const cv::Mat& picture) {
  std::int64_t sum = 0;
  for (int y = 0; y < picture.rows; ++y)
    for (int i = 0; i < picture.cols * picture.channels(); ++i)
      sum = (sum * 31 + picture.ptr<std::uint8_t>(y)[i]) % 1000000007;
  return sum;
}

cv::Mat noise(int width, int height, std::uint64_t seed) {
  cv::Mat out(height, width, CV_8UC3);
  cv::RNG random(seed);
  random.fill(out, cv::RNG::UNIFORM, 0, 256);
  return out;
}

// Says what it was shown: sums of weighted pixels, and how much it saw.
class Witness : public PictureNetwork {
 public:
  explicit Witness(EncoderRecipe recipe) : recipe_(std::move(recipe)) {}
  std::string name() const override { return "witness"; }
  std::int64_t dim() const override { return 2; }
  const std::vector<std::string>& columns() const override { return columns_; }
  const EncoderRecipe& recipe() const override { return recipe_; }
  std::string parameters() const override { return "witness"; }
  std::string weights() const override { return ""; }
  static double look(const NetworkInput& input) {
    double sum = 0;
    for (std::size_t t = 0; t < input.size(); ++t)
      for (int y = 0; y < input[t].rows; ++y)
        for (int i = 0; i < input[t].cols * input[t].channels(); ++i)
          sum += input[t].ptr<std::uint8_t>(y)[i] * std::cos(static_cast<double>(t) + 0.37 * y + 1.1 * i);
    return sum;
  }
  void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const override {
    ++passes;
    for (const auto& input : inputs) {
      ++seen;
      rows.push_back(static_cast<float>(look(input)));
      rows.push_back(static_cast<float>(input[0].channels() * static_cast<int>(input.size())));
    }
  }
  mutable int passes = 0, seen = 0;

 private:
  EncoderRecipe recipe_;
  std::vector<std::string> columns_;
};

// Keeps what it was shown.
class Recorder : public Witness {
 public:
  using Witness::Witness;
  void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const override {
    for (const auto& input : inputs)
      for (const auto& picture : input) pictures.push_back(picture.clone());
    Witness::run(inputs, rows);
  }
  mutable std::vector<cv::Mat> pictures;
};

EncoderRecipe recipe(EncoderRecipe::Input input) {
  EncoderRecipe r{"witness", input, {"opencv", 24, 16, 12, true, 255, {0}, {1}}};
  return r;
}

// Windows of `window` frames every `stride`, as tal-extract asks for them; `pad` repeats the last frame.
std::vector<float> rows_of(Encoder& encoder, const std::vector<cv::Mat>& frames, std::int64_t window,
                           std::int64_t stride, bool pad) {
  std::vector<float> rows;
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(window));
  encoder.reset();
  std::int64_t start = 0;
  const auto count = static_cast<std::int64_t>(frames.size());
  const auto ask = [&](std::int64_t last) {
    for (std::int64_t k = 0; k < window; ++k) numbers[static_cast<std::size_t>(k)] = std::min(start + k, last);
    encoder.encode(numbers, rows);
    start += stride;
  };
  for (std::int64_t n = 0; n < count; ++n) {
    encoder.push(frames[static_cast<std::size_t>(n)]);
    if (start + window == n + 1) ask(n);
    encoder.release(std::min(start, n + 1 - window));
  }
  if (pad && start < count) ask(count - 1);
  encoder.finish(rows);
  return rows;
}

std::vector<cv::Mat> noisy_frames(int count) {
  std::vector<cv::Mat> frames;
  for (int i = 0; i < count; ++i) frames.push_back(noise(30, 20, static_cast<std::uint64_t>(i) + 1));
  return frames;
}

EncoderOptions batches_of(std::int64_t batch, const std::string& flow = "farneback") {
  EncoderOptions options;
  options.batch = batch, options.flow = flow;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(video_pictures)

// Computed with Pillow 12 through torchvision 0.26: transforms.functional.resize and center_crop of the same picture.
BOOST_AUTO_TEST_CASE(pillow_to_the_bit) {
  const struct {
    int width, height, side, crop;
    std::int64_t sum;
    cv::Vec3b first, last;
  } cases[] = {{37, 29, 16, 12, 407802240, {134, 104, 125}, {140, 142, 147}},
               {37, 29, 48, 40, 557311076, {80, 104, 154}, {62, 112, 106}},
               {64, 48, 24, 24, 703398118, {136, 132, 127}, {130, 125, 120}},
               {30, 50, 20, 15, 884674257, {135, 121, 149}, {104, 147, 130}}};
  for (const auto& c : cases) {
    cv::Mat out;
    preprocess(drawn(c.width, c.height), {"pillow", 0, c.side, c.crop, true, 255, {0}, {1}}, out);
    BOOST_TEST((out.rows == c.crop && out.cols == c.crop));
    BOOST_TEST((out.at<cv::Vec3b>(0, 0) == c.first));
    BOOST_TEST((out.at<cv::Vec3b>(c.crop - 1, c.crop - 1) == c.last));
    BOOST_TEST(checksum(out) == c.sum);
  }
}

// Pillow 12's BICUBIC of the same pictures.
BOOST_AUTO_TEST_CASE(pillow_bicubic_to_the_bit) {
  const struct {
    int width, height, side, crop;
    std::int64_t sum;
    cv::Vec3b first, last;
  } cases[] = {{37, 29, 16, 12, 367736635, {140, 101, 121}, {146, 138, 150}},
               {37, 29, 48, 40, 319721832, {71, 99, 155}, {48, 100, 98}},
               {64, 48, 24, 24, 347269853, {139, 131, 125}, {128, 128, 119}},
               {30, 50, 20, 15, 17061234, {141, 125, 160}, {99, 154, 137}}};
  for (const auto& c : cases) {
    cv::Mat out;
    preprocess(drawn(c.width, c.height), {"pillow-bicubic", 0, c.side, c.crop, true, 255, {0}, {1}}, out);
    BOOST_TEST((out.at<cv::Vec3b>(0, 0) == c.first));
    BOOST_TEST((out.at<cv::Vec3b>(c.crop - 1, c.crop - 1) == c.last));
    BOOST_TEST(checksum(out) == c.sum);
  }
}

// The same of torch tensors without antialiasing.
BOOST_AUTO_TEST_CASE(torch_to_the_bit) {
  const struct {
    int width, height, to_width, to_height, crop;
    std::int64_t sum;
    cv::Vec3b first, last;
  } cases[] = {{37, 29, 27, 20, 16, 573516580, {104, 141, 100}, {184, 226, 60}},
               {37, 29, 64, 48, 40, 796800251, {136, 186, 195}, {67, 117, 111}},
               {64, 48, 32, 24, 20, 624863188, {171, 157, 79}, {77, 127, 113}}};
  for (const auto& c : cases) {
    cv::Mat out;
    preprocess(drawn(c.width, c.height), {"torch", c.to_width, c.to_height, c.crop, true, 255, {0}, {1}}, out);
    BOOST_TEST((out.at<cv::Vec3b>(0, 0) == c.first));
    BOOST_TEST((out.at<cv::Vec3b>(c.crop - 1, c.crop - 1) == c.last));
    BOOST_TEST(checksum(out) == c.sum);
  }
}

BOOST_AUTO_TEST_CASE(channel_order_and_small_pictures) {
  cv::Mat rgb, bgr, swapped;
  const Preprocessing p{"pillow", 0, 16, 12, true, 255, {0}, {1}};
  preprocess(drawn(37, 29), p, rgb);
  Preprocessing q = p;
  q.rgb = false;
  preprocess(drawn(37, 29), q, bgr);
  cv::cvtColor(bgr, swapped, cv::COLOR_BGR2RGB);
  BOOST_TEST(cv::norm(rgb, swapped, cv::NORM_INF) == 0);
  q.crop = 17;
  BOOST_CHECK_THROW(preprocess(drawn(37, 29), q, bgr), Error);
}

BOOST_AUTO_TEST_CASE(frames_are_seen_once_and_averaged) {
  const auto frames = noisy_frames(23);
  for (const std::int64_t batch : {1, 3, 16, 64}) {
    const auto network = std::make_shared<Witness>(recipe(EncoderRecipe::Input::kFrames));
    const auto encoder = make_picture_encoder(network, batches_of(batch));
    const auto rows = rows_of(*encoder, frames, 8, 3, true);
    BOOST_REQUIRE(rows.size() == 2u * 7);  // 6 whole windows, one padded
    BOOST_TEST(network->seen == 23);
    BOOST_TEST(network->passes == (23 + batch - 1) / batch);
    for (std::int64_t g = 0; g < 7; ++g) {
      double sum = 0;
      for (std::int64_t k = 0; k < 8; ++k) {
        cv::Mat picture;
        preprocess(frames[static_cast<std::size_t>(std::min<std::int64_t>(3 * g + k, 22))],
                   network->recipe().preprocessing, picture);
        sum += static_cast<float>(Witness::look({picture}));
      }
      BOOST_TEST(rows[static_cast<std::size_t>(2 * g)] == static_cast<float>(sum / 8),
                 boost::test_tools::tolerance(1e-5f));
    }
  }
}

BOOST_AUTO_TEST_CASE(only_frames_of_windows_are_seen) {
  const auto network = std::make_shared<Witness>(recipe(EncoderRecipe::Input::kFrames));
  const auto encoder = make_picture_encoder(network, batches_of(4));
  const auto rows = rows_of(*encoder, noisy_frames(31), 2, 10, false);
  BOOST_TEST(rows.size() == 2u * 3);
  BOOST_TEST(network->seen == 6);
}

BOOST_AUTO_TEST_CASE(clips_do_not_depend_on_the_batch) {
  const auto frames = noisy_frames(20);
  std::vector<float> expected;
  for (const std::int64_t batch : {1, 8, 64}) {
    const auto network = std::make_shared<Witness>(recipe(EncoderRecipe::Input::kClips));
    const auto encoder = make_picture_encoder(network, batches_of(batch));
    const auto rows = rows_of(*encoder, frames, 6, 4, true);
    BOOST_TEST(rows.size() == 2u * 5);
    BOOST_TEST(rows[1] == 18);  // six frames of three channels
    if (expected.empty()) expected = rows;
    BOOST_TEST(rows == expected, boost::test_tools::per_element());
    const auto again = rows_of(*encoder->twin(), frames, 6, 4, true);
    BOOST_TEST(again == expected, boost::test_tools::per_element());
  }
  auto r = recipe(EncoderRecipe::Input::kClips);
  r.clip = 16;
  BOOST_CHECK_THROW(make_picture_encoder(std::make_shared<Witness>(r), batches_of(4))->check_window(8), UsageError);
}

// A clip of stacks: five fields each, one behind the other, the window's last field twice.
BOOST_AUTO_TEST_CASE(clips_of_flow_stacks) {
  auto r = recipe(EncoderRecipe::Input::kFlowStackClips);
  r.preprocessing.rgb = false, r.clip = 2;
  std::vector<cv::Mat> frames;
  const auto wide = noise(60, 16, 7);
  cv::Mat smooth;
  cv::GaussianBlur(wide, smooth, {7, 7}, 2);
  for (int i = 0; i < 12; ++i) frames.push_back(smooth(cv::Rect(i, 0, 24, 16)).clone());
  const auto shown = [&](const EncoderRecipe& how) {
    const auto network = std::make_shared<Recorder>(how);
    (void)rows_of(*make_picture_encoder(network, batches_of(5)), frames, 10, 2, true);
    return network->pictures;
  };
  auto fields_alone = r;
  fields_alone.input = EncoderRecipe::Input::kFlowClips, fields_alone.clip = 10;
  const auto stacks = shown(r), fields = shown(fields_alone);
  BOOST_REQUIRE((stacks.size() == 6u && fields.size() == 30u));  // three windows, the last one padded
  for (std::size_t k = 0; k < 6; ++k) {
    cv::Mat want;
    cv::merge(&fields[5 * k], 5, want);
    BOOST_TEST(stacks[k].channels() == 10);
    BOOST_TEST(cv::norm(stacks[k].reshape(1), want.reshape(1), cv::NORM_INF) == 0);
  }
  const auto encoder = make_picture_encoder(std::make_shared<Witness>(r), batches_of(5));
  BOOST_CHECK_THROW(encoder->check_window(8), UsageError);
  encoder->check_window(10);
}

// Stacks inside each window, of fields quantised as the two-stream models expect; a still pair is level 128.
BOOST_AUTO_TEST_CASE(flow_stacks) {
  auto r = recipe(EncoderRecipe::Input::kFlow);
  r.preprocessing.rgb = false;
  std::vector<cv::Mat> frames;
  const auto wide = noise(60, 16, 7);
  cv::Mat smooth;
  cv::GaussianBlur(wide, smooth, {7, 7}, 2);
  for (int i = 0; i < 12; ++i) frames.push_back(smooth(cv::Rect(i, 0, 24, 16)).clone());
  const auto network = std::make_shared<Witness>(r);
  const auto encoder = make_picture_encoder(network, batches_of(5));
  const auto rows = rows_of(*encoder, frames, 8, 3, true);
  BOOST_REQUIRE(rows.size() == 2u * 3);
  BOOST_TEST(rows[1] == 10);  // u and v of five fields
  // Windows begin at 0, 3, 6 (padded): stacks begin at 0, 1, 2; 3, 4, 5; 6, 7, 8.
  BOOST_TEST(network->seen == 9);

  std::vector<cv::Mat> fields;
  const auto flow = make_flow("farneback");
  for (std::size_t k = 0; k + 1 < frames.size(); ++k) {
    cv::Mat a, b, field, level(12, 12, CV_8UC2);
    cv::cvtColor(frames[k], a, cv::COLOR_BGR2GRAY), cv::cvtColor(frames[k + 1], b, cv::COLOR_BGR2GRAY);
    flow->compute(a, b, field);
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 12; ++x)
        for (int c = 0; c < 2; ++c)
          level.at<cv::Vec2b>(y, x)[c] =
              static_cast<std::uint8_t>(std::nearbyint((field.at<cv::Vec2f>(y + 2, x + 6)[c] + 20) * 255 / 40));
    fields.push_back(level);
  }
  const cv::Mat still(12, 12, CV_8UC2, cv::Scalar(128, 128));
  for (int g = 0; g < 3; ++g) {
    double sum = 0;
    for (int s = 3 * g; s < 3 * g + 3; ++s) {
      std::vector<cv::Mat> five;
      for (int k = s; k < s + 5; ++k) five.push_back(k < 11 ? fields[static_cast<std::size_t>(k)] : still);
      cv::Mat stack;
      cv::merge(five, stack);
      sum += static_cast<float>(Witness::look({stack}));
    }
    BOOST_TEST(rows[static_cast<std::size_t>(2 * g)] == static_cast<float>(sum / 3),
               boost::test_tools::tolerance(1e-4f));
  }
  BOOST_CHECK_THROW(encoder->check_window(5), UsageError);
  encoder->check_window(6);
  BOOST_CHECK_THROW(make_picture_encoder(network, batches_of(5, "block")), UsageError);
}

BOOST_AUTO_TEST_CASE(encoder_names_and_specs) {
  const auto spec = parse_encoder_spec("resnet50@layer3:a:b.safetensors");
  BOOST_TEST(spec.name == "resnet50");
  BOOST_TEST(spec.layer == "layer3");
  BOOST_TEST(spec.weights == "a:b.safetensors");
  BOOST_CHECK_THROW(parse_encoder_spec("resnet50@:w"), UsageError);
  // Without LibTorch's factory no network can be had, and that is said.
  BOOST_CHECK_EXCEPTION(make_encoder("resnet50:w.safetensors", {}), UsageError, [](const UsageError& e) {
    return std::string(e.what()).find("build with LibTorch") != std::string::npos;
  });
  BOOST_CHECK_EXCEPTION(make_encoder("resnet5O:w", {}), UsageError, [](const UsageError& e) {
    return std::string(e.what()).find("did you mean 'resnet50'") != std::string::npos;
  });
  BOOST_CHECK_THROW(make_encoder("hog-hof@pool", {}), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
