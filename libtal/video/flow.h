// Optical flow between neighbouring frames, and the small grey pictures that it is computed on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <opencv2/core.hpp>

namespace tal {

// Dense flow between two small grey images (CV_8U -> CV_32FC2, pixels, truncated to +-20); one object per thread.
class Flow {
 public:
  virtual ~Flow() = default;
  virtual void compute(const cv::Mat& previous, const cv::Mat& next, cv::Mat& flow) = 0;
};
std::unique_ptr<Flow> make_flow(const std::string& method);

// Mean over blocks of factor x factor pixels, BGR -> grey (integer arithmetic, Rec. 601 weights); factor is chosen so
// that the shorter side has about 60 pixels; what is left over at the right and lower edge is cut off.
int shrink_factor(const cv::Size& size);
void shrink_grey(const cv::Mat& bgr, int factor, cv::Mat& grey);
// The same of a luma plane (CV_8U); of limited range (16..235), it is stretched to the full one and cut off there.
void shrink_luma(const cv::Mat& luma, int factor, bool full_range, cv::Mat& grey);

// Central differences (twice the derivative) of a row's inner pixels [1, end).
void difference_row(const std::uint8_t* up, const std::uint8_t* at, const std::uint8_t* down, int end, std::int16_t* gx,
                    std::int16_t* gy);

}  // namespace tal
