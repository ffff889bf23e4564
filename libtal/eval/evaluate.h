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
  std::unique_ptr<Measured> measured;  // protocols with numbers of their own
  double score = 0;                    // what score_name() says
};
Evaluated evaluate(const Dataset& data, const Protocol& protocol, int jobs);
// "average_map", "average_map_n", "auc", "ar_at.50", or what a protocol with numbers of its own says.
std::string score_name(const Evaluated& run, const Protocol& protocol);

// The score when video id v counts weight[v] times, and for detection protocols its parts.
struct Resampled {
  double score = 0;
  std::vector<double> map;       // [threshold]
  std::vector<double> ar;        // [point]; proposals
  std::vector<double> class_ap;  // [class], mean over thresholds; NaN for one that the sample does not hold
};
Resampled resampled(const Evaluated& run, const Protocol& protocol, const std::vector<std::uint32_t>& weight);

// Proposal protocols: how the curve is made of matches, the one number of it, and the rules of the matching.
ProposalResult curve_of(const ProposalMatch& match, const Protocol& protocol,
                        const std::vector<std::uint32_t>* weight = nullptr);
double score_of(const ProposalResult& curve, const Protocol& protocol);
ProposalRules rules_of(const Protocol& protocol, int jobs);

}  // namespace tal::eval
