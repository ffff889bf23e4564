// Ranges of an instance's properties: what scores and recall are told apart by.
#pragma once

#include <string>
#include <vector>

namespace tal::eval {

// A property of instances and where its buckets end (each holds its end; the last one is open).
struct Scale {
  std::string name, unit;
  std::vector<double> ends;
  std::size_t size() const { return ends.size() + 1; }
  std::size_t bucket(double value) const;
  std::string bucket_name(std::size_t i) const;  // "0-30 s", "over 180 s"; whole numbers without unit: "1", "2-4"
};
// DETAD's bounds for ActivityNet, or its finer ones for THUMOS14. Length in seconds, coverage = length / duration,
// instances of the video.
struct Scales {
  Scale coverage, length, instances;
};
Scales detad_scales(bool thumos14);

}  // namespace tal::eval
