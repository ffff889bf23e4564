#include "libtal/nn/bilstm.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "libtal/nn/device.h"
#include "libtal/nn/lstm_recurrence.h"
#include "libtal/nn/shapes.h"

namespace tal {

BiLstmImpl::BiLstmImpl(std::int64_t inputs, std::int64_t hidden) : hidden_(hidden) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  for (int d = 0; d < 2; ++d) {
    const std::string suffix = d ? "_l0_reverse" : "_l0";
    const auto add = [&](const char* name, at::IntArrayRef shape) {
      return register_parameter(name + suffix, torch::empty(shape).uniform_(-bound, bound));
    };
    // One after the other: the order in which the parameters draw from the generator is part of what a seed means.
    Direction& direction = directions_[d];
    direction.w_ih = add("weight_ih", {4 * hidden, inputs});
    direction.w_hh = add("weight_hh", {4 * hidden, hidden});
    direction.b_ih = add("bias_ih", {4 * hidden});
    direction.b_hh = add("bias_hh", {4 * hidden});
  }
}

std::vector<torch::Tensor> BiLstmImpl::weights() const {
  std::vector<torch::Tensor> all;
  for (const Direction& d : directions_)
    for (const auto& p : {d.w_ih, d.w_hh, d.b_ih, d.b_hh}) all.push_back(p);
  return all;
}

void BiLstmImpl::to(torch::Device device, torch::Dtype type, bool non_blocking) {
  Module::to(device, type, non_blocking);
  flatten();
}
void BiLstmImpl::to(torch::Dtype type, bool non_blocking) {
  Module::to(type, non_blocking);
  flatten();
}
void BiLstmImpl::to(torch::Device device, bool non_blocking) {
  Module::to(device, non_blocking);
  flatten();
}

// Else cuDNN copies them together at every call, and LibTorch warns.
void BiLstmImpl::flatten() {
  const torch::Tensor& first = directions_[0].w_ih;
  if (!torch::cudnn_is_acceptable(first) || !torch::_use_cudnn_rnn_flatten_weight()) return;
  constexpr int kParametersOfDirection = 4, kLstm = 2, kLayers = 1;  // kLstm: of cudnnRNNMode_t
  const torch::NoGradGuard guard;
  torch::_cudnn_rnn_flatten_weight(weights(), kParametersOfDirection, first.size(1), kLstm, hidden_, /*proj_size=*/0,
                                   kLayers, /*batch_first=*/true, /*bidirectional=*/true);
}

torch::Tensor BiLstmImpl::forward(const torch::Tensor& input) {
  check_shape(input, {kAny, kAny, directions_[0].w_ih.size(1)}, "BiLSTM: rows [N, L, C]");
  const OwnPrecision own;
  const torch::Tensor rows = input.to(directions_[0].w_ih.scalar_type());
  const torch::Tensor zero = rows.new_zeros({2, rows.size(0), hidden_});
  return std::get<0>(torch::lstm(rows, {zero, zero}, weights(), true, 1, 0.0, is_training(), true, true));
}

torch::Tensor BiLstmImpl::forward_shared(const SharedRows& rows) {
  check_shape(rows.values, {kAny, directions_[0].w_ih.size(1)}, "BiLSTM: distinct rows [W, C]");
  check_shape(rows.index, {kAny, kAny}, "BiLSTM: index of shared rows [N, L]");
  return torch::GradMode::is_enabled() || !rows.values.device().is_cpu() ? forward(rows.expand()) : run_shared(rows);
}

// Sequences that are run side by side: their states stay in the second cache while all weights pass by.
constexpr std::int64_t kGroup = 96;

torch::Tensor BiLstmImpl::run_shared(const SharedRows& rows) const {
  const OwnPrecision own;
  const std::int64_t n = rows.count(), length = rows.length(), h = hidden_;
  const torch::Tensor values = rows.values.to(directions_[0].w_ih.scalar_type()),
                      out = values.new_empty({n, length, 2 * h});
  const torch::Tensor steps = rows.index.t().contiguous();  // [L, N]
  if (values.scalar_type() == torch::kFloat) {
    torch::Tensor input = values.new_empty({0});  // [W, 4H]
    for (int d = 0; d < 2; ++d) {
      const Direction& p = directions_[d];
      const LstmRecurrence recurrence(p.w_hh);
      torch::addmm_out(input, recurrence.arranged(p.b_ih + p.b_hh), values, recurrence.arranged(p.w_ih).t());
      const std::int64_t groups =
          std::max<std::int64_t>((n + kGroup - 1) / kGroup, std::min<std::int64_t>(n, at::get_num_threads()));
      at::parallel_for(0, groups, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t g = begin; g < end; ++g)
          recurrence.run(input, steps, g * n / groups, (g + 1) * n / groups - g * n / groups, d == 1, out, d * h);
      });
    }
    return out;
  }
  // Gates in the order i, f, o, g: one sigmoid over the first three.
  const torch::Tensor order =
      torch::cat({torch::arange(2 * h), torch::arange(3 * h, 4 * h), torch::arange(2 * h, 3 * h)});
  const std::int64_t group = std::min<std::int64_t>(n, 256), groups = (n + group - 1) / group;
  for (int d = 0; d < 2; ++d) {
    const Direction& p = directions_[d];
    const torch::Tensor input =
        torch::addmm((p.b_ih + p.b_hh).index_select(0, order), values, p.w_ih.index_select(0, order).t());  // [W, 4H]
    const torch::Tensor w_hh = p.w_hh.index_select(0, order).t();                                           // [H, 4H]
    at::parallel_for(0, groups, 1, [&](std::int64_t begin, std::int64_t end) {
      const torch::NoGradGuard guard;
      for (std::int64_t g = begin; g < end; ++g) {
        const std::int64_t first = g * n / groups, count = (g + 1) * n / groups - first;
        torch::Tensor gates = input.new_empty({count, 4 * h}), cell = input.new_zeros({count, h}),
                      state = input.new_empty({count, h});
        const torch::Tensor open = gates.narrow(1, 0, 3 * h), i = gates.narrow(1, 0, h), f = gates.narrow(1, h, h),
                            o = gates.narrow(1, 2 * h, h), candidate = gates.narrow(1, 3 * h, h);
        for (std::int64_t step = 0; step < length; ++step) {
          const std::int64_t k = d ? length - 1 - step : step;
          torch::index_select_out(gates, input, 0, steps[k].narrow(0, first, count));
          if (step) gates.addmm_(state, w_hh);
          open.sigmoid_(), candidate.tanh_();
          cell.mul_(f).addcmul_(i, candidate);
          torch::tanh_out(state, cell).mul_(o);
          out.narrow(0, first, count).select(1, k).narrow(1, d * h, h).copy_(state);
        }
      }
    });
  }
  return out;
}

}  // namespace tal
