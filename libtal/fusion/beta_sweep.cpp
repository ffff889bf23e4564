#include "libtal/fusion/beta_sweep.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/segment/suppress.h"

namespace tal {

SweepVideo sweep_video(const Record& record, const RpnFusionOptions& options) {
  SweepVideo v{record.video(), record.require_duration(), {}, {}, {}, {}};
  if (!record.has("annotations")) throw Error("missing; a sweep needs the ground truth").at_field("annotations");
  for (const auto& annotation : record.annotations(true))
    if (annotation.label != "Ambiguous") v.truths.push_back(annotation.segment);
  const auto scores = segment_and_unit_scores(record, options.kl_ev);
  for (std::size_t n = 0; n < scores.size(); ++n) {
    v.segments.push_back(record.proposals()[n].segment);
    v.segment_scores.push_back(scores[n].first), v.unit_scores.push_back(scores[n].second);
  }
  return v;
}

eval::ProposalResult average_recall(const std::vector<SweepVideo>& videos, double beta, const RpnFusionOptions& options,
                                    int jobs) {
  SuppressOptions rule = preset_of(options.preset);
  rule.low = options.low.value_or(rule.low);
  rule.stop = static_cast<long long>(std::max(100.0, std::ceil(options.most)));
  eval::Dataset data;
  std::uint32_t id = 0;
  const std::uint32_t label = data.labels.id("proposal");
  for (const SweepVideo& v : videos) {
    std::vector<eval::Truth> truths;
    for (const Segment& s : v.truths) truths.push_back({s, label});
    data.add_truth(v.video, "", v.duration, 0, truths);
    std::vector<Proposal> proposals(v.segments.size());
    for (std::size_t n = 0; n < proposals.size(); ++n)
      proposals[n].segment = v.segments[n],
      proposals[n].score = fused_score(beta, v.segment_scores[n], v.unit_scores[n]);
    for (const Proposal& p : suppress(proposals, v.duration, rule))
      data.predictions.push_back({p.segment, p.score, label, id});
    data.videos[id].predicted = true;
    ++id;
  }
  data.index();
  eval::Filter filter;
  filter.class_agnostic = true;
  const eval::Selection selection = eval::select(data, filter);
  eval::ProposalRules rules;
  rules.jobs = jobs;
  return eval::activitynet_curve(eval::match_proposals(selection, parse_number_list(options.tiou), rules),
                                 options.most);
}

}  // namespace tal
