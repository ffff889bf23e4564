#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <stdexcept>

#include "libtal/base/error.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/video/flow.h"
#include "libtal/video/row_loop.h"

namespace tal {
namespace {

constexpr float kTan = 0.41421356f;  // tan(pi / 8)

// Unsigned orientation (eight bins of pi / 8) and magnitude of the gradients of a row's inner pixels [1, end).
TAL_ROW_LOOP void orient_row(const std::int16_t* gx, const std::int16_t* gy, int end, std::int32_t* bins,
                             float* lengths) {
  for (int x = 1; x < end; ++x) {
    const int dx = gx[x], dy = gy[x];
    const float ax = static_cast<float>(std::abs(dx)), ay = static_cast<float>(std::abs(dy));
    const int quarter = (ay > kTan * ax ? 1 : 0) + (ay > ax ? 1 : 0) + (kTan * ay > ax ? 1 : 0);
    bins[x] = (dx ^ dy) < 0 ? 7 - quarter : quarter;
    lengths[x] = std::sqrt(ax * ax + ay * ay);
  }
}

// One of n equal parts of a side.
int cell(int position, int size, int n) { return std::min(n - 1, position * n / size); }

class HogHof : public Encoder {
 public:
  explicit HogHof(const EncoderOptions& options) : options_(options), flow_(make_flow(options.flow)) {
    for (int y = 0; y < kGrid; ++y)
      for (int x = 0; x < kGrid; ++x)
        for (int o = 0; o < kBins; ++o)
          columns_.push_back("hog_" + std::to_string(y) + "_" + std::to_string(x) + "_" + std::to_string(o));
    for (int y = 0; y < kFlowGrid; ++y)
      for (int x = 0; x < kFlowGrid; ++x)
        for (int o = 0; o < kBins; ++o)
          columns_.push_back("hof_" + std::to_string(y) + "_" + std::to_string(x) + "_" + std::to_string(o));
    columns_.push_back("motion");
  }

  std::string name() const override { return "hog-hof"; }
  std::int64_t dim() const override { return kDim; }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::string parameters() const override {
    return "hog-hof/3 side=60 grid=4 bins=8 flow-grid=2 flow=" + options_.flow;
  }
  bool uses_flow() const override { return true; }
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<HogHof>(options_); }

  void reset(const std::string&) override {
    first_ = next_ = 0;
    held_.clear();
    previous_.release();
  }

  bool sees_grey() const override { return true; }
  void push(const cv::Mat& frame) override {
    if (frame.type() == CV_8UC1) frame.copyTo(grey_);
    else shrink_grey(frame, shrink_factor(frame.size()), grey_);
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

  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    std::array<double, kDim> sum{};
    std::int64_t moving = 0;
    for (const auto frame : frames) {
      const auto& descriptor = held_.at(static_cast<std::size_t>(frame - first_));
      for (int i = 0; i < kDim; ++i) sum[static_cast<std::size_t>(i)] += descriptor[static_cast<std::size_t>(i)];
      moving += frame > 0;  // the first frame has no motion to count
    }
    for (int i = 0; i < kDim; ++i) {
      const double count =
          i < kHog ? static_cast<double>(frames.size()) : static_cast<double>(std::max<std::int64_t>(1, moving));
      rows.push_back(static_cast<float>(sum[static_cast<std::size_t>(i)] / count));
    }
  }

  void release(std::int64_t before) override {
    for (; first_ < before && !held_.empty(); ++first_) held_.pop_front();
  }

 private:
  static constexpr int kGrid = 4, kFlowGrid = 2, kBins = 8;
  static constexpr int kHog = kGrid * kGrid * kBins, kHof = kFlowGrid * kFlowGrid * kBins, kDim = kHog + kHof + 1;
  using Descriptor = std::array<float, kDim>;

