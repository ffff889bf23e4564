// The optical flow of a video as networks see it: 8-bit pictures of the fields between consecutive resized frames, and
// their cache on disk.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libtal/encoder/preprocessing.h"
#include "libtal/video/flow.h"
#include "libtal/video/held_pictures.h"

namespace tal {

// Field k leads from frame k to frame k + 1: cut to +-kFlowBound pixels and written as round(255 (v + 20) / 40), u and
// v as two channels.
//
// The cache holds whole fields, losslessly, under the names of the field's own tools: METHOD-WxH/flow_x_00001.png and
// flow_y_00001.png for field 0. A field that is there is read instead of computed, so a run with a cache gives the same
// bytes as one without; a damaged one is computed and written anew.
class FlowFields {
 public:
  // UsageError for a method that this build lacks, and for block: its fields are no pictures.
  FlowFields(const Preprocessing& preprocessing, const std::string& method);

  // A new video begins; cache: its folder, made when missing, or "".
  void reset(const std::string& cache);
  void push(const cv::Mat& bgr);  // the next frame
  // The fields between consecutive ones of these pushed, not released frames, [crop, crop, 2] each; a frame that
  // repeats (padding) has no motion.
  std::vector<cv::Mat> between(std::span<const std::int64_t> frames) const;
  void release(std::int64_t before) { fields_.release(before); }

 private:
  cv::Mat field_to(const cv::Mat& grey);
  Preprocessing preprocessing_;
  std::string method_, cache_;
  std::unique_ptr<Flow> flow_;
  HeldPictures fields_;
  cv::Mat previous_, still_;
  std::int64_t frames_ = 0;
};

}  // namespace tal
