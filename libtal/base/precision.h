// The values of --precision, which every tool with a network has, and of train.precision.
#pragma once

#include <string>
#include <vector>

namespace tal {

struct PrecisionRow {
  const char *name, *help;
};
// The device decides which there are (libtal/nn/device.h).
inline constexpr PrecisionRow kPrecisions[] = {
    {"float32", "as it says, on CUDA too"},
    {"tf32", "float32 whose factors are rounded to 10 bits (CUDA alone)"},
    {"bfloat16", "8 bits, where LibTorch's autocast takes that for safe"},
    {"float16", "11 bits but a small range, likewise (CUDA alone; not for training)"},
};

inline std::vector<std::string> precision_names() {
  std::vector<std::string> names;
  for (const auto& row : kPrecisions) names.emplace_back(row.name);
  return names;
}

}  // namespace tal
