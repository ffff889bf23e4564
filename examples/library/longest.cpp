// A stage of your own: of each video's proposals, greedy NMS at 0.5, then the longest three.
//   tal-propose --method grouping < features.jsonl | ./longest | tal-eval --gt truth.jsonl
#include <algorithm>
#include <cstdio>

#include "libtal/base/error.h"
#include "libtal/segment/suppress.h"
#include "libtal/stream/records.h"
#include "libtal/stream/run.h"

int main() {
  tal::Run run("longest");
  tal::SuppressOptions nms;
  nms.method = "greedy";
  nms.threshold = 0.5;
  try {
    tal::map_records(run, [&](tal::Record& record) {  // bad lines become errors with their place
      auto proposals = tal::suppress(record.require_proposals(), 0, nms);
      std::ranges::stable_sort(proposals, std::ranges::greater(), [](const auto& p) { return p.segment.length(); });
      if (proposals.size() > 3) proposals.resize(3);
      record.set_proposals(proposals);
    });
    run.close();
    return 0;
  } catch (const tal::Error& error) {
    std::fprintf(stderr, "longest: %s\n", error.what());
    return 1;
  }
}
