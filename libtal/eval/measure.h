// What a protocol with numbers of its own (neither average precision nor average recall of segments) makes of a data
// set: frames, samples, points in time, sound events.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/eval/dataset.h"

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
  // What is the same in every call, and worth telling beside the settings: not in their hash.
  virtual void conventions(nlohmann::ordered_json&) const {}
  // Its members of the report: `scores`, an object of numbers; lists of flat objects, which other formats show as
  // tables
  // (`classes` where classes are asked for); what was counted on the way.
  virtual void report(nlohmann::ordered_json& out) const = 0;
  // What the source would not have taken, a line each.
  virtual std::vector<std::string> warnings() const { return {}; }
};

// How often a video counts.
inline double times(const std::vector<std::uint32_t>* weight, std::uint32_t video) {
  return weight ? static_cast<double>((*weight)[video]) : 1;
}

// The classes that a protocol has by itself, or --classes names, by the data's labels.
class ProtocolClasses {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};
  // whose: "Charades'".
  ProtocolClasses(const Dataset& data, const std::vector<std::string>& names, const char* whose)
      : data_(data), whose_(whose), of_label_(data.labels.size(), kNone) {
    for (std::size_t c = 0; c < names.size(); ++c)
      if (const auto label = data.labels.find(names[c]); label != Names::kNone) of_label_[label] = c;
  }
  std::size_t of(std::uint32_t label) const { return of_label_[label]; }
  // Of the video's truths[i]; Error for one of no class.
  std::size_t of_truth(std::uint32_t video, std::size_t i) const {
    const std::uint32_t label = data_.truths_of(video)[i].label;
    if (of(label) != kNone) return of(label);
    throw Error("'" + data_.labels.text(label) + "' is none of the protocol's classes, which are " + whose_ +
                " unless --classes names others")
        .at_field("annotations[" + std::to_string(i) + "].label")
        .at_video(data_.video_names.text(video));
  }

 private:
  const Dataset& data_;
  const char* whose_;
  std::vector<std::size_t> of_label_;
};

}  // namespace tal::eval
