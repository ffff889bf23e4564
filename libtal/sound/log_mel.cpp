#include "libtal/sound/log_mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

// Slaney's Auditory Toolbox: 200 / 3 hertz a mel, from 1000 Hz on 27 mels for a factor of 6.4.
constexpr double kSlaneyStep = 200.0 / 3, kSlaneyKnee = 1000, kSlaneyMels = 27, kSlaneyFactor = 6.4;

double to_mel(double hertz, bool slaney) {
  if (!slaney) return 2595 * std::log10(1 + hertz / 700);
  if (hertz < kSlaneyKnee) return hertz / kSlaneyStep;
  return kSlaneyKnee / kSlaneyStep + kSlaneyMels * std::log(hertz / kSlaneyKnee) / std::log(kSlaneyFactor);
}

double to_hertz(double mel, bool slaney) {
  if (!slaney) return 700 * (std::pow(10, mel / 2595) - 1);
  const double knee = kSlaneyKnee / kSlaneyStep;
  return mel < knee ? mel * kSlaneyStep : kSlaneyKnee * std::exp(std::log(kSlaneyFactor) * (mel - knee) / kSlaneyMels);
}

double highest(const LogMelOptions& o) { return o.high > 0 ? o.high : 0.5 * static_cast<double>(o.rate); }

std::vector<double> window_shape(const LogMelOptions& o) {
  const double whole = o.shape.starts_with("hamming") ? 0.54 : 0.5;
  const double period = static_cast<double>(o.window) - (o.shape.ends_with("-symmetric") ? 1 : 0);
  std::vector<double> out;
  for (std::int64_t n = 0; n < o.window; ++n)
    out.push_back(whole - (1 - whole) * std::cos(2 * std::numbers::pi * static_cast<double>(n) / period));
  return out;
}

void check(const LogMelOptions& o) {
  if (o.fft < o.window)
    throw UsageError("fft must not be shorter than window: " + std::to_string(o.fft) + " and " +
                     std::to_string(o.window));
  if (highest(o) > 0.5 * static_cast<double>(o.rate))
    throw UsageError("high must not exceed half of rate: " + format_number(o.high));
  if (o.low >= highest(o))
    throw UsageError("low must lie below high: " + format_number(o.low) + " and " + format_number(highest(o)));
  const double apart = static_cast<double>(o.rate) / static_cast<double>(o.fft);
  const auto bins = static_cast<std::int64_t>((highest(o) - o.low) / apart) + 1;
  if (o.mels > bins)
    throw UsageError("mels must not exceed the frequencies from low to high, which fft has " + format_number(apart) +
                     " Hz apart: " + std::to_string(o.mels) + " and " + std::to_string(bins));
  if (!(o.floor + o.offset > 0)) throw UsageError("floor and offset must not both be 0: silence has no logarithm");
  if (o.least >= o.most) throw UsageError("least must lie below most");
}

// A sample outside the clip, in its mirror image without the edge itself repeated.
std::int64_t mirrored(std::int64_t at, std::int64_t count) {
  if (count == 1) return 0;
  const std::int64_t period = 2 * (count - 1);
  at = ((at % period) + period) % period;
  return at < count ? at : period - at;
}

}  // namespace

