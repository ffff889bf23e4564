#include "libtal/eval/evaluate.h"

#include <limits>

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
  if (p.make) {
    run.measured = p.make(*run.selection, p, jobs);
    run.score = run.measured->score();
  } else if (p.proposals) {
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

std::string score_name(const Evaluated& run, const Protocol& p) {
  if (run.measured) return run.measured->score_name();
  if (p.proposals) return p.thumos_frames ? "ar_at.50" : "auc";
  return p.matching.normalised ? "average_map_n" : "average_map";
}

Resampled resampled(const Evaluated& run, const Protocol& p, const std::vector<std::uint32_t>& weight) {
  Resampled out;
  if (run.measured) {
    out.score = run.measured->score(&weight);
  } else if (p.proposals) {
    ProposalResult curve = curve_of(run.proposal, p, &weight);
    out.score = score_of(curve, p), out.ar = std::move(curve.ar);
  } else {
    DetectionResult r = detection_result(run.matched, &weight);
    out.score = r.average, out.map = std::move(r.map);
    for (std::size_t c = 0; c < r.ap.size(); ++c) {
      double sum = 0;
      for (const double ap : r.ap[c]) sum += ap;
      out.class_ap.push_back(r.positives[c] > 0 ? sum / static_cast<double>(r.ap[c].size())
                                                : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return out;
}

}  // namespace tal::eval
