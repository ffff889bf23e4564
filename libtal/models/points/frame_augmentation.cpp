#include "libtal/models/points/frame_augmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

#include "libtal/base/error.h"

namespace tal {
namespace {

double between(Random& random, double low, double high) { return low + (high - low) * random.uniform(); }
std::int64_t place(Random& random, std::int64_t room) {
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(room) + 1));
}

// Frames [T, 3, H, W] of floats; made in groups, so that a long clip does not lie in memory as floats.
torch::Tensor by_groups(const torch::Tensor& clip, const std::function<torch::Tensor(const torch::Tensor&)>& change) {
  constexpr std::int64_t kFrames = 32;
  std::vector<torch::Tensor> parts;
  for (std::int64_t first = 0; first < clip.size(1); first += kFrames) {
    const auto frames = clip.slice(1, first, first + kFrames).transpose(0, 1).to(torch::kFloat);
    parts.push_back(change(frames).clamp(0, 255).round().to(torch::kByte));
  }
  return torch::cat(parts).transpose(0, 1);
}

torch::Tensor grey(const torch::Tensor& x, double red, double green, double blue) {  // [T, 1, H, W]
  return (x.select(1, 0) * red + x.select(1, 1) * green + x.select(1, 2) * blue).unsqueeze(1);
}
torch::Tensor luma(const torch::Tensor& x) {
  return grey(x, 0.299, 0.587, 0.114).round();
}  // Pillow's, of whole numbers

// other + factor (x - other), as Pillow's enhancers.
torch::Tensor blended(const torch::Tensor& other, const torch::Tensor& x, double factor) {
  return other + (x - other) * factor;
}

// Where an output's pixel comes from: (x, y) from the centre, in pixels, times this matrix, plus a shift in pixels;
// black outside.
torch::Tensor warped(const torch::Tensor& x, const std::array<double, 4>& m, double shift_x, double shift_y) {
  const auto H = static_cast<double>(x.size(2)), W = static_cast<double>(x.size(3));
  const auto theta =
      torch::tensor({m[0], m[1] * H / W, 2 * shift_x / W, m[2] * W / H, m[3], 2 * shift_y / H}, torch::kFloat)
          .reshape({1, 2, 3})
          .expand({x.size(0), 2, 3});
  const auto grid = at::affine_grid_generator(theta, x.sizes(), /*align_corners=*/false);
  return at::grid_sampler(x, grid, /*bilinear*/ 0, /*zeros*/ 0, /*align_corners=*/false);
}

// Values of each channel of each frame by a table [T, 3, 256].
torch::Tensor looked_up(const torch::Tensor& x, const torch::Tensor& table) {
  return table.gather(2, x.flatten(2).to(torch::kLong)).reshape(x.sizes());
}
torch::Tensor counts_of(const torch::Tensor& x) {  // [T, 3, 256]
  const auto values = x.flatten(2).to(torch::kLong);
  return torch::zeros({x.size(0), 3, 256}).scatter_add(2, values, torch::ones(values.sizes()));
}

// Each channel from its least value to its greatest becomes 0 .. 255.
torch::Tensor autocontrast(const torch::Tensor& x) {
  const auto flat = x.flatten(2);
  const auto low = flat.amin(2).reshape({-1, 3, 1, 1}), high = flat.amax(2).reshape({-1, 3, 1, 1});
  const auto wide = high > low;
  return torch::where(wide, ((x - low) * 255 / (high - low).clamp_min(1)).floor(), x);
}

// Pillow's: the histogram without its last used value sets the step; channels with one value stay.
torch::Tensor equalize(const torch::Tensor& x) {
  const auto counts = counts_of(x);
  const auto values = torch::arange(256).to(torch::kFloat);
  const auto last = torch::where(counts > 0, values, torch::zeros_like(values)).amax(2, true).to(torch::kLong);
  const auto step = ((counts.sum(2, true) - counts.gather(2, last)) / 255).floor();
  const auto before = counts.cumsum(2) - counts;
  const auto table = ((before + (step / 2).floor()) / step.clamp_min(1)).floor().clamp(0, 255);
  return looked_up(x, torch::where(step > 0, table, values.expand_as(table)));
}

torch::Tensor depthwise(const torch::Tensor& x, const torch::Tensor& kernel) {  // 3 x 3, the border left out
  return torch::nn::functional::conv2d(x, kernel.expand({3, 1, 3, 3}),
                                       torch::nn::functional::Conv2dFuncOptions().groups(3));
}

