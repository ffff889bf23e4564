// What map-based proposal models (BSN++, BMN) share beyond their networks: labels, the sampling of training proposals,
// and ensembles.
//
// Row coordinates: T rows share a window evenly, row i is [i, i + 1]; map row j, column i is the proposal of rows i ..
// i + j, segment [i, i + j + 1], valid where i + j < T. Maps are flat [D][T], 0 at invalid entries.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "libtal/base/random.h"
#include "libtal/base/segment.h"

namespace tal {

// How much of each row the region [b - d/10, b + d/10] of a boundary b covers, the largest over the truths; d =
// duration (paper 4.1).
struct BoundaryShares {
  std::vector<double> start, end;  // [T], 0 .. 1
};
BoundaryShares boundary_shares(std::span<const Segment> truths, std::int64_t rows);
// 1 where the share is above a half; with `nearest` also the row that contains a boundary (instances shorter than 2.5
// rows cover no row by half).
BoundaryShares boundary_labels(std::span<const Segment> truths, std::int64_t rows, bool nearest);

// Largest tIoU of each proposal with a truth, [D][T].
std::vector<double> confidence_labels(std::span<const Segment> truths, std::int64_t rows, std::int64_t durations);

// Scale-balanced sampling, Eq. (4), of one class (positives or negatives): normalised durations (j + 1) / T in [0, .3),
// [.3, .7), [.7, 1].
struct ScaleShares {
  std::array<std::int64_t, 3> count{};  // proposals of the class
  std::array<double, 3> ratio{};        // r
  std::array<double, 3> weight{};       // r' = lambda exp(r / t - 1) for 0 < r <= lambda, lambda above; t = lambda
  std::array<double, 3> share{};        // that a draw takes the bin
};
int scale_bin(std::int64_t duration_rows, std::int64_t rows);
ScaleShares scale_shares(const std::array<std::int64_t, 3>& count, double lambda);

struct SamplingOptions {
  enum class Rule { kAll, kIou, kScale } rule = Rule::kScale;
  double positive = 0.7, negative = 0.3, lambda = 0.15;
};
// How often each proposal of a mini-batch is drawn (paper 3.4.1 balances "the data distribution for each mini-batch"),
// [B][D][T] as confidence, whose size says B. kAll: every positive and negative once. kIou: as many of each, without
// repetition. kScale: as many of each, drawn with repetition by bin, then evenly within the bin. Nothing is drawn of
// one class when the mini-batch has none of the other.
std::vector<float> draw_proposals(std::span<const double> confidence, std::int64_t rows, std::int64_t durations,
                                  const SamplingOptions& options, Random& random);
// BMN: every proposal of the mini-batch above `positive`, and as many (in expectation) of the medium and of the low
// ones that touch a truth; [B][D][T].
std::vector<float> draw_three_levels(std::span<const double> confidence, std::int64_t rows, std::int64_t durations,
                                     double positive, double negative, Random& random);

// Multi-scale inference (improvement C): rows that a video is rescaled to, by its duration: up to 30 s, up to 120 s,
// longer.
inline constexpr std::int64_t kPaperScales[] = {30, 80, 100};
std::int64_t multi_scale_rows(double duration, std::span<const std::int64_t> rows = kPaperScales);

// First rows of windows of `length` over `rows` rows; the last one is moved back to end with the last row. One window
// at 0 when there are fewer rows.
std::vector<std::int64_t> window_starts(std::int64_t rows, std::int64_t length, double overlap);

}  // namespace tal
