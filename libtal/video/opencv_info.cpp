#include "libtal/video/opencv_info.h"

#include <opencv2/core/utility.hpp>

namespace tal {

std::string opencv_version() { return "OpenCV " + cv::getVersionString(); }

}  // namespace tal