// Pillow's SMOOTH filter, which leaves the border as it is.
torch::Tensor smoothed(const torch::Tensor& x) {
  const auto kernel = torch::tensor({1.0f, 1.0f, 1.0f, 1.0f, 5.0f, 1.0f, 1.0f, 1.0f, 1.0f}).reshape({1, 1, 3, 3}) / 13;
  auto y = x.clone();
  if (x.size(2) < 3 || x.size(3) < 3) return y;
  y.slice(2, 1, -1).slice(3, 1, -1).copy_(depthwise(x, kernel).round());
  return y;
}

constexpr double kLevel = 0.9;                  // magnitude 9 of 10
constexpr double kFactor = 1.8 * kLevel + 0.1;  // of the enhancers
constexpr double kDegree = std::numbers::pi / 180;
constexpr double kShear = 17.19 * kLevel * kDegree, kTurn = 30 * kLevel * kDegree, kShift = 0.2 * kLevel;

struct Draw {
  double sign, x, y;
};
using Change = torch::Tensor (*)(const torch::Tensor&, const Draw&);

const std::vector<std::pair<std::string, Change>>& changes() {
  static const std::vector<std::pair<std::string, Change>> all = {
      {"shear-x",
       [](const torch::Tensor& x, const Draw& d) {
         return warped(x, {1, -d.sign * std::tan(kShear), 0, 1}, 0, 0);
       }},
      {"shear-y",
       [](const torch::Tensor& x, const Draw& d) {
         return warped(x, {1, 0, -d.sign * std::tan(kShear), 1}, 0, 0);
       }},
      {"translate-x",
       [](const torch::Tensor& x, const Draw& d) {
         return warped(x, {1, 0, 0, 1}, -d.sign * kShift * static_cast<double>(x.size(3)), 0);
       }},
      {"translate-y",
       [](const torch::Tensor& x, const Draw& d) {
         return warped(x, {1, 0, 0, 1}, 0, -d.sign * kShift * static_cast<double>(x.size(2)));
       }},
      {"rotate",
       [](const torch::Tensor& x, const Draw& d) {
         const double c = std::cos(kTurn), s = d.sign * std::sin(kTurn);
         return warped(x, {c, s, -s, c}, 0, 0);
       }},
      {"posterize",
       [](const torch::Tensor& x, const Draw&) {  // 3 bits stay
         return (x / 32).floor() * 32;
       }},
      {"solarize", [](const torch::Tensor& x, const Draw&) { return torch::where(x >= 256 * kLevel, 255 - x, x); }},
      {"colour", [](const torch::Tensor& x, const Draw&) { return blended(luma(x), x, kFactor); }},
      {"contrast",
       [](const torch::Tensor& x, const Draw&) {
         return blended((luma(x).mean({1, 2, 3}, true) + 0.5).floor(), x, kFactor);
       }},
      {"brightness", [](const torch::Tensor& x, const Draw&) { return x * kFactor; }},
      {"sharpness", [](const torch::Tensor& x, const Draw&) { return blended(smoothed(x), x, kFactor); }},
      {"autocontrast", [](const torch::Tensor& x, const Draw&) { return autocontrast(x); }},
      {"equalize", [](const torch::Tensor& x, const Draw&) { return equalize(x); }},
      {"invert", [](const torch::Tensor& x, const Draw&) { return 255 - x; }},
      {"cutout", [](const torch::Tensor& x, const Draw& d) {  // a grey square anywhere, cut at the border
         const auto H = x.size(2), W = x.size(3);
         const double half = kShift * static_cast<double>(std::min(H, W)) / 2;
         const auto range = [half](double centre, std::int64_t size) {
           const auto first = static_cast<std::int64_t>(std::llround(centre - half)),
                      end = static_cast<std::int64_t>(std::llround(centre + half));
           return std::pair(std::clamp<std::int64_t>(first, 0, size), std::clamp<std::int64_t>(end, 0, size));
         };
         const auto [left, right] = range(d.x * static_cast<double>(W), W);
         const auto [top, bottom] = range(d.y * static_cast<double>(H), H);
         auto y = x.clone();
         y.slice(2, top, bottom).slice(3, left, right).fill_(128);
         return y;
       }}};
  return all;
}

