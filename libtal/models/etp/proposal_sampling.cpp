#include "libtal/models/etp/proposal_sampling.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {

TruthMatch best_match(const TrainingSet::Video& video, const Segment& segment) {
  TruthMatch best;
  for (std::size_t k = 0; k < video.truths.size(); ++k)
    if (const double value = tiou(segment, video.truths[k].segment); value > best.tiou)
      best = {static_cast<std::int64_t>(k), value};
  return best;
}

std::optional<ProposalKind> kind_of(double tiou) {
  if (tiou >= kPositiveTiou) return kPositiveKind;
  if (tiou >= kIncompleteTiou) return kIncompleteKind;
  if (tiou < kBackgroundTiou) return kBackgroundKind;
  return std::nullopt;
}

ProposalSampler::ProposalSampler(const TrainingSet::Video& video, double made)
    : video_(video), made_(made), positives_(video.truths.size()), incomplete_(video.truths.size()) {
  for (const auto& proposal : video.proposals) {
    const TruthMatch match = best_match(video, proposal.segment);
    const auto k = static_cast<std::size_t>(match.truth);
    const auto kind = kind_of(match.tiou);
    if (kind == kPositiveKind) positives_[k].push_back(proposal.segment);
    else if (kind == kIncompleteKind)
      incomplete_[k].push_back(proposal.segment), all_incomplete_.push_back({proposal.segment, match.truth});
    else if (kind == kBackgroundKind) background_.push_back({proposal.segment, match.truth});
  }
}

Segment ProposalSampler::moved(const Segment& truth, double reach, double low, double high, Random& random) const {
  constexpr int kAttempts = 50;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double a = reach * (2 * random.uniform() - 1), b = reach * (2 * random.uniform() - 1);
    const Segment segment{truth.start + a * truth.length(), truth.end + b * truth.length()};
    if (!(segment.end > segment.start)) continue;
    if (const double value = tiou(segment, truth); value >= low && value < high) return segment;
  }
  // Its first part, in the middle of the range.
  return {truth.start, truth.start + truth.length() * std::min(1.0, (low + high) / 2)};
}

std::optional<SampledProposal> ProposalSampler::positive(std::int64_t truth, Random& random) const {
  const auto& own = positives_[static_cast<std::size_t>(truth)];
  if (!own.empty() && random.uniform() >= made_) return SampledProposal{own[random.below(own.size())], truth};
  if (!(made_ > 0)) return std::nullopt;
  return SampledProposal{
      moved(video_.truths[static_cast<std::size_t>(truth)].segment, 0.15, kPositiveTiou, 2.0, random), truth};
}

std::optional<SampledProposal> ProposalSampler::incomplete(std::int64_t truth, Random& random) const {
  const auto& own = incomplete_[static_cast<std::size_t>(truth)];
  if (!own.empty() && random.uniform() >= made_) return SampledProposal{own[random.below(own.size())], truth};
  if (made_ > 0) return made_incomplete(truth, random);
  if (all_incomplete_.empty()) return std::nullopt;
  return all_incomplete_[random.below(all_incomplete_.size())];
}

SampledProposal ProposalSampler::made_incomplete(std::int64_t truth, Random& random) const {
  Segment segment;
  for (int attempt = 0; attempt < 10; ++attempt) {
    segment =
        moved(video_.truths[static_cast<std::size_t>(truth)].segment, 0.6, kIncompleteTiou, kPositiveTiou, random);
    // Another ground truth may be met better than this one.
    if (const TruthMatch match = best_match(video_, segment); match.tiou < kPositiveTiou) return {segment, match.truth};
  }
  return {segment, truth};
}

std::optional<SampledProposal> ProposalSampler::background(Random& random) const {
  if (!background_.empty()) return background_[random.below(background_.size())];
  if (!(made_ > 0)) return std::nullopt;
  return made_background(random);
}

SampledProposal ProposalSampler::made_background(Random& random) const {
  const auto& truths = video_.truths;
  const auto k = static_cast<std::int64_t>(random.below(truths.size()));
  const double length = truths[static_cast<std::size_t>(k)].segment.length(),
               duration = std::max(video_.duration, length);
  for (int attempt = 0; attempt < 50; ++attempt) {
    const double wanted = std::min(length * std::exp2(2 * random.uniform() - 1), duration);
    const double start = random.uniform() * (duration - wanted);
    if (best_match(video_, {start, start + wanted}).tiou < kBackgroundTiou) return {{start, start + wanted}, k};
  }
  // A video full of action: a piece of it, too short to be met.
  const auto& whole = truths[static_cast<std::size_t>(k)].segment;
  const double start = whole.start + 0.9 * random.uniform() * length;
  return {{start, start + 0.05 * length}, k};
}

void require_examples(const TrainingSet& set, const std::string& model, bool incomplete_is_enough, bool labelled) {
  std::size_t all = 0;
  for (std::size_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    all += video.proposals.size();
    for (const auto& proposal : video.proposals) {
      const TruthMatch match = best_match(video, proposal.segment);
      const auto kind = kind_of(match.tiou);
      const bool counts = kind == kPositiveKind || (incomplete_is_enough && kind == kIncompleteKind);
      if (counts && !(labelled && video.truths[static_cast<std::size_t>(match.truth)].label < 0)) return;
    }
  }
  if (all == 0)
    throw Error(model + " learns from the proposals of another stage (tal-propose), and no record has any")
        .at_field("proposals");
  throw Error(model + " learns from proposals with a tIoU of " +
              format_number(incomplete_is_enough ? kIncompleteTiou : kPositiveTiou) + " and more with a ground truth" +
              (labelled ? " of a known class" : "") + ", and none of the " + std::to_string(all) +
              " of the records has that")
      .at_field("proposals");
}

}  // namespace tal
