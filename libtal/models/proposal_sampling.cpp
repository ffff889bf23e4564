#include "libtal/models/proposal_sampling.h"

#include <algorithm>
#include <cmath>

namespace tal {

ProposalSampler::ProposalSampler(const TrainingSet::Video& video, double made) : video_(video), made_(made), positives_(video.truths.size()), incomplete_(video.truths.size()) {
  for (const auto& proposal : video.proposals) {
    const Best match = best(proposal.segment);
    const auto k = static_cast<std::size_t>(match.truth);
    if (match.tiou >= kPositiveTiou) positives_[k].push_back(proposal.segment);
    else if (match.tiou >= kIncompleteTiou) incomplete_[k].push_back(proposal.segment);
    else if (match.tiou < kBackgroundTiou) background_.push_back({proposal.segment, match.truth});
  }
}

ProposalSampler::Best ProposalSampler::best(const Segment& segment) const {
  Best result;
  for (std::size_t k = 0; k < video_.truths.size(); ++k)
    if (const double value = tiou(segment, video_.truths[k].segment); value > result.tiou) result = {static_cast<std::int64_t>(k), value};
  return result;
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

SampledProposal ProposalSampler::positive(std::int64_t truth, Random& random) const {
  const auto& own = positives_[static_cast<std::size_t>(truth)];
  if (!own.empty() && random.uniform() >= made_) return {own[random.below(own.size())], truth};
  return {moved(video_.truths[static_cast<std::size_t>(truth)].segment, 0.15, kPositiveTiou, 2.0, random), truth};
}

SampledProposal ProposalSampler::incomplete(std::int64_t truth, Random& random) const {
  const auto& own = incomplete_[static_cast<std::size_t>(truth)];
  if (!own.empty() && random.uniform() >= made_) return {own[random.below(own.size())], truth};
  Segment segment;
  for (int attempt = 0; attempt < 10; ++attempt) {
    segment = moved(video_.truths[static_cast<std::size_t>(truth)].segment, 0.6, kIncompleteTiou, kPositiveTiou, random);
    // Another ground truth may be met better than this one.
    if (const Best match = best(segment); match.tiou < kPositiveTiou) return {segment, match.truth};
  }
  return {segment, truth};
}

SampledProposal ProposalSampler::background(Random& random) const {
  if (!background_.empty()) return background_[random.below(background_.size())];
  const auto& truths = video_.truths;
  const auto k = static_cast<std::int64_t>(random.below(truths.size()));
  const double length = truths[static_cast<std::size_t>(k)].segment.length(), duration = std::max(video_.duration, length);
  for (int attempt = 0; attempt < 50; ++attempt) {
    const double wanted = std::min(length * std::exp2(2 * random.uniform() - 1), duration);
    const double start = random.uniform() * (duration - wanted);
    if (best({start, start + wanted}).tiou < kBackgroundTiou) return {{start, start + wanted}, k};
  }
  // A video full of action: a piece of it, too short to be met.
  const auto& whole = truths[static_cast<std::size_t>(k)].segment;
  const double start = whole.start + 0.9 * random.uniform() * length;
  return {{start, start + 0.05 * length}, k};
}

}  // namespace tal
