// Decoded frames of any format as the pictures that encoders take.
#pragma once

#include <cstdint>
#include <string>

#include "libtal/video/decode_options.h"
#include "libtal/video/libav.h"

namespace tal {

// How a coded picture is turned to the one that is shown: first mirrored along its diagonal (rows become columns), then
// from left to right, then upside down.
struct PictureTurn {
  bool transpose = false, mirror = false, flip = false;
  bool any() const { return transpose || mirror || flip; }
};

// Of a display matrix (libavutil/display.h): the nearest of the eight turns. exact: whether it is one of them within a
// degree; by other angles nothing is turned.
PictureTurn turn_of(const std::int32_t* matrix, bool& exact);

class PictureMaker {
 public:
  PictureMaker(const DecodeOptions& options, const PictureTurn& turn) : options_(options), turn_(turn) {}

  // Fills what the options ask for; buffers of `out` are used again where they fit. Frames of another size than the
  // first are scaled to it. Error for a format that cannot be converted.
  void make(const AVFrame& frame, VideoPicture& out);

  // "from 96 x 64 to 128 x 96 pixels", of the frame made last when it is not of the first one's size or format; "".
  std::string change() const;
  bool changed() const { return changed_; }

 private:
  struct Shape {
    int width = 0, height = 0, format = -1;
    bool operator==(const Shape&) const = default;
  };
  const AVFrame& of_first_size(const AVFrame& frame);
  void make_bgr(const AVFrame& frame, cv::Mat& out);
  void make_grey(const AVFrame& frame, cv::Mat& out);
  DecodeOptions options_;
  PictureTurn turn_;
  Shape first_, last_;
  bool changed_ = false;
  LibavPtr<SwsContext> to_bgr_, to_size_;
  LibavPtr<AVFrame> scaled_ = make_frame();
  cv::Mat coded_, coded_grey_, eight_bits_;
};

}  // namespace tal
