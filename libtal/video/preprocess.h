// Decoded frames -> the 8-bit pictures that networks take, as their references make them.
#pragma once

#include <opencv2/core.hpp>

#include "libtal/encoder/preprocessing.h"

namespace tal {

// The size of the whole resized picture; the shorter side's rule as torchvision's Resize (the longer side rounded
// down).
cv::Size resized_size(const cv::Size& from, const Preprocessing& p);

// Resized and cut to the centre (offset (extent - crop) / 2, halves to even): 8-bit, crop x crop or the whole size, RGB
// or BGR as asked. Only the pixels of the cut are computed. `in`: CV_8UC3 (BGR) or CV_8UC1.
void preprocess(const cv::Mat& in, const Preprocessing& p, cv::Mat& out);

}  // namespace tal
