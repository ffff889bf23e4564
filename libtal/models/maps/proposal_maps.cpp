#include "libtal/models/maps/proposal_maps.h"

#include "libtal/nn/shapes.h"

namespace tal {
namespace F = torch::nn::functional;

torch::Tensor boundary_map(const torch::Tensor& start, const torch::Tensor& end, std::int64_t durations) {
  check_shape(start, {kAxes, at_least(1)}, "map of boundaries: starts [..., T]");
  check_same_shape(end, start, "map of boundaries: ends [..., T]");
  const std::int64_t rows = start.size(-1);
  const auto padded = F::pad(end, F::PadFuncOptions({0, durations}));  // end[i + j] is 0 where i + j >= T
  // unfold: windows[.., i, j] = padded[i + j]
  return start.unsqueeze(-2) * padded.unfold(-1, durations, 1).narrow(-2, 0, rows).transpose(-1, -2);
}

torch::Tensor map_scores(const torch::Tensor& boundary, const torch::Tensor& regression,
                         const torch::Tensor& classification) {
  check_same_shape(regression, boundary, "scores of the maps: regression");
  check_same_shape(classification, boundary, "scores of the maps: classification");
  return boundary * (classification * regression).sqrt();
}

}  // namespace tal
