#include "libtal/eval/events.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"

namespace tal::eval {
namespace {

using EventJson = nlohmann::json;

bool has_points(const EventJson& events) {
  return std::any_of(events.begin(), events.end(),
                     [](const EventJson& event) { return event.is_object() && event.contains("at"); });
}

// One event of a list that may hold points; place: "proposals[3]".
Event event_at(const EventJson& event, const Reads& reads, bool proposal, const std::string& place) {
  const auto wrong = [&](const char* member, const char* what) { return Error(what).at_field(place + "." + member); };
  const auto number = [&](const char* member) {
    const EventJson& value = event[member];
    if (!value.is_number() || !std::isfinite(value.get<double>())) throw wrong(member, "must be a finite number");
    return value.get<double>();
  };
  if (!event.is_object()) throw Error("must be an object").at_field(place);
  Event out;
  const bool point = event.contains("at");
  if (point && event.contains("segment")) throw wrong("at", "stands beside segment; it is one or the other");
  if (point && reads.times == Reads::Times::kSegments)
    throw wrong("at", "a point in time has no length; this step needs segments");
  if (!point && reads.times == Reads::Times::kPoints)
    throw wrong("at", "missing; this protocol reads points in time, \"at\": seconds");
  if (point) {
    out.segment.start = out.segment.end = number("at");
  } else {
    if (!event.contains("segment")) throw wrong("segment", "missing");
    const EventJson& pair = event["segment"];
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number())
      throw wrong("segment", "must be [start, end] in seconds");
    out.segment = {pair[0].get<double>(), pair[1].get<double>()};
    if (!(out.segment.start <= out.segment.end)) throw wrong("segment", "end is before start");
  }
  for (const char* member : {"label", "visibility"})
    if (event.contains(member) && !event[member].is_string()) throw wrong(member, "must be a string");
  out.label = event.value("label", "");
  out.shown = event.value("visibility", "") != "not shown";
  if (proposal && event.contains("score")) out.score = number("score");
  else if (proposal && reads.scores) throw wrong("score", "missing");
  return out;
}

std::vector<Event> read_each(const EventJson& events, const std::string& list, const Reads& reads) {
  std::vector<Event> out;
  if (!events.is_array()) throw Error("must be a list").at_field(list);
  for (const auto& event : events)
    out.push_back(event_at(event, reads, list == "proposals", list + "[" + std::to_string(out.size()) + "]"));
  return out;
}

}  // namespace

std::vector<Event> read_events(const Record& record, const char* list, const Reads& reads) {
  const auto raw = record.raw(list);
  if (!raw) return {};
  const bool proposals = std::strcmp(list, "proposals") == 0;
  // Record knows segments, and gives the messages that all tools give.
  EventJson points;
  if (raw->find("\"at\"") != raw->npos || reads.times != Reads::Times::kSegments) {
    points = EventJson::parse(*raw, nullptr, false);
    if (!points.is_discarded() && (has_points(points) || reads.times == Reads::Times::kPoints)) try {
        return read_each(points, list, reads);
      } catch (Error& error) {
        throw error.at_video(record.video());
      }
  }
  std::vector<Event> out;
  if (!proposals) {
    for (const auto& a : record.annotations(true)) out.push_back({a.segment, 1, a.label, true});
    return out;
  }
  const auto& all = record.proposals();
  if (reads.scores) record.require_scored_proposals();
  for (const auto& p : all) out.push_back({p.segment, p.has_score() ? p.score : 1, std::string(p.label), true});
  return out;
}

}  // namespace tal::eval
