#include "libtal/video/picture_maker.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <opencv2/core.hpp>

#include "libtal/base/error.h"
#include "libtal/video/flow.h"

namespace tal {
namespace {

constexpr int kAlign = 64;   // pixels; libswscale's fast paths write whole vectors
constexpr int kVector = 16;  // pixels of one such vector

bool full_range(const AVFrame& frame) {
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ411P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ444P: return true;
    default: return frame.color_range == AVCOL_RANGE_JPEG;
  }
}

std::string format_name(int format) {
  const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(format));
  return name ? name : "unknown";
}

// libswscale's number of a stream's matrix; SWS_CS_DEFAULT (Rec. 601) where it states none.
int matrix_of(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_BT709: return SWS_CS_ITU709;
    case AVCOL_SPC_FCC: return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
    default: return SWS_CS_DEFAULT;
  }
}

// The matrix and range of the frame on the way to `target`'s range; contexts keep their own unless these differ, so
// that their fast paths stay.
void set_colours(SwsContext* context, const AVFrame& frame, bool to_full) {
  int *from_table = nullptr, *to_table = nullptr, from_full = 0, full = 0, brightness = 0, contrast = 0, saturation = 0;
  if (sws_getColorspaceDetails(context, &from_table, &from_full, &to_table, &full, &brightness, &contrast,
                               &saturation) < 0)
    return;  // no conversion between colour models
  const int* wanted = sws_getCoefficients(matrix_of(frame));
  if (std::equal(wanted, wanted + 4, from_table) && (from_full != 0) == full_range(frame) && (full != 0) == to_full)
    return;
  sws_setColorspaceDetails(context, wanted, full_range(frame), wanted, to_full, brightness, contrast, saturation);
}

// Whether component 0 is a luma plane that can be read as it lies.
bool has_luma(const AVPixFmtDescriptor& format) {
  constexpr std::uint64_t kOther = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                                   AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT |
                                   AV_PIX_FMT_FLAG_BAYER;
  const bool xyz = std::strncmp(format.name, "xyz", 3) == 0;
  return !xyz && (format.flags & kOther) == 0 && format.nb_components > 0 && format.comp[0].depth >= 8 &&
         format.comp[0].depth <= 16;
}

// The luma plane with 8 bits a pixel: a view where it has them side by side, else `copy`.
cv::Mat luma_plane(const AVFrame& frame, const AVPixFmtDescriptor& format, cv::Mat& copy) {
  const auto& c = format.comp[0];
  const std::uint8_t* plane = frame.data[c.plane] + c.offset;
  const auto stride = frame.linesize[c.plane];
  if (c.depth == 8 && c.shift == 0 && c.step == 1 && stride > 0)
    return {frame.height, frame.width, CV_8U, const_cast<std::uint8_t*>(plane), static_cast<std::size_t>(stride)};
  copy.create(frame.height, frame.width, CV_8U);
  const int extra = c.depth - 8, half = extra > 0 ? 1 << (extra - 1) : 0;
  for (int y = 0; y < frame.height; ++y) {
    const std::uint8_t* at = plane + static_cast<std::ptrdiff_t>(y) * stride;
    auto* to = copy.ptr<std::uint8_t>(y);
    for (int x = 0; x < frame.width; ++x, at += c.step) {
      int value = c.depth + c.shift > 8 ? at[0] | at[1] << 8 : at[0];
      value = (value >> c.shift) & ((1 << c.depth) - 1);
      to[x] = static_cast<std::uint8_t>(std::min(255, (value + half) >> extra));
    }
  }
  return copy;
}

void turn(const cv::Mat& in, const PictureTurn& how, cv::Mat& out) {
  cv::Mat across;
  const cv::Mat* from = &in;
  if (how.transpose) {
    cv::transpose(in, across);
    from = &across;
  }
  if (how.mirror || how.flip) cv::flip(*from, out, how.mirror && how.flip ? -1 : how.mirror ? 1 : 0);
  else from->copyTo(out);
}

}  // namespace

PictureTurn turn_of(const std::int32_t* m, bool& exact) {
  // (x, y) is shown at (m[0] x + m[3] y, m[1] x + m[4] y).
  const double a = m[0], b = m[1], c = m[3], d = m[4];
  const bool transpose = std::abs(b) > std::abs(a);
  const double along = transpose ? std::min(std::abs(b), std::abs(c)) : std::min(std::abs(a), std::abs(d)),
               beside = transpose ? std::max(std::abs(a), std::abs(d)) : std::max(std::abs(b), std::abs(c));
  exact = along > 0 && beside <= 0.0175 * along;  // tan of a degree
  if (!exact) return {};
  return transpose ? PictureTurn{true, c < 0, b < 0} : PictureTurn{false, a < 0, d < 0};
}

