#include "libtal/video/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "libtal/base/error.h"

namespace tal {
namespace {

// One output position as a weighted sum of input positions [first, first + weights).
template <class Weight>
struct Taps {
  std::vector<int> first;
  std::vector<Weight> weights;  // [positions, count]
  int count = 0;
};

// Pillow's filters over the distance in input pixels of the reduction: a triangle, and the cubic with a = -1/2.
double triangle(double distance) { return distance < 1 ? 1 - distance : 0; }
double cubic(double d) {
  constexpr double a = -0.5;
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
struct PillowFilter {
  double (*weight)(double distance);
  double support;
};
constexpr PillowFilter kBilinear{triangle, 1}, kBicubic{cubic, 2};

// Pillow, Resample.c: precompute_coeffs and normalize_coeffs_8bpc; positions [begin, begin + size) of `to`.
constexpr int kPillowBits = 32 - 8 - 2;
Taps<std::int32_t> pillow_taps(const PillowFilter& filter, int from, int to, int begin, int size) {
  const double scale = static_cast<double>(from) / to, filter_scale = std::max(scale, 1.0),
               support = filter.support * filter_scale;
  Taps<std::int32_t> taps;
  taps.count = static_cast<int>(std::ceil(support)) * 2 + 1;
  taps.weights.assign(static_cast<std::size_t>(size) * static_cast<std::size_t>(taps.count), 0);
  std::vector<double> k(static_cast<std::size_t>(taps.count));
  for (int i = 0; i < size; ++i) {
    const double centre = (begin + i + 0.5) * scale;
    const int low = std::max(0, static_cast<int>(centre - support + 0.5)),
              high = std::min(from, static_cast<int>(centre + support + 0.5));
    double sum = 0;
    for (int x = low; x < high; ++x) {
      sum += k[static_cast<std::size_t>(x - low)] = filter.weight(std::abs((x - centre + 0.5) / filter_scale));
    }
    // All taps lie inside the picture: the window is moved, unused taps weigh nothing.
    const int first = std::max(0, std::min(low, from - taps.count));
    for (int x = low; x < high; ++x) {
      const double weight = k[static_cast<std::size_t>(x - low)] / sum * (1 << kPillowBits);
      taps.weights[static_cast<std::size_t>(i * taps.count + x - first)] =
          static_cast<std::int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    taps.first.push_back(first);
  }
  return taps;
}

std::uint8_t pillow_clip(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kPillowBits, 0, 255)); }

// Rows first, then columns, 8 bits between them: as Pillow.
void resize_pillow(const PillowFilter& filter, const cv::Mat& in, const cv::Size& size, const cv::Rect& cut,
                   cv::Mat& out) {
  const int channels = in.channels();
  const auto across = pillow_taps(filter, in.cols, size.width, cut.x, cut.width),
             down = pillow_taps(filter, in.rows, size.height, cut.y, cut.height);
  const int top = down.first.front(), bottom = std::min(in.rows, down.first.back() + down.count);
  const int used_across = std::min(across.count, in.cols), used_down = std::min(down.count, in.rows);
  cv::Mat middle(bottom - top, cut.width, in.type());
  for (int y = top; y < bottom; ++y) {
    const auto* from = in.ptr<std::uint8_t>(y);
    auto* to = middle.ptr<std::uint8_t>(y - top);
    for (int x = 0; x < cut.width; ++x) {
      const auto* weight = across.weights.data() + x * across.count;
      const auto* at = from + across.first[static_cast<std::size_t>(x)] * channels;
      for (int c = 0; c < channels; ++c) {
        std::int32_t sum = 1 << (kPillowBits - 1);
        for (int k = 0; k < used_across; ++k) sum += weight[k] * at[k * channels + c];
        *to++ = pillow_clip(sum);
      }
    }
  }
  out.create(cut.height, cut.width, in.type());
  const int width = cut.width * channels;
  std::vector<std::int32_t> sums(static_cast<std::size_t>(width));
  for (int y = 0; y < cut.height; ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (kPillowBits - 1));
    for (int k = 0; k < used_down; ++k) {
      const auto* from = middle.ptr<std::uint8_t>(down.first[static_cast<std::size_t>(y)] + k - top);
      const std::int32_t weight = down.weights[static_cast<std::size_t>(y * down.count + k)];
      for (int x = 0; x < width; ++x) sums[static_cast<std::size_t>(x)] += weight * from[x];
    }
    auto* to = out.ptr<std::uint8_t>(y);
    for (int x = 0; x < width; ++x) to[x] = pillow_clip(sums[static_cast<std::size_t>(x)]);
  }
}

// torch.nn.functional.interpolate, bilinear, align_corners=False: two neighbours of (i + 1/2) scale - 1/2, single
// precision.
struct Neighbours {
  int low, high;
  float share;  // of high
};
std::vector<Neighbours> torch_neighbours(int from, int to, int begin, int size) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  std::vector<Neighbours> out;
  for (int i = 0; i < size; ++i) {
    const float at = std::max(0.0f, scale * (static_cast<float>(begin + i) + 0.5f) - 0.5f);
    const int low = std::min(static_cast<int>(at), from - 1);
    out.push_back({low, std::min(low + 1, from - 1), std::min(std::max(at - static_cast<float>(low), 0.0f), 1.0f)});
  }
  return out;
}

