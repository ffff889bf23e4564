#include "libtal/eval/events.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"

namespace tal::eval {
namespace {

// Of each annotation; a record keeps this member without reading it.
std::vector<bool> shown_annotations(const Record& record, std::size_t count) {
  std::vector<bool> shown(count, true);
  const auto raw = record.raw("annotations");
  if (!raw || raw->find("\"visibility\"") == raw->npos) return shown;
  const auto list = nlohmann::json::parse(*raw);  // which has been read
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = list[i].find("visibility");
    if (found == list[i].end()) continue;
    if (!found->is_string())
      throw Error("must be a string").at_field("annotations[" + std::to_string(i) + "].visibility");
    shown[i] = *found != "not shown";
  }
  return shown;
}

}  // namespace

std::vector<Event> read_events(const Record& record, const char* list, const Reads& reads) try {
  const Points points = reads.times == Reads::Times::kSegments ? Points::kRefused : Points::kTaken;
  std::vector<Event> out;
  const auto add = [&](const Segment& segment, bool point, double score, std::string label) {
    if (!point && reads.times == Reads::Times::kPoints)
      throw Error("missing; this protocol reads points in time, \"at\": seconds")
          .at_field(list + ("[" + std::to_string(out.size()) + "].at"));
    out.push_back({segment, score, std::move(label), true});
  };
  if (std::strcmp(list, "proposals") == 0) {
    for (const auto& p : reads.scores ? record.require_scored_proposals(points) : record.proposals(points))
      add(p.segment, p.point, p.has_score() ? p.score : 1, std::string(p.label));
    return out;
  }
  for (auto& a : record.annotations(true, points)) add(a.segment, a.point, 1, std::move(a.label));
  const auto shown = shown_annotations(record, out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i].shown = shown[i];
  return out;
} catch (Error& error) {
  throw error.at_video(record.video());
}

}  // namespace tal::eval
