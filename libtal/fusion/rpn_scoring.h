// What the RPN with unit-level clues makes of its scores: unit-level candidates, score fusion and location fusion.
//
// J. Vis. Commun. Image R. 2022, section 3.7, Eq. (8) and (9). A vicinity is L^ rows; row r is the interval [r, r + 1]
// and its centre r + 0.5. Anchor and locations are in any one unit (seconds in records); the anchor always covers rows
// [L^/4, 3 L^/4].
//
// Decision where the paper is silent (D): the densities of KL(ev) are per anchor length, L^/2 rows. Their product is
// then about 1 for a deviation of 0.4 anchor lengths, whatever L^ is; per row it would be (L^/2)^2 times smaller, and
// Eq. (9) the segment score alone for any beta.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libtal/base/segment.h"

namespace tal {

// M_U's scores of one vicinity, each [L^].
struct UnitScores {
  std::span<const double> start, end, actionness;
  std::int64_t rows() const { return static_cast<std::int64_t>(start.size()); }
};

// M_S's estimate of one anchor: offsets in anchor lengths, and with the KL loss alpha = log sigma^2 of both.
struct SegmentEstimate {
  Segment anchor;
  double ds = 0, de = 0;
  bool has_alpha = false;
  double alpha_start = 0, alpha_end = 0;
};

// Rows with a score of at least 0.5 that is above both neighbours'; the first and last row have one neighbour.
std::vector<std::int64_t> unit_peaks(std::span<const double> scores);

// One tuple (s~, e~), inclusive rows, with the factors of Eq. (8).
struct UnitCandidate {
  std::int64_t start = 0, end = 0;
  double iou = 0;    // of [s~, e~ + 1] and the anchor
  double sof = 0;    // mean actionness inside
  double sob = 0;    // mean of 1 - actionness outside; 1 when nothing lies outside
  double kl = 1;     // product of the two normal densities, per anchor length, at the rows' centres; 1 without alpha
  double score = 0;  // p'' = iou sof sob, times kl when asked for
};
// Every pair of a start and an end peak with s~ <= e~, by s~, then e~. kl_ev: "KL(ev)" of the paper; needs
// estimate.has_alpha.
std::vector<UnitCandidate> unit_candidates(const UnitScores& scores, const SegmentEstimate& estimate, bool kl_ev);
// p' and where it comes from: the first candidate of the largest score; nullopt (p' = 0) without candidates.
std::optional<UnitCandidate> best_candidate(const UnitScores& scores, const SegmentEstimate& estimate, bool kl_ev);

// M_S's boundaries in vicinity rows, and their deviations: sigma = exp(alpha / 2) anchor lengths of L^/2 rows.
struct RowEstimate {
  double mu_start = 0, mu_end = 0, sigma_start = 0, sigma_end = 0;
};
RowEstimate row_estimate(const SegmentEstimate& estimate, std::int64_t rows);

// (s_S, e_S) = (s_n - ds l, e_n - de l); may be turned around.
Segment segment_location(const SegmentEstimate& estimate);
// (s_U, e_U): centres of the candidate's rows in the anchor's unit.
Segment unit_location(const UnitCandidate& candidate, const Segment& anchor, std::int64_t rows);
// 3.7.2: the segment's boundaries clamped to one row around the unit's. Without a candidate the segment stands. A
// result that is turned around: the segment; when that is turned around too: the anchor.
Segment fused_location(const SegmentEstimate& estimate, const std::optional<UnitCandidate>& candidate,
                       std::int64_t rows);

// Eq. (9).
inline double fused_score(double beta, double segment_score, double unit_score) {
  return beta * segment_score + (1 - beta) * unit_score;
}
// "Simple multiplication can also be used" (3.7.1).
inline double product_score(double segment_score, double unit_score) { return segment_score * unit_score; }

}  // namespace tal