  // Unsigned orientation of the gradient in eight bins of pi / 8, weighted with its magnitude.
  void gradients(float* out) {
    const auto width = static_cast<std::size_t>(grey_.cols);
    gx_.resize(width), gy_.resize(width), bins_.resize(width), lengths_.resize(width);
    for (int y = 1; y + 1 < grey_.rows; ++y) {
      difference_row(grey_.ptr<std::uint8_t>(y - 1), grey_.ptr<std::uint8_t>(y), grey_.ptr<std::uint8_t>(y + 1),
                     grey_.cols - 1, gx_.data(), gy_.data());
      orient_row(gx_.data(), gy_.data(), grey_.cols - 1, bins_.data(), lengths_.data());
      float* band = out + cell(y, grey_.rows, kGrid) * kGrid * kBins;
      for (int part = 0; part < kGrid; ++part) {
        float* histogram = band + part * kBins;
        float other[kBins] = {};  // in turn, so that one addition need not wait for the one before
        const int end = std::min(grey_.cols - 1, (grey_.cols * (part + 1) + kGrid - 1) / kGrid);
        int x = std::max(1, (grey_.cols * part + kGrid - 1) / kGrid);
        for (; x + 1 < end; x += 2) {
          const auto i = static_cast<std::size_t>(x);
          histogram[bins_[i]] += lengths_[i];
          other[bins_[i + 1]] += lengths_[i + 1];
        }
        if (x < end) histogram[bins_[static_cast<std::size_t>(x)]] += lengths_[static_cast<std::size_t>(x)];
        for (int o = 0; o < kBins; ++o) histogram[o] += other[o];
      }
    }
    float total = 0;
    for (int i = 0; i < kHog; ++i) total += out[i];
    if (total > 0)
      for (int i = 0; i < kHog; ++i) out[i] /= total;
  }

  // Signed direction of the flow in eight bins of pi / 4 that begin at 0, weighted with its length. Block motion
  // repeats from pixel to pixel and from row to row: equal neighbours are counted, not computed again.
  void directions(float* out) const {
    const float unit = 100.0f / static_cast<float>(std::min(field_.rows, field_.cols));
    const std::size_t row_bytes = static_cast<std::size_t>(field_.cols) * sizeof(cv::Vec2f);
    std::array<int, kFlowGrid * kFlowGrid> pixels{};
    float total = 0;
    for (int y = 0; y < field_.rows;) {
      const auto* row = field_.ptr<cv::Vec2f>(y);
      const int cy = cell(y, field_.rows, kFlowGrid);
      int same = 1;
      while (y + same < field_.rows && cell(y + same, field_.rows, kFlowGrid) == cy &&
             std::memcmp(row, field_.ptr<cv::Vec2f>(y + same), row_bytes) == 0)
        ++same;
      for (int part = 0; part < kFlowGrid; ++part) {
        float* histogram = out + (cy * kFlowGrid + part) * kBins;
        const int begin = (field_.cols * part + kFlowGrid - 1) / kFlowGrid,
                  end = (field_.cols * (part + 1) + kFlowGrid - 1) / kFlowGrid;
        pixels[static_cast<std::size_t>(cy * kFlowGrid + part)] += same * (end - begin);
        for (int x = begin, run = 1; x < end; x += run) {
          const float u = row[x][0], v = row[x][1];
          for (run = 1; x + run < end && row[x + run] == row[x];) ++run;
          if (u == 0 && v == 0) continue;
          const float length = std::sqrt(u * u + v * v) * static_cast<float>(run * same);
          histogram[octant(u, v)] += length;
          total += length;
        }
      }
      y += same;
    }
    for (int c = 0; c < kFlowGrid * kFlowGrid; ++c)
      for (int o = 0; o < kBins; ++o)
        out[c * kBins + o] *= unit / static_cast<float>(std::max(1, pixels[static_cast<std::size_t>(c)]));
    out[kHof] = total * unit / static_cast<float>(field_.rows * field_.cols);
  }

  // Eighth of the circle, in the order of the angle.
  static int octant(float u, float v) {
    const bool steep = std::abs(v) > std::abs(u);
    return v >= 0 ? (u >= 0 ? (steep ? 1 : 0) : (steep ? 2 : 3)) : (u < 0 ? (steep ? 5 : 4) : (steep ? 6 : 7));
  }

  EncoderOptions options_;
  std::unique_ptr<Flow> flow_;
  std::vector<std::string> columns_;
  std::deque<Descriptor> held_;
  std::int64_t first_ = 0, next_ = 0;
  cv::Mat grey_, previous_, field_;
  std::vector<std::int16_t> gx_, gy_;  // of one row, as are the bins and lengths
  std::vector<std::int32_t> bins_;
  std::vector<float> lengths_;
};

}  // namespace

std::unique_ptr<Encoder> make_hog_hof(const EncoderOptions& options) { return std::make_unique<HogHof>(options); }

}  // namespace tal
