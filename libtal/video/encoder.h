// Feature encoders: a window of sampled frames -> one row. One factory, make_encoder.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace tal {

// Fed every sampled frame of one video once, in order; asked for windows of frames that it still holds. What is costly and needed
// by several windows (resizing, flow, per-frame descriptors) is done in push().
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual std::string name() const = 0;                       // the stream's name in the record
  virtual std::int64_t dim() const = 0;                       // columns of a row
  virtual const std::vector<std::string>& columns() const = 0;  // their names; empty when they have none
  virtual std::string parameters() const = 0;                 // everything that its values depend on, as text
  virtual bool uses_device() const { return false; }          // whether EncoderOptions::device means anything to it
  virtual void reset() = 0;                                   // a new video begins
  virtual void push(const cv::Mat& bgr) = 0;                  // frame number = calls since reset(); 8-bit BGR
  // `frames`: numbers of pushed, not released frames, ascending (the last may repeat: padding); row: dim() values.
  virtual void encode(std::span<const std::int64_t> frames, float* row) = 0;
  virtual void release(std::int64_t before) = 0;              // frames below this number are not asked for again
};

struct EncoderOptions {
  std::string flow = "block";  // block, dis, farneback, tvl1
  std::string device = "cpu";  // of networks
};

// `spec`: NAME or NAME:weights. UsageError for unknown names, weights where there are none, or flow that this build lacks.
// hog-hof: 4 x 4 cells x 8 unsigned gradient orientations (share of the frame's gradient magnitude), 2 x 2 cells x 8 signed flow
// directions (mean flow magnitude per pixel of the cell in that direction) and `motion` (mean flow magnitude), each averaged
// over the window. Lengths are in per cent of the frame's shorter side per sampled frame.
std::unique_ptr<Encoder> make_encoder(const std::string& spec, const EncoderOptions& options);

// Dense flow between two small grey images (CV_8U -> CV_32FC2, pixels, truncated to +-20); one object per thread.
class Flow {
 public:
  virtual ~Flow() = default;
  virtual void compute(const cv::Mat& previous, const cv::Mat& next, cv::Mat& flow) = 0;
};
std::unique_ptr<Flow> make_flow(const std::string& method);

// Mean over blocks of factor x factor pixels, BGR -> grey (integer arithmetic, Rec. 601 weights); factor is chosen so that the shorter side
// has about 60 pixels; what is left over at the right and lower edge is cut off.
int shrink_factor(const cv::Size& size);
void shrink_grey(const cv::Mat& bgr, int factor, cv::Mat& grey);

}  // namespace tal