void resize_torch(const cv::Mat& in, const cv::Size& size, const cv::Rect& cut, cv::Mat& out) {
  const int channels = in.channels();
  const auto across = torch_neighbours(in.cols, size.width, cut.x, cut.width),
             down = torch_neighbours(in.rows, size.height, cut.y, cut.height);
  out.create(cut.height, cut.width, in.type());
  for (int y = 0; y < cut.height; ++y) {
    const auto& v = down[static_cast<std::size_t>(y)];
    const auto *low = in.ptr<std::uint8_t>(v.low), *high = in.ptr<std::uint8_t>(v.high);
    auto* to = out.ptr<std::uint8_t>(y);
    for (const auto& u : across) {
      for (int c = 0; c < channels; ++c) {
        const auto mix = [&](const std::uint8_t* row) {
          return (1 - u.share) * static_cast<float>(row[u.low * channels + c]) +
                 u.share * static_cast<float>(row[u.high * channels + c]);
        };
        *to++ = static_cast<std::uint8_t>(std::nearbyint((1 - v.share) * mix(low) + v.share * mix(high)));
      }
    }
  }
}

}  // namespace

cv::Size resized_size(const cv::Size& from, const Preprocessing& p) {
  if (p.width > 0) return {p.width, p.height};
  const auto longer = [&](int side, int shorter) {
    return static_cast<int>(static_cast<std::int64_t>(p.height) * side / shorter);
  };
  return from.width <= from.height ? cv::Size(p.height, longer(from.height, from.width))
                                   : cv::Size(longer(from.width, from.height), p.height);
}

void preprocess(const cv::Mat& in, const Preprocessing& p, cv::Mat& out) {
  if (in.depth() != CV_8U || in.empty()) throw Error("frames must be 8-bit");
  const auto size = resized_size(in.size(), p);
  const auto offset = [&](int extent) { return static_cast<int>(std::nearbyint((extent - p.crop) / 2.0)); };
  const cv::Rect cut =
      p.crop > 0 ? cv::Rect(offset(size.width), offset(size.height), p.crop, p.crop) : cv::Rect({0, 0}, size);
  if (size.width < p.crop || size.height < p.crop)
    throw Error("a picture of " + std::to_string(size.width) + " x " + std::to_string(size.height) +
                " pixels is too small for a crop of " + std::to_string(p.crop));
  if (p.filter == "pillow" || p.filter == "pillow-bicubic") {
    resize_pillow(p.filter == "pillow" ? kBilinear : kBicubic, in, size, cut, out);
  } else if (p.filter == "torch") {
    resize_torch(in, size, cut, out);
  } else {
    cv::Mat whole;
    cv::resize(in, whole, size, 0, 0, cv::INTER_LINEAR);
    whole(cut).copyTo(out);
  }
  if (p.rgb && out.channels() == 3) cv::cvtColor(out, out, cv::COLOR_BGR2RGB);
}

}  // namespace tal
