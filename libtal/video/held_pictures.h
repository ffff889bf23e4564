// Pictures of a video that may still be asked for, by number.
#pragma once

#include <cstdint>
#include <deque>

#include <opencv2/core.hpp>

namespace tal {

class HeldPictures {
 public:
  void clear() { held_.clear(), first_ = 0; }
  void push(cv::Mat picture) { held_.push_back(std::move(picture)); }
  const cv::Mat& at(std::int64_t number) const { return held_.at(static_cast<std::size_t>(number - first_)); }
  void release(std::int64_t before) {
    for (; first_ < before && !held_.empty(); ++first_) held_.pop_front();
  }

 private:
  std::deque<cv::Mat> held_;
  std::int64_t first_ = 0;
};

}  // namespace tal
