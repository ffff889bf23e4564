// What an encoder's reference does with a decoded frame before the network sees it. No OpenCV, no LibTorch.
#pragma once

#include <string>
#include <vector>

namespace tal {

inline constexpr float kFlowBound = 20;  // pixels; 8 bits of a flow picture span [-20, 20]

struct Preprocessing {
  // How a picture is resized.
  // pillow: Pillow's 8-bit BILINEAR (triangle filter as wide as the reduction), what torchvision does with images;
  // pillow-bicubic: its 8-bit BICUBIC;
  // torch: bilinear without antialiasing, rounded to 8 bits, what torchvision does with video tensors;
  // opencv: cv::resize INTER_LINEAR, what MMAction2 and the Caffe tools do.
  std::string filter = "pillow";
  // Both: exactly this size. Width 0: the shorter side becomes `height`, the longer one keeps the ratio, rounded down.
  int width = 0, height = 256;
  int crop = 224;                      // centre square, pixels; 0: the whole picture
  bool rgb = true;                     // channel order; false: BGR
  float divisor = 255;                 // of the 8-bit values, before the mean is taken away
  std::vector<float> mean, deviation;  // one a channel, or one for all
};

}  // namespace tal
