// What a protocol with numbers of its own (neither average precision nor average recall of segments) makes of a data
// set: frames, samples, points in time, sound events.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tal::eval {

class Measured {
 public:
  virtual ~Measured() = default;
  // The protocol's one number and what `scores` of the report calls it. weight: how often each video counts, by id
  // (bootstrap); null: once each.
  virtual double score(const std::vector<std::uint32_t>* weight = nullptr) const = 0;
  virtual std::string score_name() const = 0;
  // What decides over the numbers, by name.
  virtual void settings(nlohmann::ordered_json& out) const = 0;
  // Its members of the report: `scores`, an object of numbers; lists of flat objects, which other formats show as
  // tables
  // (`classes` where classes are asked for); what was counted on the way.
  virtual void report(nlohmann::ordered_json& out) const = 0;
};

// How often a video counts.
inline double times(const std::vector<std::uint32_t>* weight, std::uint32_t video) {
  return weight ? static_cast<double>((*weight)[video]) : 1;
}

}  // namespace tal::eval
