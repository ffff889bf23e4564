// Spectra and mel spectrograms against plain sums and values worked out by hand, and the rows of log-mel.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>

#include "libtal/base/error.h"
#include "libtal/encoder/log_mel_encoder.h"
#include "libtal/sound/log_mel.h"
#include "tests/support.h"

using namespace tal;
using tal::test::message_of;

namespace {

constexpr double kPi = std::numbers::pi;

// Sounds that are functions of time.
class FunctionTrack : public SoundTrack {
 public:
  FunctionTrack(double rate, std::function<double(double)> value) : rate_(rate), value_(std::move(value)) {}
  std::span<const float> samples(std::int64_t first, std::int64_t count) override {
    BOOST_TEST_REQUIRE(first >= released_);
    given_.clear();
    for (std::int64_t k = first; k < first + count; ++k)
      given_.push_back(k < 0 ? 0 : static_cast<float>(value_(static_cast<double>(k) / rate_)));
    return given_;
  }
  void release(std::int64_t before) override { released_ = std::max(released_, before); }

 private:
  double rate_;
  std::function<double(double)> value_;
  std::int64_t released_ = std::numeric_limits<std::int64_t>::min();
  std::vector<float> given_;
};

// Rows of windows of `window` frames every `stride`, as tal-extract asks for them.
std::vector<float> rows_of(Encoder& encoder, std::int64_t rows, std::int64_t stride, std::int64_t window) {
  std::vector<float> out;
  for (std::int64_t g = 0; g < rows; ++g) {
    std::vector<std::int64_t> frames;
    for (std::int64_t k = 0; k < window; ++k) frames.push_back(g * stride + k);
    encoder.encode(frames, out);
    encoder.release((g + 1) * stride);
  }
  encoder.finish(out);
  return out;
}

// A small one whose bins lie every 100 Hz, and whose bands can be counted by hand.
LogMelOptions small() {
  LogMelOptions o;
  o.rate = 6400, o.window = o.fft = 64, o.hop = 32, o.mels = 3, o.low = 0, o.high = 3200;
  o.triangles = "hertz", o.floor = 1e-6, o.offset = 0;
  return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sound)

BOOST_AUTO_TEST_CASE(transforms_are_the_plain_sums) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> any(-1, 1);
  for (const std::size_t length : {1, 2, 3, 4, 5, 6, 8, 9, 15, 16, 30, 64, 100, 125, 400, 512}) {
    std::vector<double> x(length);
    for (auto& value : x) value = any(random);
    std::vector<std::complex<double>> got(length / 2 + 1);
    Fourier(length).transform(x, got);
    double worst = 0;
    for (std::size_t k = 0; k <= length / 2; ++k) {
      std::complex<double> sum = 0;
      for (std::size_t n = 0; n < length; ++n)
        sum += x[n] * std::polar(1.0, -2 * kPi * static_cast<double>(k * n % length) / static_cast<double>(length));
      worst = std::max(worst, std::abs(sum - got[k]));
    }
    BOOST_TEST(worst < 1e-11, length << ": " << worst);
  }
  for (const std::size_t length : {0, 7, 22, 1021}) BOOST_CHECK_THROW(Fourier{length}, UsageError);
}

BOOST_AUTO_TEST_CASE(bands_lie_where_the_scales_put_them) {
  LogMelOptions o = small();
  // Slaney's scale is linear here: 0 .. 1000 Hz in four steps of 250 Hz, bins of 100 Hz.
  o.scale = "slaney", o.high = 1000;
  const auto bands = mel_filters(o);
  BOOST_REQUIRE(bands.size() == 3u);
  BOOST_TEST(bands[0].first == 1u);  // 100, 200, 300, 400 Hz: up to 250, down to 500
  const std::vector<double> first = {0.4, 0.8, 0.8, 0.4};
  BOOST_REQUIRE(bands[0].weights.size() == first.size());
  for (std::size_t k = 0; k < first.size(); ++k) BOOST_TEST(std::abs(bands[0].weights[k] - first[k]) < 1e-12);
  BOOST_TEST(bands[2].first == 6u);  // 600 .. 900 Hz
  o.norm = "slaney";                 // half the width in hertz: 250
  BOOST_TEST(std::abs(mel_filters(o)[0].weights[1] - 0.8 / 250) < 1e-12);
  o.scale = "htk", o.norm = "none", o.triangles = "mel", o.mels = 1, o.low = 0, o.high = 700 * 3;
  // htk: mel is the logarithm of 1 + f / 700, so the middle between 1 and 4 is 2: 700 Hz, here a bin.
  const auto one = mel_filters(o)[0];
  BOOST_TEST(std::abs(one.weights[7 - one.first] - 1) < 1e-12);
  BOOST_TEST(std::abs(one.weights[14 - one.first] - (2 - std::log2(3.0))) < 1e-12);  // 1400 Hz: 1 + f / 700 = 3
}

