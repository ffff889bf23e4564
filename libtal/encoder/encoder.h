// Feature encoders: windows of sampled frames -> rows (libtal/encoder/picture/factory.h makes them).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libtal/encoder/encoder_spec.h"

namespace cv {
class Mat;
}

namespace tal {

// Fed every sampled frame of one video once, in order; asked for windows of frames that it still holds. What is costly and needed
// by several windows (resizing, flow, per-frame descriptors) is done once a frame. An encoder may let several windows wait and work on
// them together; their rows come in the order in which they were asked for.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual std::string name() const = 0;                       // the stream's name in the record
  virtual std::int64_t dim() const = 0;                       // columns of a row
  virtual const std::vector<std::string>& columns() const = 0;  // their names; empty when they have none
  virtual std::string parameters() const = 0;                 // everything that its values depend on, as text
  virtual std::string weights() const { return ""; }          // "sha256:..." of its weights file; "" when it has none
  virtual bool uses_device() const { return false; }          // whether EncoderOptions::device means anything to it
  virtual bool uses_flow() const { return false; }            // the same of EncoderOptions::flow
  virtual void check_window(std::int64_t) const {}            // UsageError for windows (frames) that it cannot take
  // Another encoder of the same settings, for another video at the same time; weights are shared.
  virtual std::unique_ptr<Encoder> twin() const = 0;
  virtual bool caches_flow() const { return false; }          // and of reset()'s argument
  // A new video begins; flow_cache: the folder that keeps its flow for the next run, "" for none.
  virtual void reset(const std::string& flow_cache = "") = 0;
  virtual void push(const cv::Mat& bgr) = 0;                  // frame number = calls since reset(); 8-bit BGR
  // Asks for a window's row; rows that are ready, dim() values each, are appended to `rows`. `frames`: numbers of pushed, not released
  // frames, ascending (the last may repeat: padding).
  virtual void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) = 0;
  virtual void finish(std::vector<float>&) {}                 // appends the rows that are still missing
  virtual void release(std::int64_t before) = 0;              // frames below this number are not asked for again
};

}  // namespace tal