Settings settings_of(LogMelOptions& o) {
  Settings s;
  s.add("rate", &o.rate, "Samples a second, to which the sound is resampled").between(1000, 384000);
  s.add("window", &o.window, "Samples of a frame").between(2, 65536);
  s.add("hop", &o.hop, "Samples from one frame to the next").between(1, 1 << 24);
  s.add("fft", &o.fft, "Length of the Fourier transform, a product of 2, 3 and 5").between(2, 65536);
  s.add("shape", &o.shape, "Of the window", {"hann", "hann-symmetric", "hamming", "hamming-symmetric"});
  s.add("dc", &o.dc, "Take the mean of a frame away first");
  s.add("preemphasis", &o.preemphasis, "Share of the sample before that is taken away").at_least(0).below(1);
  s.add("power", &o.power, "1: magnitudes, 2: energies").between(1, 2);
  s.add("mels", &o.mels, "Bands").between(1, 4096);
  s.add("low", &o.low, "Hertz, where the first band begins").at_least(0);
  s.add("high", &o.high, "Hertz, where the last band ends; 0: half of the rate").at_least(0);
  s.add("scale", &o.scale, "Mel scale", {"htk", "slaney"});
  s.add("triangles", &o.triangles, "Scale on which the bands' edges are straight", {"mel", "hertz"});
  s.add("norm", &o.norm, "slaney: bands divided by half their width in hertz", {"none", "slaney"});
  s.add("log", &o.log, "Natural logarithm, or decibels", {"natural", "db"});
  s.add("floor", &o.floor, "Least sum that goes into the logarithm").at_least(0);
  s.add("offset", &o.offset, "Added to the sum before the logarithm").at_least(0);
  s.add("least", &o.least, "Smaller values become this");
  s.add("most", &o.most, "Larger values become this");
  s.add("mean", &o.mean, "Taken away at last");
  s.add("deviation", &o.deviation, "Divided by at last").above(0);
  return s;
}

const std::vector<std::string>& log_mel_presets() {
  static const std::vector<std::string> names = {"vggish", "panns", "ast", "desed"};
  return names;
}

LogMelOptions log_mel_preset(const std::string& name) {
  LogMelOptions o;
  if (name == "vggish") return o;
  if (name == "panns") {
    o.rate = 32000, o.window = o.fft = 1024, o.hop = 320, o.power = 2;
    o.low = 50, o.high = 14000, o.scale = o.norm = "slaney", o.triangles = "hertz";
    o.log = "db", o.floor = 1e-10, o.offset = 0;
  } else if (name == "ast") {
    o.shape = "hann-symmetric", o.dc = true, o.preemphasis = 0.97, o.power = 2;
    o.mels = 128, o.low = 20, o.high = 0, o.floor = 1.1920928955078125e-07, o.offset = 0;
    o.mean = -4.2677393, o.deviation = 2 * 4.5689974;  // AudioSet's, twice the deviation as its authors do
  } else if (name == "desed") {
    o.window = o.fft = 2048, o.hop = 256, o.shape = "hamming-symmetric";
    o.mels = 128, o.low = 0, o.high = 8000, o.triangles = "hertz";
    o.log = "db", o.floor = 1e-5, o.offset = 0, o.least = -50, o.most = 80;
  } else {
    const auto near = nearest(name, log_mel_presets());
    throw UsageError(
        "log-mel: no settings of the name '" + name + "'" +
        (near.empty() ? " (known: " + joined(log_mel_presets()) + ")" : "; did you mean '" + std::string(near) + "'?"));
  }
  return o;
}

std::vector<MelBand> mel_filters(const LogMelOptions& o) {
  const bool slaney = o.scale == "slaney", straight_over_mel = o.triangles == "mel";
  const auto bins = static_cast<std::size_t>(o.fft / 2 + 1);
  const auto count = static_cast<std::size_t>(o.mels);
  const auto mels = linspace(to_mel(o.low, slaney), to_mel(highest(o), slaney), count + 2);
  std::vector<double> at;  // of the bins, on the scale where edges are straight
  for (std::size_t k = 0; k < bins; ++k) {
    const double hertz = static_cast<double>(k) * static_cast<double>(o.rate) / static_cast<double>(o.fft);
    at.push_back(straight_over_mel ? to_mel(hertz, slaney) : hertz);
  }
  std::vector<MelBand> out(count);
  for (std::size_t m = 0; m < count; ++m) {
    const double hertz[] = {to_hertz(mels[m], slaney), to_hertz(mels[m + 1], slaney), to_hertz(mels[m + 2], slaney)};
    const double from = straight_over_mel ? mels[m] : hertz[0], middle = straight_over_mel ? mels[m + 1] : hertz[1],
                 to = straight_over_mel ? mels[m + 2] : hertz[2];
    const double height = o.norm == "slaney" ? 2 / (hertz[2] - hertz[0]) : 1;
    auto& band = out[m];
    for (std::size_t k = 0; k < bins; ++k) {
      const double weight = std::min((at[k] - from) / (middle - from), (to - at[k]) / (to - middle));
      if (!(weight > 0)) continue;
      if (band.weights.empty()) band.first = k;
      band.weights.push_back(height * weight);
    }
  }
  return out;
}