std::string PictureMaker::change() const {
  if (last_ == first_) return "";
  const auto size = [](const Shape& s) { return std::to_string(s.width) + " x " + std::to_string(s.height); };
  if (last_.width != first_.width || last_.height != first_.height)
    return "from " + size(first_) + " to " + size(last_) + " pixels";
  return "from " + format_name(first_.format) + " to " + format_name(last_.format);
}

void PictureMaker::make(const AVFrame& frame, VideoPicture& out) {
  last_ = {frame.width, frame.height, frame.format};
  if (first_.format < 0) first_ = last_;
  changed_ = changed_ || !(last_ == first_);
  const AVFrame& sized = of_first_size(frame);
  if (options_.bgr) make_bgr(sized, out.bgr);
  if (options_.grey) make_grey(sized, out.grey);
}

const AVFrame& PictureMaker::of_first_size(const AVFrame& frame) {
  if (frame.width == first_.width && frame.height == first_.height) return frame;
  auto format = static_cast<AVPixelFormat>(frame.format);
  if (!sws_isSupportedOutput(format)) format = AV_PIX_FMT_YUV444P;
  av_frame_unref(scaled_.get());
  scaled_->width = first_.width, scaled_->height = first_.height, scaled_->format = format;
  av_frame_copy_props(scaled_.get(), &frame);
  if (av_frame_get_buffer(scaled_.get(), kAlign) < 0) throw std::bad_alloc();
  to_size_.reset(sws_getCachedContext(to_size_.release(), frame.width, frame.height,
                                      static_cast<AVPixelFormat>(frame.format), first_.width, first_.height, format,
                                      SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!to_size_) throw Error("frames of the format " + format_name(frame.format) + " cannot be scaled");
  set_colours(to_size_.get(), frame, full_range(frame));
  sws_scale(to_size_.get(), frame.data, frame.linesize, 0, frame.height, scaled_->data, scaled_->linesize);
  return *scaled_;
}

void PictureMaker::make_bgr(const AVFrame& frame, cv::Mat& out) {
  to_bgr_.reset(sws_getCachedContext(to_bgr_.release(), frame.width, frame.height,
                                     static_cast<AVPixelFormat>(frame.format), frame.width, frame.height,
                                     AV_PIX_FMT_BGR24, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!to_bgr_) throw Error("frames of the format " + format_name(frame.format) + " cannot be converted");
  set_colours(to_bgr_.get(), frame, false);
  // Rows of whole vectors go to where they are wanted; others need room behind them first.
  const bool whole = frame.width % kVector == 0;
  cv::Mat& target = turn_.any() || !whole ? coded_ : out;
  target.create(frame.height, whole ? frame.width : (frame.width + kAlign - 1) / kAlign * kAlign, CV_8UC3);
  std::uint8_t* const planes[] = {target.data, nullptr, nullptr, nullptr};
  const int strides[] = {static_cast<int>(target.step[0]), 0, 0, 0};
  sws_scale(to_bgr_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  if (&target != &out) turn(target.colRange(0, frame.width), turn_, out);
}

void PictureMaker::make_grey(const AVFrame& frame, cv::Mat& out) {
  const auto* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (!format || !has_luma(*format)) {
    cv::Mat bgr;
    make_bgr(frame, bgr);
    return shrink_grey(bgr, shrink_factor(bgr.size()), out);
  }
  const cv::Mat luma = luma_plane(frame, *format, eight_bits_);
  // Blocks are laid from the shown picture's first corner, so what the last ones leave over is cut at the same edges.
  const int factor = shrink_factor(luma.size());
  const auto left_over = [&](int side) { return std::max(0, side - std::max(1, side / factor) * factor); };
  const bool from_right = turn_.transpose ? turn_.flip : turn_.mirror,
             from_below = turn_.transpose ? turn_.mirror : turn_.flip;
  const int x = from_right ? left_over(luma.cols) : 0, y = from_below ? left_over(luma.rows) : 0;
  const cv::Mat used = luma(cv::Rect(x, y, luma.cols - x, luma.rows - y));
  if (!turn_.any()) return shrink_luma(used, factor, full_range(frame), out);
  shrink_luma(used, factor, full_range(frame), coded_grey_);
  turn(coded_grey_, turn_, out);
}

}  // namespace tal