BOOST_AUTO_TEST_CASE(a_sine_is_where_its_frequency_is) {
  // Amplitude 1 at 800 Hz, bin 8 of 64: a Hann window makes N / 4 = 16 of it, and half as much of its neighbours.
  const auto o = [] {
    auto options = small();
    options.scale = "slaney", options.high = 1000;
    return options;
  }();
  std::vector<float> x;
  for (int n = 0; n < 64; ++n) x.push_back(static_cast<float>(std::cos(2 * kPi * 8 * n / 64.0)));
  std::vector<float> values(3);
  LogMel(o).frame(x, values);
  // Bands 250 .. 750 .. and 500 .. 1000 Hz: at 700, 800 and 900 Hz the second has 0.2, 0, 0, the third 0.8, 0.8, 0.4.
  BOOST_TEST(std::abs(values[0] - std::log(1e-6)) < 0.5);  // rounding of the samples alone
  BOOST_TEST(std::abs(values[1] - std::log(0.2 * 8)) < 1e-5);
  BOOST_TEST(std::abs(values[2] - std::log(0.8 * 8 + 0.8 * 16 + 0.4 * 8)) < 1e-5);
  auto energies = o;
  energies.power = 2, energies.log = "db", energies.mean = 1, energies.deviation = 2, energies.most = 20;
  LogMel(energies).frame(x, values);
  BOOST_TEST(std::abs(values[1] - (10 * std::log10(0.2 * 64) - 1) / 2) < 1e-5);
  BOOST_TEST(std::abs(values[2] - (20.0 - 1) / 2) < 1e-6);  // cut at `most`
  auto steady = o;
  steady.dc = true;
  std::vector<float> constant(64, 0.25f);
  LogMel(steady).frame(constant, values);
  for (const float value : values) BOOST_TEST(std::abs(value - std::log(1e-6)) < 1e-4);
}

BOOST_AUTO_TEST_CASE(clips_have_the_frames_of_their_edges) {
  auto o = small();
  const LogMel mel(o);
  std::vector<float> x;
  for (int n = 0; n < 100; ++n) x.push_back(static_cast<float>(std::sin(0.3 * n) + 0.01 * n));
  BOOST_TEST(mel.clip_frames(100, ClipEdges::inside) == 2);  // 0 and 32; the next would end at 128
  BOOST_TEST(mel.clip_frames(63, ClipEdges::inside) == 0);
  BOOST_TEST(mel.clip_frames(100, ClipEdges::reflect) == 4);
  // Frame 0 lies around sample 0: 32 samples of the mirror, which does not repeat the edge.
  std::vector<float> around;
  for (int n = -32; n < 32; ++n) around.push_back(x[static_cast<std::size_t>(std::abs(n))]);
  std::vector<float> want(3);
  mel.frame(around, want);
  const auto reflected = mel.clip(x, ClipEdges::reflect);
  BOOST_TEST(std::equal(want.begin(), want.end(), reflected.begin()));
  for (int n = 0; n < 32; ++n) around[static_cast<std::size_t>(n)] = 0;
  mel.frame(around, want);
  const auto zeros = mel.clip(x, ClipEdges::zero);
  BOOST_TEST(std::equal(want.begin(), want.end(), zeros.begin()));
  mel.frame(std::span(x).subspan(32, 64), want);
  const auto inside = mel.clip(x, ClipEdges::inside);
  BOOST_TEST(std::equal(want.begin(), want.end(), inside.begin() + 3));
}

