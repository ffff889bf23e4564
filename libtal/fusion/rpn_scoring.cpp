#include "libtal/fusion/rpn_scoring.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "libtal/segment/anchors.h"

namespace tal {

namespace {

double normal_density(double x, double mu, double sigma) {
  const double z = (x - mu) / sigma;
  return std::exp(-0.5 * z * z) / (sigma * std::sqrt(2 * std::numbers::pi));
}

// What all candidates of one vicinity share.
class Scorer {
 public:
  Scorer(const UnitScores& scores, const SegmentEstimate& estimate, bool kl_ev)
      : rows_(scores.rows()), kl_ev_(kl_ev), has_alpha_(estimate.has_alpha), sums_(scores.actionness.size() + 1, 0.0) {
    for (std::size_t r = 0; r < scores.actionness.size(); ++r) sums_[r + 1] = sums_[r] + scores.actionness[r];
    if (has_alpha_) estimate_ = row_estimate(estimate, rows_);
  }

  UnitCandidate operator()(std::int64_t start, std::int64_t end) const {
    UnitCandidate c{start, end};
    const auto s = static_cast<double>(start), e = static_cast<double>(end), rows = static_cast<double>(rows_);
    const double inside = e - s + 1, outside = rows - inside;
    const double act = sums_[static_cast<std::size_t>(end) + 1] - sums_[static_cast<std::size_t>(start)];
    c.iou = tiou({s, e + 1}, {rows / 4, 3 * rows / 4});
    c.sof = act / inside;
    c.sob = outside > 0 ? (outside - (sums_.back() - act)) / outside : 1;
    if (has_alpha_) {
      const double length = rows / 2;  // of the anchor
      c.kl = length * normal_density(s + 0.5, estimate_.mu_start, estimate_.sigma_start) * length *
             normal_density(e + 0.5, estimate_.mu_end, estimate_.sigma_end);
    }
    c.score = c.iou * c.sof * c.sob * (kl_ev_ ? c.kl : 1);
    return c;
  }

 private:
  std::int64_t rows_;
  bool kl_ev_, has_alpha_;
  RowEstimate estimate_;
  std::vector<double> sums_;  // of actionness before each row
};

template <class Visit>
void each_candidate(const UnitScores& scores, const SegmentEstimate& estimate, bool kl_ev, Visit visit) {
  const std::vector<std::int64_t> starts = unit_peaks(scores.start), ends = unit_peaks(scores.end);
  if (starts.empty() || ends.empty()) return;
  const Scorer score(scores, estimate, kl_ev);
  for (const std::int64_t s : starts)
    for (auto e = std::lower_bound(ends.begin(), ends.end(), s); e != ends.end(); ++e) visit(score(s, *e));
}

}  // namespace

std::vector<std::int64_t> unit_peaks(std::span<const double> scores) {
  std::vector<std::int64_t> peaks;
  const std::size_t n = scores.size();
  for (std::size_t r = 0; r < n; ++r)
    if (scores[r] >= 0.5 && (r == 0 || scores[r] > scores[r - 1]) && (r + 1 == n || scores[r] > scores[r + 1]))
      peaks.push_back(static_cast<std::int64_t>(r));
  return peaks;
}

std::vector<UnitCandidate> unit_candidates(const UnitScores& scores, const SegmentEstimate& estimate, bool kl_ev) {
  std::vector<UnitCandidate> all;
  each_candidate(scores, estimate, kl_ev, [&](const UnitCandidate& c) { all.push_back(c); });
  return all;
}

std::optional<UnitCandidate> best_candidate(const UnitScores& scores, const SegmentEstimate& estimate, bool kl_ev) {
  std::optional<UnitCandidate> best;
  each_candidate(scores, estimate, kl_ev, [&](const UnitCandidate& c) {
    if (!best || c.score > best->score) best = c;
  });
  return best;
}

RowEstimate row_estimate(const SegmentEstimate& estimate, std::int64_t rows) {
  const Segment vicinity = vicinity_of(estimate.anchor), location = segment_location(estimate);
  const double scale = static_cast<double>(rows) / vicinity.length(), length = static_cast<double>(rows) / 2;
  return {(location.start - vicinity.start) * scale, (location.end - vicinity.start) * scale,
          std::exp(estimate.alpha_start / 2) * length, std::exp(estimate.alpha_end / 2) * length};
}

Segment segment_location(const SegmentEstimate& estimate) {
  const double length = estimate.anchor.length();
  return {estimate.anchor.start - estimate.ds * length, estimate.anchor.end - estimate.de * length};
}

Segment unit_location(const UnitCandidate& candidate, const Segment& anchor, std::int64_t rows) {
  const Segment vicinity = vicinity_of(anchor);
  const double row = vicinity.length() / static_cast<double>(rows);
  return {vicinity.start + (static_cast<double>(candidate.start) + 0.5) * row,
          vicinity.start + (static_cast<double>(candidate.end) + 0.5) * row};
}

Segment fused_location(const SegmentEstimate& estimate, const std::optional<UnitCandidate>& candidate,
                       std::int64_t rows) {
  const Segment segment = segment_location(estimate);
  if (candidate) {
    const Segment unit = unit_location(*candidate, estimate.anchor, rows);
    const double row = vicinity_of(estimate.anchor).length() / static_cast<double>(rows);
    const Segment fused{std::clamp(segment.start, unit.start - row, unit.start + row),
                        std::clamp(segment.end, unit.end - row, unit.end + row)};
    if (fused.start < fused.end) return fused;
  }
  return segment.start < segment.end ? segment : estimate.anchor;
}

}  // namespace tal
