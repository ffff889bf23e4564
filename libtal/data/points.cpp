#include "libtal/data/points.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

// Around the point, cut at the video's ends; of one outside of them it is left whole, for checks to find.
Segment around(double point, double length, const std::optional<double>& duration) {
  Segment out{point - length / 2, point + length / 2};
  if (point >= 0) out.start = std::max(out.start, 0.0);
  if (duration && point <= *duration) out.end = std::min(out.end, *duration);
  return out;
}

// The same item as a segment.
Json lengthened(Json& point, double length, const std::optional<double>& duration) {
  Json out = Json::object();
  for (auto& [member, value] : point.items()) {
    const bool time = member == "at";
    const Segment segment = time ? around(value.get<double>(), length, duration) : Segment();
    out[time ? "segment" : member] = time ? Json{segment.start, segment.end} : std::move(value);
  }
  return out;
}

}  // namespace

PointRule::PointRule(const std::string& option) : drop_(option == "drop") {
  if (drop_ || option == "keep") return;
  try {
    length_ = parse_number(option);
  } catch (const Error&) {  // the same is wrong with 0
  }
  if (length_.value_or(0) <= 0)
    throw UsageError("--points: '" + option + "' is neither keep nor drop, nor seconds above 0");
}

void PointRule::apply(Record& record) {
  if (!drop_ && !length_) return;
  const auto is_point = [](const auto& item) { return item.point; };
  const auto change = [&](const char* key) {
    const auto duration = record.duration();
    Json items = Json::array();
    for (auto& item : Json::parse(*record.raw(key))) {
      const bool point = item.contains("at");
      points_ += point;
      if (!point) items.push_back(std::move(item));
      else if (length_) items.push_back(lengthened(item, *length_, duration));
    }
    record.set_raw(key, items.dump());
  };
  const auto annotations = record.annotations(true, Points::kTaken);
  if (std::any_of(annotations.begin(), annotations.end(), is_point)) change("annotations");
  const auto& proposals = record.proposals(Points::kTaken);
  if (std::any_of(proposals.begin(), proposals.end(), is_point)) change("proposals");
}

std::string PointRule::note() const {
  if (points_ == 0) return "";
  const bool one = points_ == 1;
  return std::to_string(points_) + (one ? " point" : " points") + " in time " +
         (drop_ ? "left out"
                : std::string(one ? "made a segment" : "made segments") + " of " + format_number(*length_) + " s");
}

}  // namespace tal
