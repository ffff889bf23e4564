#include "libtal/eval/protocol.h"

namespace tal::eval {

void set_matching(Protocol& p, const EvalOptions& o) {
  const bool official = p.name == "thumos14-official";
  p.matching = official ? Matching::kThumosOfficial : Matching::kActivityNet;
  p.ties = o.ties == "reversed" ? Ties::kReversed : o.ties == "input" ? Ties::kInput : o.ties == "video" || official ? Ties::kVideo : Ties::kReversed;
}

Protocol other_protocol(const Protocol& first, const EvalOptions& o) {
  Protocol p = first;
  p.name = o.against;
  set_matching(p, o);
  return p;
}

}  // namespace tal::eval