torch::Tensor made(const torch::Tensor& clip, Change change, const Draw& draw) {
  return by_groups(clip, [&](const torch::Tensor& frames) { return change(frames, draw); });
}

// Hue by so many degrees, [T, 3, H, W], values and saturation as they are; whole numbers, as OpenCV gives them.
torch::Tensor turned_hue(const torch::Tensor& x, double degrees) {
  const auto high = x.amax(1), low = x.amin(1), range = high - low;
  const auto r = x.select(1, 0), g = x.select(1, 1), b = x.select(1, 2);
  const auto safe = range.clamp_min(1e-6);
  auto hue = torch::where(high == r, (g - b) / safe, torch::where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe));
  hue = torch::where(range > 0, hue, torch::zeros_like(hue)) + degrees / 60;
  // A channel that stands n sixths from red (Smith, SIGGRAPH 1978, in its usual closed form).
  const auto channel = [&](double n) {
    const auto k = torch::remainder(hue + n, 6);
    return high - range * torch::minimum(k, 4 - k).clamp(0, 1);
  };
  return torch::stack({channel(5), channel(3), channel(1)}, 1).round();
}

}  // namespace

FrameCrop random_resized_crop(std::int64_t height, std::int64_t width, Random& random) {
  constexpr int kTries = 10;
  constexpr double kLeast = 0.08, kNarrow = 3.0 / 4;
  const auto area = static_cast<double>(height * width);
  for (int i = 0; i < kTries; ++i) {
    const double aspect = std::exp(between(random, std::log(kNarrow), -std::log(kNarrow))),
                 wanted = between(random, kLeast, 1) * area;
    const std::int64_t w = std::llround(std::sqrt(wanted * aspect)), h = std::llround(std::sqrt(wanted / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const std::int64_t x = place(random, width - w), y = place(random, height - h);
    return {y, x, h, w};
  }
  const std::int64_t side = std::min(height, width);
  return {(height - side) / 2, (width - side) / 2, side, side};
}

torch::Tensor resized_frames(const torch::Tensor& clip, std::int64_t side) {
  if (clip.size(2) == side && clip.size(3) == side) return clip;
  return by_groups(clip, [side](const torch::Tensor& frames) {
    return at::upsample_bilinear2d(frames, {side, side}, /*align_corners=*/false);
  });
}

const std::vector<std::string>& rand_augment_names() {
  static const auto names = [] {
    std::vector<std::string> all;
    for (const auto& [name, change] : changes()) all.push_back(name);
    return all;
  }();
  return names;
}

torch::Tensor rand_augment(const torch::Tensor& clip, const std::string& name, double sign, double x, double y) {
  for (const auto& [own, change] : changes())
    if (own == name) return made(clip, change, {sign, x, y});
  throw Error("no change of frames is called '" + name + "'");
}

torch::Tensor rand_augmented(const torch::Tensor& clip, Random& random) {
  std::vector<std::size_t> order(changes().size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto two = random.choose(order, 2);
  std::sort(two.begin(), two.end());
  auto y = clip;
  for (const auto index : two) {
    const double sign = random.below(2) == 1 ? 1 : -1, across = random.uniform(), down = random.uniform();
    y = made(y, changes()[index].second, {sign, across, down});
  }
  return y;
}

torch::Tensor colour_jittered(const torch::Tensor& clip, const ColourJitter& by) {
  return by_groups(clip, [&](const torch::Tensor& frames) {
    constexpr double kRed = 0.2989, kGreen = 0.587, kBlue = 0.114;
    auto x = frames;
    for (const int change : by.order) {
      if (change == 0) x = x * by.brightness;
      if (change == 1) x = blended(grey(x, kRed, kGreen, kBlue).mean({1, 2, 3}, true), x, by.contrast);
      if (change == 2) x = blended(grey(x, kRed, kGreen, kBlue), x, by.saturation);
      if (change == 3 && by.hue != 0) x = turned_hue(x.clamp(0, 255).floor(), 2 * std::trunc(by.hue * 255));
    }
    return x.clamp(0, 255).floor();
  });
}

ColourJitter random_jitter(Random& random) {
  ColourJitter by;
  by.brightness = between(random, 0.5, 1.5), by.contrast = between(random, 0.5, 1.5);
  by.saturation = between(random, 0.5, 1.5), by.hue = between(random, -0.1, 0.1);
  random.shuffle(by.order);
  return by;
}

}  // namespace tal
