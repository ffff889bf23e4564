// ETP's Refinement and Localization Networks one proposal at a time, parts written out row by row: what the batched
// forms are compared with.
#pragma once

#include "libtal/models/etp/etp_ln.h"
#include "libtal/models/etp/etp_rn.h"

namespace tal::reference {

// Mean of the rows whose centre lies in [a, b); without one the row at the midpoint of what lies inside; outside 0.
inline torch::Tensor part_mean(const torch::Tensor& x, double a, double b) {
  const auto rows = x.size(0);
  auto sum = torch::zeros({x.size(1)}, x.options());
  const double low = std::max(a, 0.0), high = std::min(b, static_cast<double>(rows));
  if (!(low < high) && !(a == b && a > 0 && a < static_cast<double>(rows))) return sum;
  std::int64_t first = 0;
  while (static_cast<double>(first) + 0.5 < low) ++first;
  std::int64_t last = first;
  while (last < rows && static_cast<double>(last) + 0.5 < high) ++last;
  if (last > first) return x.narrow(0, first, last - first).mean(0);
  return x[std::min(rows - 1, static_cast<std::int64_t>((low + high) / 2))];
}

inline torch::Tensor parts(const torch::Tensor& x, const Segment& segment) {  // [5, C]
  const double s = segment.start, e = segment.end, d = e - s, m = (s + e) / 2;
  return torch::stack({part_mean(x, s - d / 2, s), part_mean(x, s, e), part_mean(x, s, m), part_mean(x, m, e),
                       part_mean(x, e, e + d / 2)});
}

inline EtpLnOutputs score_one_by_one(EtpLn& network, const torch::Tensor& x, const std::vector<Segment>& segments) {
  torch::NoGradGuard guard;
  std::vector<torch::Tensor> cls, comp, reg;
  for (const auto& segment : segments) {
    const auto out = network->forward(parts(x, segment).unsqueeze(0));
    cls.push_back(out.cls), comp.push_back(out.comp), reg.push_back(out.reg);
  }
  return {torch::cat(cls), torch::cat(comp), torch::cat(reg)};
}

// proposals: ranges of units of the grid.
inline torch::Tensor refine_one_by_one(EtpRn& network, const torch::Tensor& x, const UnitGrid& grid,
                                       const std::vector<RowRange>& proposals) {
  torch::NoGradGuard guard;
  std::vector<torch::Tensor> moves;
  for (const auto& range : proposals) {
    std::vector<torch::Tensor> units;
    for (std::int64_t unit = range.first; unit < range.end; ++unit) units.push_back(parts(x, grid.rows(unit)));
    const auto features = network->unit_features(torch::stack(units));
    const auto state = std::get<1>(network->gru->forward(features.unsqueeze(0)));  // [4, 1, H]
    moves.push_back(network->fc->forward(torch::cat({state[2], state[3]}, 1)));
  }
  return torch::cat(moves);
}

}  // namespace tal::reference