LogMel::LogMel(const LogMelOptions& options)
    : options_((check(options), options)), fourier_(static_cast<std::size_t>(options.fft)) {
  shape_ = window_shape(options_);
  bands_ = mel_filters(options_);
}

void LogMel::frame(std::span<const float> samples, std::span<float> values) const {
  const auto& o = options_;
  const auto count = static_cast<std::size_t>(o.window), length = fourier_.length();
  std::vector<double> x(length, 0);
  double* const at = x.data() + (length - count) / 2;
  std::copy_n(samples.begin(), count, at);
  if (o.dc) {
    double sum = 0;
    for (std::size_t n = 0; n < count; ++n) sum += at[n];
    for (std::size_t n = 0; n < count; ++n) at[n] -= sum / static_cast<double>(count);
  }
  if (o.preemphasis > 0)
    for (std::size_t n = count; n-- > 0;) at[n] -= o.preemphasis * at[n > 0 ? n - 1 : 0];
  for (std::size_t n = 0; n < count; ++n) at[n] *= shape_[n];
  std::vector<std::complex<double>> spectrum(length / 2 + 1);
  fourier_.transform(x, spectrum);
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const double energy = std::norm(spectrum[k]);
    x[k] = o.power == 1 ? std::sqrt(energy) : energy;
  }
  const double decibels = 20 / static_cast<double>(o.power);
  for (std::size_t m = 0; m < bands_.size(); ++m) {
    double sum = 0;
    for (std::size_t k = 0; k < bands_[m].weights.size(); ++k) sum += bands_[m].weights[k] * x[bands_[m].first + k];
    sum = std::max(sum, o.floor) + o.offset;
    const double value = o.log == "db" ? decibels * std::log10(sum) : std::log(sum);
    values[m] = static_cast<float>((std::clamp(value, o.least, o.most) - o.mean) / o.deviation);
  }
}

std::int64_t LogMel::clip_frames(std::int64_t samples, ClipEdges edges) const {
  if (edges != ClipEdges::inside) return samples > 0 ? samples / options_.hop + 1 : 0;
  return samples < options_.window ? 0 : (samples - options_.window) / options_.hop + 1;
}

std::vector<float> LogMel::clip(std::span<const float> samples, ClipEdges edges) const {
  const auto count = static_cast<std::int64_t>(samples.size()), frames = clip_frames(count, edges);
  const auto mels = static_cast<std::size_t>(options_.mels);
  std::vector<float> out(static_cast<std::size_t>(frames) * mels), taken(static_cast<std::size_t>(options_.window));
  for (std::int64_t j = 0; j < frames; ++j) {
    const std::int64_t start = j * options_.hop - (edges == ClipEdges::inside ? 0 : options_.window / 2);
    for (std::int64_t n = 0; n < options_.window; ++n) {
      const std::int64_t at = start + n;
      const bool there = at >= 0 && at < count;
      const auto from = static_cast<std::size_t>(there ? at : mirrored(at, count));
      taken[static_cast<std::size_t>(n)] = there || edges == ClipEdges::reflect ? samples[from] : 0;
    }
    frame(taken, std::span(out).subspan(static_cast<std::size_t>(j) * mels, mels));
  }
  return out;
}

}  // namespace tal
