#include "libtal/video/encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <stdexcept>

#include <opencv2/video/tracking.hpp>
#ifdef TAL_HAVE_OPTFLOW
#include <opencv2/optflow.hpp>
#endif

#include "libtal/base/error.h"

namespace tal {
namespace {

constexpr float kMaxFlow = 20;  // pixels; the field's two-stream models truncate there too

// Lucas-Kanade on 8 x 8 blocks, one step on half-size images for a first guess, one step at full size around it. Blocks without texture
// (smaller eigenvalue of the structure tensor too low) stay at the guess 0: their motion cannot be seen.
class BlockFlow : public Flow {
 public:
  void compute(const cv::Mat& previous, const cv::Mat& next, cv::Mat& flow) override {
    halve(previous, half_previous_);
    halve(next, half_next_);
    flow.create(previous.size(), CV_32FC2);
    const int blocks_x = (previous.cols + kBlock - 1) / kBlock, blocks_y = (previous.rows + kBlock - 1) / kBlock;
    for (int by = 0; by < blocks_y; ++by) {
      for (int bx = 0; bx < blocks_x; ++bx) {
        const int x0 = bx * kBlock, y0 = by * kBlock;
        float u = 0, v = 0;
        step(half_previous_, half_next_, x0 / 2, y0 / 2, kBlock / 2, u, v);
        u *= 2, v *= 2;
        step(previous, next, x0, y0, kBlock, u, v);
        u = std::clamp(u, -kMaxFlow, kMaxFlow), v = std::clamp(v, -kMaxFlow, kMaxFlow);
        const int x1 = std::min(x0 + kBlock, previous.cols), y1 = std::min(y0 + kBlock, previous.rows);
        for (int y = y0; y < y1; ++y) {
          auto* row = flow.ptr<cv::Vec2f>(y);
          for (int x = x0; x < x1; ++x) row[x] = {u, v};
        }
      }
    }
  }

 private:
  static constexpr int kBlock = 8;

  static void halve(const cv::Mat& in, cv::Mat& out) {
    out.create(std::max(1, in.rows / 2), std::max(1, in.cols / 2), CV_8U);
    for (int y = 0; y < out.rows; ++y) {
      const auto* a = in.ptr<std::uint8_t>(std::min(2 * y, in.rows - 1));
      const auto* b = in.ptr<std::uint8_t>(std::min(2 * y + 1, in.rows - 1));
      auto* to = out.ptr<std::uint8_t>(y);
      for (int x = 0; x < out.cols; ++x) {
        const int x1 = std::min(2 * x + 1, in.cols - 1);
        to[x] = static_cast<std::uint8_t>((a[2 * x] + a[x1] + b[2 * x] + b[x1] + 2) / 4);
      }
    }
  }

  // One Gauss-Newton step of min sum (next(x + d) - previous(x))^2 from d = (u, v) rounded to pixels; adds the update.
  static void step(const cv::Mat& previous, const cv::Mat& next, int x0, int y0, int size, float& u, float& v) {
    const int du = static_cast<int>(std::lround(u)), dv = static_cast<int>(std::lround(v));
    const int x1 = std::min({x0 + size, previous.cols - 1, previous.cols - 1 - du}), y1 = std::min({y0 + size, previous.rows - 1, previous.rows - 1 - dv});
    int xx = 0, xy = 0, yy = 0, xt = 0, yt = 0, count = 0;  // 64 pixels x (2 * 255)^2 fits into 32 bits
    for (int y = std::max({y0, 1, -dv}); y < y1; ++y) {
      const auto* up = previous.ptr<std::uint8_t>(y - 1);
      const auto* at = previous.ptr<std::uint8_t>(y);
      const auto* down = previous.ptr<std::uint8_t>(y + 1);
      const auto* to = next.ptr<std::uint8_t>(y + dv) + du;
      const int from = std::max({x0, 1, -du});
      for (int x = from; x < x1; ++x) {
        const int gx = at[x + 1] - at[x - 1], gy = down[x] - up[x], t = to[x] - at[x];
        xx += gx * gx, xy += gx * gy, yy += gy * gy, xt += gx * t, yt += gy * t;
      }
      count += std::max(0, x1 - from);
    }
    if (count < size * size / 4) return;
    const float a = static_cast<float>(xx), b = static_cast<float>(xy), c = static_cast<float>(yy);
    const float smaller = 0.5f * (a + c - std::sqrt((a - c) * (a - c) + 4 * b * b));
    if (smaller < 16.0f * static_cast<float>(count)) return;  // mean squared central difference of 4 grey levels
    const float det = a * c - b * b;
    // Central differences are twice the derivative.
    const float su = -2 * (c * static_cast<float>(xt) - b * static_cast<float>(yt)) / det;
    const float sv = -2 * (a * static_cast<float>(yt) - b * static_cast<float>(xt)) / det;
    if (std::abs(su) > 2.5f || std::abs(sv) > 2.5f) return;  // beyond what a linear step can know
    u = static_cast<float>(du) + su, v = static_cast<float>(dv) + sv;
  }

