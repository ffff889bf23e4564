#include "libtal/eval/evaluate.h"

namespace tal::eval {

ProposalRules rules_of(const Protocol& p, int jobs) {
  ProposalRules rules;
  rules.inclusive_frames = p.thumos_frames, rules.videos_from_proposals = p.videos_from_proposals;
  rules.ties = p.ties == Ties::kInput ? TieOrder::kInput : TieOrder::kReversed;
  rules.jobs = jobs;
  return rules;
}

ProposalResult curve_of(const ProposalMatch& m, const Protocol& p, const std::vector<std::uint32_t>* weight) {
  return p.thumos_frames ? thumos_curve(m, weight) : activitynet_curve(m, p.max_avg, weight);
}

double score_of(const ProposalResult& r, const Protocol& p) {
  return p.thumos_frames ? interpolate(r.an, r.ar, 50) : r.auc;
}

Evaluated evaluate(const Dataset& data, const Protocol& p, int jobs) {
  Evaluated run;
  run.selection = std::make_unique<Selection>(select(data, p.filter));
  if (p.proposals) {
    run.proposal = match_proposals(*run.selection, p.tiou, rules_of(p, jobs));
    run.curve = curve_of(run.proposal, p);
    run.score = score_of(run.curve, p);
  } else {
    run.matched = match(*run.selection, p.tiou, p.matching, p.ties, jobs);
    run.detection = detection_result(run.matched);
    run.score = run.detection.average;
  }
  return run;
}

double resampled_score(const Evaluated& run, const Protocol& p, const std::vector<std::uint32_t>& weight) {
  return p.proposals ? score_of(curve_of(run.proposal, p, &weight), p) : detection_result(run.matched, &weight).average;
}

}  // namespace tal::eval
