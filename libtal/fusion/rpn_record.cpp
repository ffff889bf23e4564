#include "libtal/fusion/rpn_record.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/io/maps.h"

namespace tal {

namespace {

constexpr const char* kMap = "rpn";

// The scores of proposal `index`; Error names the member that is missing or wrong.
RpnScores scores_of(const Proposal& proposal, std::size_t index, const RpnMaps& maps) {
  const std::string field = "proposals[" + std::to_string(index) + "].scores";
  const auto members = named_scores(proposal);
  const auto find = [&](const char* name) -> const double* {
    for (const auto& member : members)
      if (member.name == name) return &member.value;
    return nullptr;
  };
  const auto need = [&](const char* name) {
    const double* value = find(name);
    if (!value) throw Error("missing; an RPN writes it (tal-propose)").at_field(field + "." + name);
    return *value;
  };
  RpnScores scores;
  scores.segment = need("segment");
  const double anchor = need("anchor");
  if (!(anchor >= 0 && anchor < static_cast<double>(maps.anchors.size()) && anchor == std::floor(anchor)))
    throw Error("must be an index into maps.rpn, which has " + std::to_string(maps.anchors.size()) + " anchors")
        .at_field(field + ".anchor");
  scores.anchor = static_cast<std::size_t>(anchor);
  scores.estimate = {maps.anchors[scores.anchor], need("ds"), need("de")};
  scores.estimate.has_alpha = find("alpha_s") != nullptr;
  if (scores.estimate.has_alpha)
    scores.estimate.alpha_start = *find("alpha_s"), scores.estimate.alpha_end = need("alpha_e");
  return scores;
}

// Whether the first proposal is an RPN's.
bool has_segment_scores(const Record& record) {
  if (!record.has_proposals() || record.proposals().empty()) return false;
  const auto members = named_scores(record.proposals().front());
  return std::any_of(members.begin(), members.end(), [](const auto& member) { return member.name == "ds"; });
}

std::optional<UnitCandidate> candidate_of(const RpnScores& scores, const RpnMaps& maps, bool kl_ev) {
  if (kl_ev && !scores.estimate.has_alpha)
    throw Error("--kl-ev: the model was not trained with the KL loss: no alpha_s and alpha_e")
        .at_field("proposals.scores");
  return best_candidate(maps.of(scores.anchor), scores.estimate, kl_ev);
}

}  // namespace

UnitScores RpnMaps::of(std::size_t anchor) const {
  const auto part = [&](std::size_t unit) {
    return std::span(scores).subspan((3 * anchor + unit) * static_cast<std::size_t>(rows),
                                     static_cast<std::size_t>(rows));
  };
  return {part(0), part(1), part(2)};
}

void set_rpn_maps(Record& record, const std::vector<Segment>& anchors, std::int64_t rows,
                  const std::vector<float>& scores) {
  set_float_map(record, kMap, {{static_cast<std::int64_t>(anchors.size()), 3, rows}, scores, {}, anchors});
}

RpnMaps read_rpn_maps(const Record& record) {
  if (!has_map(record, kMap) && has_segment_scores(record))
    throw Error(
        "missing; the RPN that proposed has no unit module (unit=false) or was told to leave its scores out "
        "(maps=none), or tal-score used them and dropped them (--keep-maps), so there is nothing to refine or score "
        "with")
        .at_field("maps.rpn");
  FloatMap map = read_float_map(record, kMap, {-1, 3, -1});
  const auto fail = [](const std::string& why) { return Error(why).at_field("maps.rpn.anchors"); };
  if (!map.anchors) throw fail("missing");
  if (static_cast<std::int64_t>(map.anchors->size()) != map.shape[0])
    throw fail(std::to_string(map.anchors->size()) + " anchors, but scores of " + std::to_string(map.shape[0]));
  RpnMaps maps;
  maps.rows = map.shape[2];
  maps.anchors = std::move(*map.anchors);
  maps.scores.assign(map.values.begin(), map.values.end());
  return maps;
}

std::vector<NamedScore> named_scores(const RpnScores& scores) {
  const SegmentEstimate& estimate = scores.estimate;
  std::vector<NamedScore> out{{"segment", scores.segment}, {"ds", estimate.ds}, {"de", estimate.de}};
  if (estimate.has_alpha) {
    out.push_back({"alpha_s", estimate.alpha_start});
    out.push_back({"alpha_e", estimate.alpha_end});
  }
  out.push_back({"anchor", static_cast<double>(scores.anchor)});
  return out;
}

void refine_by_units(Record& record, const RpnFusionOptions& options) {
  std::vector<Proposal> proposals = record.require_proposals();
  const double duration = record.require_duration();
  const RpnMaps maps = read_rpn_maps(record);
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    const RpnScores scores = scores_of(proposals[n], n, maps);
    const Segment fused = fused_location(scores.estimate, candidate_of(scores, maps, options.kl_ev), maps.rows);
    const Segment clipped{std::max(0.0, fused.start), std::min(duration, fused.end)};
    if (clipped.start < clipped.end) proposals[n].segment = clipped;
  }
  record.set_proposals(proposals);
}

std::vector<std::pair<double, double>> segment_and_unit_scores(const Record& record, bool kl_ev) {
  const auto& proposals = record.require_proposals();
  const RpnMaps maps = read_rpn_maps(record);
  std::vector<std::pair<double, double>> all;
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    const RpnScores scores = scores_of(proposals[n], n, maps);
    const auto candidate = candidate_of(scores, maps, kl_ev);
    all.emplace_back(scores.segment, candidate ? candidate->score : 0);
  }
  return all;
}

void score_by_units(Record& record, const RpnFusionOptions& options) {
  std::vector<Proposal> proposals = record.require_proposals();
  const auto scores = segment_and_unit_scores(record, options.kl_ev);
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    const auto [segment, unit] = scores[n];
    proposals[n].score =
        options.fusion == "product" ? product_score(segment, unit) : fused_score(options.beta, segment, unit);
    proposals[n].scores = record.keep_scores({{"unit", unit}});
  }
  record.set_proposals(proposals);
  if (!options.keep_maps) remove_map(record, kMap);
}

}  // namespace tal