  cv::Mat half_previous_, half_next_;
};

class DenseFlow : public Flow {
 public:
  explicit DenseFlow(cv::Ptr<cv::DenseOpticalFlow> method) : method_(std::move(method)) {}
  void compute(const cv::Mat& previous, const cv::Mat& next, cv::Mat& flow) override {
    // A fresh output: with a filled one, the methods would start from the flow of the frame before.
    cv::Mat out;
    method_->calc(previous, next, out);
    for (int y = 0; y < out.rows; ++y) {
      auto* row = out.ptr<float>(y);
      for (int x = 0; x < 2 * out.cols; ++x) row[x] = std::clamp(row[x], -kMaxFlow, kMaxFlow);
    }
    flow = out;
  }

 private:
  cv::Ptr<cv::DenseOpticalFlow> method_;
};

// One of n equal parts of a side.
int cell(int position, int size, int n) { return std::min(n - 1, position * n / size); }

class HogHof : public Encoder {
 public:
  explicit HogHof(const EncoderOptions& options) : method_(options.flow), flow_(make_flow(options.flow)) {
    for (int y = 0; y < kGrid; ++y)
      for (int x = 0; x < kGrid; ++x)
        for (int o = 0; o < kBins; ++o) columns_.push_back("hog_" + std::to_string(y) + "_" + std::to_string(x) + "_" + std::to_string(o));
    for (int y = 0; y < kFlowGrid; ++y)
      for (int x = 0; x < kFlowGrid; ++x)
        for (int o = 0; o < kBins; ++o) columns_.push_back("hof_" + std::to_string(y) + "_" + std::to_string(x) + "_" + std::to_string(o));
    columns_.push_back("motion");
  }

  std::string name() const override { return "hog-hof"; }
  std::int64_t dim() const override { return kDim; }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::string parameters() const override { return "hog-hof/1 side=60 grid=4 bins=8 flow-grid=2 flow=" + method_; }

  void reset() override {
    first_ = next_ = 0;
    held_.clear();
    previous_.release();
  }

  void push(const cv::Mat& bgr) override {
    shrink_grey(bgr, shrink_factor(bgr.size()), grey_);
    Descriptor descriptor{};
    gradients(descriptor.data());
    // A change of size inside a stream starts the motion anew.
    if (next_ > 0 && previous_.size() == grey_.size()) {
      flow_->compute(previous_, grey_, field_);
      directions(descriptor.data() + kHog);
    }
    held_.push_back(descriptor);
    ++next_;
    cv::swap(previous_, grey_);
  }

  void encode(std::span<const std::int64_t> frames, float* row) override {
    std::array<double, kDim> sum{};
    std::int64_t moving = 0;
    for (const auto frame : frames) {
      const auto& descriptor = held_.at(static_cast<std::size_t>(frame - first_));
      for (int i = 0; i < kDim; ++i) sum[static_cast<std::size_t>(i)] += descriptor[static_cast<std::size_t>(i)];
      moving += frame > 0;  // the first frame has no motion to count
    }
    for (int i = 0; i < kDim; ++i) {
      const double count = i < kHog ? static_cast<double>(frames.size()) : static_cast<double>(std::max<std::int64_t>(1, moving));
      row[i] = static_cast<float>(sum[static_cast<std::size_t>(i)] / count);
    }
  }

  void release(std::int64_t before) override {
    for (; first_ < before && !held_.empty(); ++first_) held_.pop_front();
  }

 private:
  static constexpr int kGrid = 4, kFlowGrid = 2, kBins = 8;
  static constexpr int kHog = kGrid * kGrid * kBins, kHof = kFlowGrid * kFlowGrid * kBins, kDim = kHog + kHof + 1;
  using Descriptor = std::array<float, kDim>;
  static constexpr float kTan = 0.41421356f;  // tan(pi / 8)