// A click belongs to the row whose time holds it.
BOOST_AUTO_TEST_CASE(rows_lie_on_the_clock) {
  for (const std::string preset : {"vggish", "panns", "ast", "desed"})
    for (const auto& [fps, stride, window] : {std::tuple(25.0, 2, 2), {10.0, 1, 1}, {30000.0 / 1001, 4, 4}}) {
      const auto encoder = make_log_mel(preset, {});
      const double row_seconds = static_cast<double>(stride) / fps;
      for (const double row : {0.5, 3.5, 17.45}) {
        const double at = row * row_seconds;  // inside a row
        encoder->reset();
        encoder->hear(std::make_shared<FunctionTrack>(encoder->sound_rate(),
                                                      [at](double t) { return std::abs(t - at) < 5e-4 ? 1.0 : 0.0; }),
                      fps);
        const auto rows = rows_of(*encoder, 30, stride, window);
        std::vector<double> sums;
        for (std::size_t g = 0; g < 30; ++g) {
          double sum = 0;
          for (std::int64_t m = 0; m < encoder->dim(); ++m)
            sum +=
                static_cast<double>(rows[g * static_cast<std::size_t>(encoder->dim()) + static_cast<std::size_t>(m)]);
          sums.push_back(sum);
        }
        const auto loudest = std::max_element(sums.begin(), sums.end()) - sums.begin();
        BOOST_TEST(loudest == static_cast<std::ptrdiff_t>(row), preset << " at " << at << " s: row " << loudest);
      }
    }
}

BOOST_AUTO_TEST_CASE(rows_are_means_of_frames) {
  const auto tone = [](double t) { return 0.5 * std::sin(2 * kPi * 440 * t) + 0.2 * std::sin(2 * kPi * 1900 * t * t); };
  const auto spectrogram = make_log_mel("", {});  // 100 frames a second
  BOOST_TEST(spectrogram->sound_frames() == 100);
  BOOST_TEST(spectrogram->name() == "log-mel");
  spectrogram->hear(std::make_shared<FunctionTrack>(16000, tone), 100);
  const auto frames = rows_of(*spectrogram, 120, 1, 1);
  // Frame 20 by itself: around 20.5 hops.
  std::vector<float> x, want(64);
  for (int n = 0; n < 400; ++n) x.push_back(static_cast<float>(tone((20 * 160 + 80 - 200 + n) / 16000.0)));
  LogMel(LogMelOptions{}).frame(x, want);
  BOOST_TEST(std::equal(want.begin(), want.end(), frames.begin() + 20 * 64));
  // Windows of 0.2 s every 0.1 s, at another rate.
  const auto means = make_log_mel("vggish", {});
  means->hear(std::make_shared<FunctionTrack>(16000, tone), 20);
  const auto rows = rows_of(*means, 8, 2, 4);
  for (std::size_t g = 0; g < 8; ++g)
    for (std::size_t m = 0; m < 64; ++m) {
      double sum = 0;
      for (std::size_t j = 10 * g; j < 10 * g + 20; ++j) sum += static_cast<double>(frames[j * 64 + m]);
      BOOST_TEST_REQUIRE(std::abs(sum / 20 - static_cast<double>(rows[g * 64 + m])) < 1e-5);
    }
  // Windows that are shorter than a frame's hop have the nearest one.
  const auto fine = make_log_mel("", {});
  fine->hear(std::make_shared<FunctionTrack>(16000, tone), 400);
  const auto close = rows_of(*fine, 40, 1, 1);
  for (std::size_t g = 0; g < 40; ++g)
    BOOST_TEST_REQUIRE(std::equal(close.begin() + static_cast<std::ptrdiff_t>(64 * g),
                                  close.begin() + static_cast<std::ptrdiff_t>(64 * g + 64),
                                  frames.begin() + static_cast<std::ptrdiff_t>(g / 4 * 64)));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  const auto refused = [](std::vector<std::string> changes) { return message_of([&] { make_log_mel("", changes); }); };
  BOOST_TEST(refused({"fft=256"}) == "fft must not be shorter than window: 256 and 400");
  BOOST_TEST(refused({"fft=514"}) == "the length of a Fourier transform must be a product of 2, 3 and 5, not 514");
  BOOST_TEST(refused({"high=9000"}) == "high must not exceed half of rate: 9000");
  BOOST_TEST(refused({"low=7500"}) == "low must lie below high: 7500 and 7500");
  BOOST_TEST(refused({"offset=0"}) == "floor and offset must not both be 0: silence has no logarithm");
  BOOST_TEST(refused({"mel=3"}).find("did you mean 'mels'") != std::string::npos);
  BOOST_TEST(message_of([] { make_log_mel("vgish", {}); }).find("did you mean 'vggish'") != std::string::npos);
  BOOST_TEST(refused({"mels=40", "high=0"}) == "no error");
  // 125 to 7500 Hz at 31.25 Hz from one to the next.
  BOOST_TEST(refused({"mels=237"}) == "no error");
  BOOST_TEST(refused({"mels=238"}) ==
             "mels must not exceed the frequencies from low to high, which fft has 31.25 Hz apart: 238 and 237");
}

BOOST_AUTO_TEST_SUITE_END()
