#include "libtal/video/opencv_info.h"

#include <opencv2/core/utility.hpp>

#include "libtal/video/libav.h"

namespace tal {

std::string opencv_version() { return "OpenCV " + cv::getVersionString(); }

std::string libav_version() {
  const unsigned version = avcodec_version();
  return "libavcodec " + std::to_string(AV_VERSION_MAJOR(version)) + "." + std::to_string(AV_VERSION_MINOR(version)) +
         "." + std::to_string(AV_VERSION_MICRO(version));
}

}  // namespace tal