  // Unsigned orientation of the gradient in eight bins of pi / 8, weighted with its magnitude.
  void gradients(float* out) {
    bins_.resize(static_cast<std::size_t>(grey_.cols)), lengths_.resize(static_cast<std::size_t>(grey_.cols));
    for (int y = 1; y + 1 < grey_.rows; ++y) {
      measure_row(y);
      float* band = out + cell(y, grey_.rows, kGrid) * kGrid * kBins;
      for (int part = 0; part < kGrid; ++part) {
        float* histogram = band + part * kBins;
        const int end = std::min(grey_.cols - 1, (grey_.cols * (part + 1) + kGrid - 1) / kGrid);
        for (int x = std::max(1, (grey_.cols * part + kGrid - 1) / kGrid); x < end; ++x)
          histogram[bins_[static_cast<std::size_t>(x)]] += lengths_[static_cast<std::size_t>(x)];
      }
    }
    float total = 0;
    for (int i = 0; i < kHog; ++i) total += out[i];
    if (total > 0)
      for (int i = 0; i < kHog; ++i) out[i] /= total;
  }

  // Bin and magnitude of every gradient of a row: straight-line code, so that the compiler uses vectors.
  void measure_row(int y) {
    const auto* up = grey_.ptr<std::uint8_t>(y - 1);
    const auto* at = grey_.ptr<std::uint8_t>(y);
    const auto* down = grey_.ptr<std::uint8_t>(y + 1);
    std::int32_t* bins = bins_.data();
    float* lengths = lengths_.data();
    const int end = grey_.cols - 1;
    for (int x = 1; x < end; ++x) {
      const int gx = at[x + 1] - at[x - 1], gy = down[x] - up[x];
      const float ax = static_cast<float>(std::abs(gx)), ay = static_cast<float>(std::abs(gy));
      const int quarter = (ay > kTan * ax ? 1 : 0) + (ay > ax ? 1 : 0) + (kTan * ay > ax ? 1 : 0);
      bins[x] = (gx ^ gy) < 0 ? kBins - 1 - quarter : quarter;
      lengths[x] = std::sqrt(ax * ax + ay * ay);
    }
  }

  // Signed direction of the flow in eight bins of pi / 4 that begin at 0, weighted with its length.
  void directions(float* out) const {
    const float unit = 100.0f / static_cast<float>(std::min(field_.rows, field_.cols));
    std::array<int, kFlowGrid * kFlowGrid> pixels{};
    float total = 0, last_u = 0, last_v = 0, length = 0;
    int octant = 0;
    for (int y = 0; y < field_.rows; ++y) {
      const auto* row = field_.ptr<cv::Vec2f>(y);
      const int cy = cell(y, field_.rows, kFlowGrid);
      for (int part = 0; part < kFlowGrid; ++part) {
        float* histogram = out + (cy * kFlowGrid + part) * kBins;
        const int begin = (field_.cols * part + kFlowGrid - 1) / kFlowGrid, end = (field_.cols * (part + 1) + kFlowGrid - 1) / kFlowGrid;
        pixels[static_cast<std::size_t>(cy * kFlowGrid + part)] += end - begin;
        for (int x = begin; x < end; ++x) {
          const float u = row[x][0], v = row[x][1];
          if (u == 0 && v == 0) continue;
          if (u != last_u || v != last_v) {  // block motion repeats
            last_u = u, last_v = v;
            length = std::sqrt(u * u + v * v);
            const bool steep = std::abs(v) > std::abs(u);
            // Octants in the order of the angle.
            octant = v >= 0 ? (u >= 0 ? (steep ? 1 : 0) : (steep ? 2 : 3)) : (u < 0 ? (steep ? 5 : 4) : (steep ? 6 : 7));
          }
          histogram[octant] += length;
          total += length;
        }
      }
    }
    for (int c = 0; c < kFlowGrid * kFlowGrid; ++c)
      for (int o = 0; o < kBins; ++o) out[c * kBins + o] *= unit / static_cast<float>(std::max(1, pixels[static_cast<std::size_t>(c)]));
    out[kHof] = total * unit / static_cast<float>(field_.rows * field_.cols);
  }

