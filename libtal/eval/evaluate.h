// One evaluated result: what a protocol makes of a data set.
#pragma once

#include <memory>

#include "libtal/eval/protocol.h"

namespace tal::eval {

// The data set must outlive it.
struct Evaluated {
  std::unique_ptr<Selection> selection;
  Matched matched;  // detection protocols
  DetectionResult detection;
  ProposalMatch proposal;  // proposal protocols
  ProposalResult curve;
  double score = 0;  // average_map; auc; AR@50 for thumos14-proposal
};
Evaluated evaluate(const Dataset& data, const Protocol& protocol, int jobs);
// The score when video id v counts weight[v] times.
double resampled_score(const Evaluated& run, const Protocol& protocol, const std::vector<std::uint32_t>& weight);

// Proposal protocols: how the curve is made of matches, the one number of it, and the rules of the matching.
ProposalResult curve_of(const ProposalMatch& match, const Protocol& protocol,
                        const std::vector<std::uint32_t>* weight = nullptr);
double score_of(const ProposalResult& curve, const Protocol& protocol);
ProposalRules rules_of(const Protocol& protocol, int jobs);

}  // namespace tal::eval
