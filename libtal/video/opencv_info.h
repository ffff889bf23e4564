// What OpenCV and FFmpeg this build runs with, for --version and error reports.
#pragma once

#include <string>

namespace tal {

// "OpenCV 4.6.0": the library that is loaded, not the headers.
std::string opencv_version();
// "libavcodec 59.37.100", likewise.
std::string libav_version();

}  // namespace tal
