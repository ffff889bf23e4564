#include "libtal/video/flow.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include <opencv2/video/tracking.hpp>
#ifdef TAL_HAVE_OPTFLOW
#include <opencv2/optflow.hpp>
#endif

#include "libtal/base/error.h"
#include "libtal/video/row_loop.h"

namespace tal {

TAL_ROW_LOOP void difference_row(const std::uint8_t* up, const std::uint8_t* at, const std::uint8_t* down, int end,
                                 std::int16_t* gx, std::int16_t* gy) {
  for (int x = 1; x < end; ++x) {
    gx[x] = static_cast<std::int16_t>(at[x + 1] - at[x - 1]);
    gy[x] = static_cast<std::int16_t>(down[x] - up[x]);
  }
}

namespace {

// sums += one row, or = four rows.
TAL_ROW_LOOP void add_row(const std::uint8_t* row, std::size_t width, std::uint16_t* sums) {
  for (std::size_t i = 0; i < width; ++i) sums[i] = static_cast<std::uint16_t>(sums[i] + row[i]);
}
TAL_ROW_LOOP void set_four_rows(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                                const std::uint8_t* d, std::size_t width, std::uint16_t* sums) {
  for (std::size_t i = 0; i < width; ++i) sums[i] = static_cast<std::uint16_t>(a[i] + b[i] + c[i] + d[i]);
}

// Thousandths of grey (Rec. 601) of a row of summed BGR pixels; 256 x 255 x 1000 fits.
TAL_ROW_LOOP void weigh_row(const std::uint16_t* bgr, std::size_t pixels, std::int32_t* grey) {
  for (std::size_t x = 0; x < pixels; ++x) grey[x] = 114 * bgr[3 * x] + 587 * bgr[3 * x + 1] + 299 * bgr[3 * x + 2];
}

// Every BGR triple and the three behind it: sums[i] + sums[i + 3] + sums[i + 6] + sums[i + 9].
TAL_ROW_LOOP void add_four_pixels(const std::uint16_t* sums, std::size_t count, std::uint16_t* quads) {
  for (std::size_t i = 0; i + 9 < count; ++i)
    quads[i] = static_cast<std::uint16_t>(sums[i] + sums[i + 3] + sums[i + 6] + sums[i + 9]);
}

// Grey of blocks of four pixels' width, whose sums stand at every fourth triple.
TAL_ROW_LOOP void grey_of_quads(const std::uint16_t* quads, int blocks, double share, std::uint8_t* out) {
  for (int x = 0; x < blocks; ++x) {
    const std::uint16_t* bgr = quads + 12 * x;
    out[x] = static_cast<std::uint8_t>(static_cast<double>(114 * bgr[0] + 587 * bgr[1] + 299 * bgr[2]) * share + 0.5);
  }
}

// Sums of every four, or `wide`, neighbours.
TAL_ROW_LOOP void sum_fours(const std::uint16_t* row, int blocks, std::int32_t* sums) {
  for (int x = 0; x < blocks; ++x) sums[x] = row[4 * x] + row[4 * x + 1] + row[4 * x + 2] + row[4 * x + 3];
}
TAL_ROW_LOOP void sum_neighbours(const std::uint16_t* row, int blocks, int wide, std::int32_t* sums) {
  for (int x = 0; x < blocks; ++x, row += wide) {
    std::int32_t sum = 0;
    for (int i = 0; i < wide; ++i) sum += row[i];
    sums[x] = sum;
  }
}

// sum * share + shift, rounded and cut off to 0..255.
TAL_ROW_LOOP void grey_of_sums(const std::int32_t* sums, int blocks, double share, double shift, std::uint8_t* out) {
  for (int x = 0; x < blocks; ++x) {
    const double value = static_cast<double>(sums[x]) * share + shift + 0.5;
    const int whole = static_cast<int>(value < 0 ? 0 : value);
    out[x] = static_cast<std::uint8_t>(whole > 255 ? 255 : whole);
  }
}

// Sums over the pixels of a block of products of the slopes and the change t between two pictures; 64 pixels x (2 *
// 255)^2 fit into 32 bits.
struct BlockSums {
  std::int32_t xx = 0, xy = 0, yy = 0, xt = 0, yt = 0;
};
struct BlockRows {  // the block's first row in each picture, and the distance to the next one
  const std::int16_t *gx, *gy;
  const std::uint8_t *at, *to;
  std::ptrdiff_t slope_step, at_step, to_step;
  int rows, columns;
};

constexpr int kBlock = 8;

// One sum a column, so that rows are added as vectors; kColumns or fewer columns.
template <int kColumns>
[[gnu::always_inline]] inline void add_columns(const BlockRows& b, int columns, std::int32_t (&sums)[5][kBlock]) {
  for (int y = 0; y < b.rows; ++y) {
    const std::int16_t *gx = b.gx + y * b.slope_step, *gy = b.gy + y * b.slope_step;
    const std::uint8_t *at = b.at + y * b.at_step, *to = b.to + y * b.to_step;
    for (int i = 0; i < (kColumns > 0 ? kColumns : columns); ++i) {
      const std::int32_t x = gx[i], v = gy[i], t = to[i] - at[i];
      sums[0][i] += x * x, sums[1][i] += x * v, sums[2][i] += v * v, sums[3][i] += x * t, sums[4][i] += v * t;
    }
  }
}

TAL_ROW_LOOP void sum_block(const BlockRows& b, BlockSums& out) {
  std::int32_t sums[5][kBlock] = {};
  if (b.columns == kBlock) add_columns<kBlock>(b, kBlock, sums);
  else if (b.columns == kBlock / 2) add_columns<kBlock / 2>(b, kBlock / 2, sums);
  else add_columns<0>(b, b.columns, sums);
  for (int i = 0; i < kBlock; ++i)
    out.xx += sums[0][i], out.xy += sums[1][i], out.yy += sums[2][i], out.xt += sums[3][i], out.yt += sums[4][i];
}

constexpr float kMaxFlow = 20;  // pixels; the field's two-stream models truncate there too

// Lucas-Kanade on 8 x 8 blocks, one step on half-size images for a first guess, one step at full size around it. Blocks
// without texture (smaller eigenvalue of the structure tensor too low) stay at the guess 0: their motion cannot be
// seen.
class BlockFlow : public Flow {
 public:
  void compute(const cv::Mat& previous, const cv::Mat& next, cv::Mat& flow) override {
    halve(previous, half_previous_);
    halve(next, half_next_);
    differences(previous, slopes_);
    differences(half_previous_, half_slopes_);
    flow.create(previous.size(), CV_32FC2);
    const int blocks_x = (previous.cols + kBlock - 1) / kBlock, blocks_y = (previous.rows + kBlock - 1) / kBlock;
    for (int by = 0; by < blocks_y; ++by) {
      for (int bx = 0; bx < blocks_x; ++bx) {
        const int x0 = bx * kBlock, y0 = by * kBlock;
        float u = 0, v = 0;
        step(half_previous_, half_next_, half_slopes_, x0 / 2, y0 / 2, kBlock / 2, u, v);
        u *= 2, v *= 2;
        step(previous, next, slopes_, x0, y0, kBlock, u, v);
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

  // Both central differences of every inner pixel.
  struct Slopes {
    std::vector<std::int16_t> x, y;
  };
  static void differences(const cv::Mat& image, Slopes& out) {
    const auto width = static_cast<std::size_t>(image.cols);
    out.x.resize(width * static_cast<std::size_t>(image.rows)), out.y.resize(out.x.size());
    for (int y = 1; y + 1 < image.rows; ++y) {
      const std::size_t at = static_cast<std::size_t>(y) * width;
      difference_row(image.ptr<std::uint8_t>(y - 1), image.ptr<std::uint8_t>(y), image.ptr<std::uint8_t>(y + 1),
                     image.cols - 1, out.x.data() + at, out.y.data() + at);
    }
  }

  // One Gauss-Newton step of min sum (next(x + d) - previous(x))^2 from d = (u, v) rounded to pixels; adds the update.
  static void step(const cv::Mat& previous, const cv::Mat& next, const Slopes& slopes, int x0, int y0, int size,
                   float& u, float& v) {
    const int du = static_cast<int>(std::lround(u)), dv = static_cast<int>(std::lround(v));
    const int x1 = std::min({x0 + size, previous.cols - 1, previous.cols - 1 - du}),
              y1 = std::min({y0 + size, previous.rows - 1, previous.rows - 1 - dv});
    const int from = std::max({x0, 1, -du}), top = std::max({y0, 1, -dv});
    const int columns = std::max(0, x1 - from), rows = std::max(0, y1 - top), count = rows * columns;
    if (count < size * size / 4 || count == 0) return;
    const std::ptrdiff_t width = previous.cols, offset = top * width + from;
    BlockSums sums;
    sum_block({slopes.x.data() + offset, slopes.y.data() + offset, previous.ptr<std::uint8_t>(top) + from,
               next.ptr<std::uint8_t>(top + dv) + from + du, width, static_cast<std::ptrdiff_t>(previous.step),
               static_cast<std::ptrdiff_t>(next.step), rows, columns},
              sums);
    const float a = static_cast<float>(sums.xx), b = static_cast<float>(sums.xy), c = static_cast<float>(sums.yy);
    const float smaller = 0.5f * (a + c - std::sqrt((a - c) * (a - c) + 4 * b * b));
    if (smaller < 16.0f * static_cast<float>(count)) return;  // mean squared central difference of 4 grey levels
    const float det = a * c - b * b;
    // Central differences are twice the derivative.
    const float su = -2 * (c * static_cast<float>(sums.xt) - b * static_cast<float>(sums.yt)) / det;
    const float sv = -2 * (a * static_cast<float>(sums.yt) - b * static_cast<float>(sums.xt)) / det;
    if (std::abs(su) > 2.5f || std::abs(sv) > 2.5f) return;  // beyond what a linear step can know
    u = static_cast<float>(du) + su, v = static_cast<float>(dv) + sv;
  }

  cv::Mat half_previous_, half_next_;
  Slopes slopes_, half_slopes_;
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

}  // namespace

int shrink_factor(const cv::Size& size) { return std::clamp((std::min(size.width, size.height) + 30) / 60, 1, 256); }

void shrink_grey(const cv::Mat& bgr, int factor, cv::Mat& grey) {
  if (bgr.type() != CV_8UC3) throw Error("frames must be 8-bit BGR");
  const int rows = std::max(1, bgr.rows / factor), cols = std::max(1, bgr.cols / factor);
  const int tall = std::min(factor, bgr.rows), wide = std::min(factor, bgr.cols);
  grey.create(rows, cols, CV_8U);
  const std::size_t pixels = static_cast<std::size_t>(cols) * static_cast<std::size_t>(wide);
  thread_local std::vector<std::uint16_t> sums, quads;  // 256 x 255 fits
  thread_local std::vector<std::int32_t> weighed;
  sums.resize(3 * pixels), quads.resize(3 * pixels), weighed.resize(pixels);
  // Exact up to the last rounding: every sum is an integer below 2^53.
  const double share = 1.0 / (static_cast<double>(tall * wide) * 1000);
  for (int y = 0; y < rows; ++y) {
    const auto row = [&](int k) { return bgr.ptr<std::uint8_t>(y * factor + k); };
    int k = 0;
    if (tall >= 4) {
      set_four_rows(row(0), row(1), row(2), row(3), 3 * pixels, sums.data());
      k = 4;
    } else {
      std::fill(sums.begin(), sums.end(), std::uint16_t{0});
    }
    for (; k < tall; ++k) add_row(row(k), 3 * pixels, sums.data());
    auto* out = grey.ptr<std::uint8_t>(y);
    if (wide == 4) {  // the common sizes (210 to 269 pixels)
      add_four_pixels(sums.data(), 3 * pixels, quads.data());
      grey_of_quads(quads.data(), cols, share, out);
      continue;
    }
    weigh_row(sums.data(), pixels, weighed.data());
    const std::int32_t* at = weighed.data();
    for (int x = 0; x < cols; ++x, at += wide) {
      std::int64_t sum = 0;
      for (int i = 0; i < wide; ++i) sum += at[i];
      out[x] = static_cast<std::uint8_t>(static_cast<double>(sum) * share + 0.5);
    }
  }
}

void shrink_luma(const cv::Mat& luma, int factor, bool full_range, cv::Mat& grey) {
  if (luma.type() != CV_8UC1) throw Error("luma planes must have 8 bits");
  const int rows = std::max(1, luma.rows / factor), cols = std::max(1, luma.cols / factor);
  const int tall = std::min(factor, luma.rows), wide = std::min(factor, luma.cols);
  grey.create(rows, cols, CV_8U);
  const std::size_t pixels = static_cast<std::size_t>(cols) * static_cast<std::size_t>(wide);
  thread_local std::vector<std::uint16_t> sums;  // 256 x 255 fits
  thread_local std::vector<std::int32_t> blocks;
  sums.resize(pixels), blocks.resize(static_cast<std::size_t>(cols));
  // Limited range: (mean - 16) x 255 / 219.
  const double share = (full_range ? 1 : 255.0 / 219) / (tall * wide), shift = full_range ? 0 : -16 * 255.0 / 219;
  for (int y = 0; y < rows; ++y) {
    const auto row = [&](int k) { return luma.ptr<std::uint8_t>(y * factor + k); };
    int k = 0;
    if (tall >= 4) {
      set_four_rows(row(0), row(1), row(2), row(3), pixels, sums.data());
      k = 4;
    } else {
      std::fill(sums.begin(), sums.end(), std::uint16_t{0});
    }
    for (; k < tall; ++k) add_row(row(k), pixels, sums.data());
    if (wide == 4) sum_fours(sums.data(), cols, blocks.data());
    else sum_neighbours(sums.data(), cols, wide, blocks.data());
    grey_of_sums(blocks.data(), cols, share, shift, grey.ptr<std::uint8_t>(y));
  }
}

std::unique_ptr<Flow> make_flow(const std::string& method) {
  if (method == "block") return std::make_unique<BlockFlow>();
  if (method == "dis")
    return std::make_unique<DenseFlow>(cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_ULTRAFAST));
  if (method == "farneback")
    return std::make_unique<DenseFlow>(cv::FarnebackOpticalFlow::create(3, 0.5, false, 11, 2, 5, 1.1));
  if (method == "tvl1") {
#ifdef TAL_HAVE_OPTFLOW
    return std::make_unique<DenseFlow>(cv::optflow::DualTVL1OpticalFlow::create());
#else
    throw UsageError(
        "--flow tvl1: this build lacks OpenCV's optflow module (libopencv-contrib-dev); use dis or farneback");
#endif
  }
  throw UsageError("--flow: unknown method '" + method + "' (block, dis, farneback, tvl1)");
}

}  // namespace tal