  std::string method_;
  std::unique_ptr<Flow> flow_;
  std::vector<std::string> columns_;
  std::deque<Descriptor> held_;
  std::int64_t first_ = 0, next_ = 0;
  cv::Mat grey_, previous_, field_;
  std::vector<std::int32_t> bins_;  // of one row
  std::vector<float> lengths_;
};

}  // namespace

int shrink_factor(const cv::Size& size) { return std::clamp((std::min(size.width, size.height) + 30) / 60, 1, 256); }

void shrink_grey(const cv::Mat& bgr, int factor, cv::Mat& grey) {
  if (bgr.type() != CV_8UC3) throw Error("frames must be 8-bit BGR");
  const int rows = std::max(1, bgr.rows / factor), cols = std::max(1, bgr.cols / factor);
  const int tall = std::min(factor, bgr.rows), wide = std::min(factor, bgr.cols);
  grey.create(rows, cols, CV_8U);
  const std::size_t width = static_cast<std::size_t>(cols) * static_cast<std::size_t>(wide) * 3;
  thread_local std::vector<std::uint16_t> sums;  // 256 x 255 fits
  sums.resize(width);
  // Exact up to the last rounding: every sum is an integer below 2^53.
  const double share = 1.0 / (static_cast<double>(tall * wide) * 1000);
  for (int y = 0; y < rows; ++y) {
    std::uint16_t* to = sums.data();
    int k = 0;
    if (tall >= 4) {  // four rows in one pass over the sums
      const auto *p0 = bgr.ptr<std::uint8_t>(y * factor), *p1 = bgr.ptr<std::uint8_t>(y * factor + 1);
      const auto *p2 = bgr.ptr<std::uint8_t>(y * factor + 2), *p3 = bgr.ptr<std::uint8_t>(y * factor + 3);
      for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<std::uint16_t>(p0[i] + p1[i] + p2[i] + p3[i]);
      k = 4;
    } else {
      std::fill(sums.begin(), sums.end(), std::uint16_t{0});
    }
    for (; k < tall; ++k) {
      const auto* from = bgr.ptr<std::uint8_t>(y * factor + k);
      for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<std::uint16_t>(to[i] + from[i]);
    }
    auto* out = grey.ptr<std::uint8_t>(y);
    const std::uint16_t* at = sums.data();
    for (int x = 0; x < cols; ++x) {
      int b = 0, g = 0, r = 0;
      if (wide == 4) {  // the common sizes (240 to 269 pixels): unrolled
        b = at[0] + at[3] + at[6] + at[9], g = at[1] + at[4] + at[7] + at[10], r = at[2] + at[5] + at[8] + at[11];
        at += 12;
      } else {
        for (int k = 0; k < wide; ++k, at += 3) b += at[0], g += at[1], r += at[2];
      }
      out[x] = static_cast<std::uint8_t>((114.0 * b + 587.0 * g + 299.0 * r) * share + 0.5);
    }
  }
}

std::unique_ptr<Flow> make_flow(const std::string& method) {
  if (method == "block") return std::make_unique<BlockFlow>();
  if (method == "dis") return std::make_unique<DenseFlow>(cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_ULTRAFAST));
  if (method == "farneback") return std::make_unique<DenseFlow>(cv::FarnebackOpticalFlow::create(3, 0.5, false, 11, 2, 5, 1.1));
  if (method == "tvl1") {
#ifdef TAL_HAVE_OPTFLOW
    return std::make_unique<DenseFlow>(cv::optflow::DualTVL1OpticalFlow::create());
#else
    throw UsageError("--flow tvl1: this build lacks OpenCV's optflow module (libopencv-contrib-dev); use dis or farneback");
#endif
  }
  throw UsageError("--flow: unknown method '" + method + "' (block, dis, farneback, tvl1)");
}

std::unique_ptr<Encoder> make_encoder(const std::string& spec, const EncoderOptions& options) {
  const auto colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  if (name == "hog-hof") {
    if (colon != std::string::npos) throw UsageError("--encoder hog-hof has no weights: '" + spec + "'");
    return std::make_unique<HogHof>(options);
  }
  const std::vector<std::string> known = {"hog-hof"};
  const auto near = nearest(name, known);
  throw UsageError("--encoder: unknown encoder '" + name + "'" + (near.empty() ? " (known: hog-hof)" : "; did you mean '" + std::string(near) + "'?"));
}

}  // namespace tal
