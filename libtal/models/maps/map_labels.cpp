#include "libtal/models/maps/map_labels.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"

namespace tal {

BoundaryShares boundary_shares(std::span<const Segment> truths, std::int64_t rows) {
  BoundaryShares shares{std::vector<double>(static_cast<std::size_t>(rows)),
                        std::vector<double>(static_cast<std::size_t>(rows))};
  const auto cover = [&](std::vector<double>& share, double boundary, double reach) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const double from = std::max(boundary - reach, static_cast<double>(i)),
                   to = std::min(boundary + reach, static_cast<double>(i + 1));
      auto& value = share[static_cast<std::size_t>(i)];
      value = std::max(value, to - from);
    }
  };
  for (const Segment& truth : truths) {
    cover(shares.start, truth.start, truth.length() / 10);
    cover(shares.end, truth.end, truth.length() / 10);
  }
  return shares;
}

BoundaryShares boundary_labels(std::span<const Segment> truths, std::int64_t rows, bool nearest) {
  BoundaryShares labels = boundary_shares(truths, rows);
  for (auto* side : {&labels.start, &labels.end})
    for (double& value : *side) value = value > 0.5 ? 1 : 0;
  if (!nearest) return labels;
  const auto mark = [&](std::vector<double>& side, double boundary) {
    const double row = std::floor(boundary);
    if (boundary >= 0 && boundary <= static_cast<double>(rows))
      side[static_cast<std::size_t>(std::min(row, static_cast<double>(rows - 1)))] = 1;
  };
  for (const Segment& truth : truths) {
    mark(labels.start, truth.start);
    mark(labels.end, truth.end);
  }
  return labels;
}

std::vector<double> confidence_labels(std::span<const Segment> truths, std::int64_t rows, std::int64_t durations) {
  std::vector<double> confidence(static_cast<std::size_t>(rows * durations));
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t i = 0; i + j < rows; ++i) {
      double& best = confidence[static_cast<std::size_t>(j * rows + i)];
      for (const Segment& truth : truths)
        best = std::max(best, tiou({static_cast<double>(i), static_cast<double>(i + j + 1)}, truth));
    }
  return confidence;
}

int scale_bin(std::int64_t duration_rows, std::int64_t rows) {
  return 10 * duration_rows < 3 * rows ? 0 : 10 * duration_rows < 7 * rows ? 1 : 2;
}

ScaleShares scale_shares(const std::array<std::int64_t, 3>& count, double lambda) {
  ScaleShares s;
  s.count = count;
  const double all = static_cast<double>(count[0] + count[1] + count[2]);
  if (all == 0) return s;
  double sum = 0;
  for (std::size_t bin = 0; bin < 3; ++bin) {
    const double r = s.ratio[bin] = static_cast<double>(count[bin]) / all;
    s.weight[bin] = r <= 0 ? 0 : r <= lambda ? lambda * std::exp(r / lambda - 1) : lambda;  // Eq. (4)
    sum += s.weight[bin];
  }
  for (std::size_t bin = 0; bin < 3; ++bin) s.share[bin] = s.weight[bin] / sum;
  return s;
}

namespace {

// Entries of valid proposals that a test accepts, in [B][D][T].
template <class Test>
std::vector<std::int64_t> entries_where(std::span<const double> confidence, std::int64_t rows, std::int64_t durations,
                                        Test test) {
  std::vector<std::int64_t> entries;
  for (std::int64_t map = 0; map < std::ssize(confidence); map += durations * rows)
    for (std::int64_t j = 0; j < durations; ++j)
      for (std::int64_t i = 0; i + j < rows; ++i)
        if (const std::int64_t entry = map + j * rows + i; test(confidence[static_cast<std::size_t>(entry)]))
          entries.push_back(entry);
  return entries;
}

void draw_by_scale(const std::vector<std::int64_t>& entries, std::size_t count, std::int64_t rows,
                   std::int64_t durations, double lambda, Random& random, std::vector<float>& drawn) {
  std::array<std::vector<std::int64_t>, 3> bins;
  for (const std::int64_t entry : entries)
    bins[static_cast<std::size_t>(scale_bin(entry / rows % durations + 1, rows))].push_back(entry);
  const ScaleShares shares = scale_shares({std::ssize(bins[0]), std::ssize(bins[1]), std::ssize(bins[2])}, lambda);
  for (std::size_t k = 0; k < count; ++k) {
    double u = random.uniform();
    std::size_t bin = 0;
    while (bin < 2 && u >= shares.share[bin]) u -= shares.share[bin++];
    while (bins[bin].empty()) --bin;  // u was the last rounding error of the sum
    drawn[static_cast<std::size_t>(bins[bin][random.below(bins[bin].size())])] += 1;
  }
}

}  // namespace

std::vector<float> draw_proposals(std::span<const double> confidence, std::int64_t rows, std::int64_t durations,
                                  const SamplingOptions& o, Random& random) {
  std::vector<float> drawn(confidence.size());
  auto positives = entries_where(confidence, rows, durations, [&](double c) { return c > o.positive; });
  auto negatives = entries_where(confidence, rows, durations, [&](double c) { return c < o.negative; });
  const std::size_t each = std::min(positives.size(), negatives.size());
  for (const auto& entries : {positives, negatives}) {
    if (o.rule == SamplingOptions::Rule::kScale) {
      if (each) draw_by_scale(entries, each, rows, durations, o.lambda, random, drawn);
      continue;
    }
    for (const std::int64_t entry : o.rule == SamplingOptions::Rule::kAll ? entries : random.choose(entries, each))
      drawn[static_cast<std::size_t>(entry)] = 1;
  }
  return drawn;
}

std::vector<float> draw_three_levels(std::span<const double> confidence, std::int64_t rows, std::int64_t durations,
                                     double positive, double negative, Random& random) {
  std::vector<float> drawn(confidence.size());
  const auto high = entries_where(confidence, rows, durations, [&](double c) { return c > positive; });
  for (const std::int64_t entry : high) drawn[static_cast<std::size_t>(entry)] = 1;
  for (const auto& level :
       {entries_where(confidence, rows, durations, [&](double c) { return c > negative && c <= positive; }),
        entries_where(confidence, rows, durations, [&](double c) { return c > 0 && c <= negative; })}) {
    const double keep = level.empty() ? 0 : static_cast<double>(high.size()) / static_cast<double>(level.size());
    for (const std::int64_t entry : level)
      if (random.uniform() < keep) drawn[static_cast<std::size_t>(entry)] = 1;
  }
  return drawn;
}

std::int64_t multi_scale_rows(double duration, std::span<const std::int64_t> rows) {
  if (rows.size() != 3 || *std::min_element(rows.begin(), rows.end()) < 1)
    throw Error("the rows by duration must be three numbers of at least 1: up to 30 s, up to 120 s, longer");
  return rows[duration <= 30 ? 0 : duration <= 120 ? 1 : 2];
}

std::vector<std::int64_t> window_starts(std::int64_t rows, std::int64_t length, double overlap) {
  if (length < 1 || !(overlap >= 0 && overlap < 1))
    throw Error("windows need a length of at least one row and an overlap in [0, 1)");
  const auto step = std::max<std::int64_t>(1, std::llround(static_cast<double>(length) * (1 - overlap)));
  std::vector<std::int64_t> starts{0};
  while (starts.back() + length < rows) starts.push_back(std::min(starts.back() + step, rows - length));
  return starts;
}

}  // namespace tal
