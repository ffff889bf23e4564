// The boundary-matching layer in its obvious form: sample every proposal, then convolve. What the re-associated form
// must equal, and the baseline of the bench.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <cstdint>

namespace tal::reference {

// BMN's sampling mask [T, N, D, T] in float64, written as the public code does it, point by point.
inline torch::Tensor sampling_mask(std::int64_t rows, std::int64_t durations, std::int64_t samples,
                                   std::int64_t per_bin, double widen, bool truncate) {
  auto mask = torch::zeros({rows, samples, durations, rows}, torch::kDouble);
  auto m = mask.accessor<double, 4>();
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t i = 0; i + j < rows; ++i) {
      const double a = static_cast<double>(i) - widen * static_cast<double>(j + 1),
                   b = static_cast<double>(i + j) + widen * static_cast<double>(j + 1);
      const double step = samples * per_bin > 1 ? (b - a) / static_cast<double>(samples * per_bin - 1) : 0;
      for (std::int64_t point = 0; point < samples * per_bin; ++point) {
        const double x = a + step * static_cast<double>(point), row = std::floor(x), r = x - row;
        const auto add = [&](double at, double weight) {
          if (at >= 0 && at < static_cast<double>(rows))
            m[static_cast<std::int64_t>(at)][point / per_bin][j][i] += weight / static_cast<double>(per_bin);
        };
        if (truncate && x > -1 && x < 0) {
          add(0, 1);
        } else {
          add(row, 1 - r);
          add(row + 1, r);
        }
      }
    }
  return mask;
}

// features [B, C, T] -> [B, C, N, D, T]
inline torch::Tensor sample(const torch::Tensor& features, const torch::Tensor& mask) {
  return torch::matmul(features, mask.view({mask.size(0), -1}))
      .view({features.size(0), features.size(1), mask.size(1), mask.size(2), mask.size(3)});
}

// weight [O, C, N, 1, 1], bias [O] or undefined -> [B, O, D, T], no activation.
inline torch::Tensor sample_then_convolve(const torch::Tensor& features, const torch::Tensor& weight,
                                          const torch::Tensor& bias, const torch::Tensor& mask) {
  return torch::conv3d(sample(features, mask), weight, bias, {mask.size(1), 1, 1}).squeeze(2);
}

}  // namespace tal::reference
