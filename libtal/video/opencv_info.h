// What OpenCV this build runs with, for --version and error reports.
#pragma once

#include <string>

namespace tal {

// "OpenCV 4.6.0": the library that is loaded, not the headers.
std::string opencv_version();

}  // namespace tal
