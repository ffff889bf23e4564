#include "libtal/nn/selective_scan.h"

#include <torch/torch.h>

#include <vector>

#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

void check_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                const at::Tensor& C, const at::Tensor& D, const at::Tensor& z, const at::Tensor& delta_bias) {
  check_shape(u, {kAny, kAny, kAny}, "scan: input [B, D, L]");
  check_same_shape(delta, u, "scan: steps [B, D, L]");
  check_shape(A, {u.size(1), at_least(1)}, "scan: A [D, N]");
  check_shape(B, {u.size(0), A.size(1), u.size(2)}, "scan: B [B, N, L]");
  check_shape(C, {u.size(0), A.size(1), u.size(2)}, "scan: C [B, N, L]");
  if (D.defined()) check_shape(D, {u.size(1)}, "scan: D [D]");
  if (z.defined()) check_same_shape(z, u, "scan: gate [B, D, L]");
  if (delta_bias.defined()) check_shape(delta_bias, {u.size(1)}, "scan: bias of the steps [D]");
}

}  // namespace

at::Tensor selective_scan_reference(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                                    const at::Tensor& B, const at::Tensor& C, const at::Tensor& D, const at::Tensor& z,
                                    const at::Tensor& delta_bias, bool softplus, at::Tensor* state) {
  check_scan(u, delta, A, B, C, D, z, delta_bias);
  auto steps = delta_bias.defined() ? delta + delta_bias.unsqueeze(1) : delta;
  if (softplus) steps = at::softplus(steps);
  const auto input = steps * u;
  auto h = at::zeros({u.size(0), u.size(1), A.size(1)}, u.options());
  std::vector<at::Tensor> outputs;
  for (std::int64_t t = 0; t < u.size(2); ++t) {
    const auto decay = (steps.select(2, t).unsqueeze(2) * A).exp();  // [B, D, N]
    h = decay * h + input.select(2, t).unsqueeze(2) * B.select(2, t).unsqueeze(1);
    outputs.push_back(at::matmul(h, C.select(2, t).unsqueeze(2)).squeeze(2));
  }
  auto y = outputs.empty() ? at::zeros_like(u) : at::stack(outputs, 2);
  if (D.defined()) y = y + D.unsqueeze(1) * u;
  if (z.defined()) y = y * at::silu(z);
  if (state) *state = h;
  return y;
}

at::Tensor selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                          const at::Tensor& C, const at::Tensor& D, const at::Tensor& z, const at::Tensor& delta_bias,
                          bool softplus) {
  return selective_scan_reference(u, delta, A, B, C, D, z, delta_bias, softplus);
}

}  // namespace tal
