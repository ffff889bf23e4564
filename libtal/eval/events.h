// The annotations or proposals of one record for an evaluation, with the messages of what is wrong with them: segments,
// and points in time ("at": t instead of "segment").
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/dataset.h"
#include "libtal/io/record.h"

namespace tal::eval {

struct Event {
  Segment segment;   // seconds; a point has start = end
  double score = 1;  // of proposals
  std::string label;
  bool shown = true;  // SoccerNet's visibility, of points
};

// list: "annotations" or "proposals". Error with video and field for what Reads does not take, for what is reversed or
// not finite, and for a proposal without a score that reads.scores wants.
std::vector<Event> read_events(const Record& record, const char* list, const Reads& reads);

}  // namespace tal::eval
