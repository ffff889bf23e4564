// Anchors: segments of fixed lengths at every row of a window, what they are labelled, and what they could reach at
// best.
//
// RPN with recurrent attention and unit-level clues (J. Vis. Commun. Image R. 2022), sections 3.2, 3.5 and 4.2.
// Unit: rows of the window. Row t is [t, t + 1], its centre t + 0.5; nothing is rounded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libtal/base/segment.h"

namespace tal {

class Random;

// ---- geometry (3.2) ----

// One anchor per row and scale: length q * rows around the row's centre, unclipped. Index: t * scales.size() + k.
std::vector<Segment> make_anchors(std::int64_t rows, std::span<const double> scales);
// [s - d, e + d] with d = (e - s) / 2; of the unclipped anchor, never clipped.
Segment vicinity_of(const Segment& anchor);
// Both ends clamped to [0, rows]: what the encoding reads.
Segment clip_to_window(const Segment& anchor, double rows);
// First rows of the windows that together cover `rows` rows: 0, stride, 2 stride, ... (4.2). stride 0: one window. A
// single window when rows <= length.
std::vector<std::int64_t> window_starts(std::int64_t rows, std::int64_t length, std::int64_t stride);

// ---- labels (3.2) ----

enum class AnchorRole : std::int8_t { hard_negative = -1, neither = 0, positive = 1 };

struct AnchorRule {
  double positive = 0.7;                           // best tIoU from which an anchor is positive
  double negative_low = 0.1, negative_high = 0.3;  // both ends belong to the hard negatives
};

struct AnchorLabels {
  std::vector<double> best_tiou;          // [anchor] 0 without ground truth
  std::vector<std::int32_t> best_truth;   // [anchor] lowest index among equals; -1 without ground truth
  std::vector<AnchorRole> role;           // [anchor] the best anchor of a ground truth is positive whatever its tIoU
  std::vector<std::int64_t> best_anchor;  // [truth] lowest index among equals; -1: no anchor overlaps it
};
// Anchors and truths in one unit. O(anchors * truths).
AnchorLabels label_anchors(std::span<const Segment> anchors, std::span<const Segment> truths,
                           const AnchorRule& rule = {});

// The anchors whose best ground truth this is, ascending. Only positives and hard negatives.
struct AnchorPool {
  std::vector<std::uint32_t> positives, negatives;
};
std::vector<AnchorPool> anchor_pools(const AnchorLabels& labels);
// At most `most` of each kind from every pool (N_pos = N_neg = 10 in the paper).
std::vector<AnchorPool> draw_examples(std::vector<AnchorPool> pools, std::size_t most, Random& random);

// ---- unit labels (3.5) ----

// 0 or 1 for each row of an anchor's vicinity, resampled to `rows` rows: start [s - 1, s + 1], end [e - 1, e + 1],
// actionness [s, e], both ends included, where a time belongs to the row that contains it. Truths that do not overlap
// the vicinity label nothing.
struct UnitLabels {
  std::vector<std::uint8_t> start, end, actionness;
};
UnitLabels unit_labels(const Segment& anchor, std::int64_t rows, std::span<const Segment> truths);

// ---- ceiling ----

// How much of a ground truth the best possible choice of n anchors a video reaches, as counts that add up over videos.
struct CeilingCounts {
  std::uint64_t videos = 0, truths = 0, anchors = 0;
  std::vector<std::uint64_t> reached;     // [threshold] truths with an anchor of tIoU >= threshold, all anchors used
  std::vector<std::uint64_t> reached_at;  // [budget] (truth, threshold) pairs reached with at most that many anchors in
                                          // each video
};
// Adds one video. The choice is exact when the ground truths do not overlap or the budget is at least their number;
// otherwise it is the better of the greedy choice and one best anchor for each of the most reachable truths (a lower
// bound of the ceiling).
void add_ceiling(CeilingCounts& counts, std::span<const Segment> anchors, std::span<const Segment> truths,
                 std::span<const double> thresholds, std::span<const std::uint32_t> budgets);
void add_ceiling(CeilingCounts& counts, const CeilingCounts& other);

}  // namespace tal
