#include "libtal/nn/selective_scan_cuda.h"

#include <ATen/ATen.h>

namespace tal {
namespace {

std::int64_t parts_of(std::int64_t items, std::int64_t size) { return (items + size - 1) / size; }

TalScan view_of(const ScanLayers& x) {
  const auto data = [](const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; };
  return {x.batch(), x.steps(), x.channels(), x.states(), data(x.u),    data(x.delta), data(x.z),
          data(x.A), data(x.B), data(x.C),    data(x.D),  data(x.bias), x.softplus};
}

}  // namespace

at::Tensor scan_by(const CudaKernels& kernels, const ScanLayers& x, ScanStates& states) {
  const auto scan = view_of(x);
  const std::int64_t chunks = parts_of(x.steps(), kTalScanSteps);
  auto y = at::empty_like(x.u);
  states.states = at::empty({x.batch(), chunks, x.states(), x.channels()}, x.u.options());
  states.totals = at::empty({x.batch(), chunks, x.channels()}, x.u.options());
  kernels.check(kernels.scan_forward(queue_of(x.u), &scan, states.states.data_ptr<float>(),
                                     states.totals.data_ptr<float>(), y.data_ptr<float>()),
                "the selective scan");
  return y;
}

ScanLayers scan_gradients_by(const CudaKernels& kernels, const ScanLayers& x, const ScanStates& states,
                             const at::Tensor& dy) {
  const auto scan = view_of(x);
  auto du = at::empty_like(x.u), ddelta = at::empty_like(x.u), dz = x.z.defined() ? at::empty_like(x.u) : at::Tensor(),
       carried = at::empty_like(states.states), ddecay = at::empty_like(states.states),
       dskip = at::empty_like(states.totals);
  auto dinput = at::empty({parts_of(x.channels(), kTalScanChannels), x.batch(), x.steps(), x.states()}, x.u.options()),
       doutput = at::empty_like(dinput);
  const TalScanGradients to{
      du.data_ptr<float>(),     ddelta.data_ptr<float>(), dz.defined() ? dz.data_ptr<float>() : nullptr,
      ddecay.data_ptr<float>(), dskip.data_ptr<float>(),  dinput.data_ptr<float>(),
      doutput.data_ptr<float>()};
  kernels.check(kernels.scan_backward(queue_of(x.u), &scan, states.states.const_data_ptr<float>(),
                                      states.totals.const_data_ptr<float>(), dy.const_data_ptr<float>(),
                                      carried.data_ptr<float>(), &to),
                "the selective scan's gradient");
  return {du,
          ddelta,
          ddecay.sum(at::IntArrayRef{0, 1}),
          dinput.sum(0),
          doutput.sum(0),
          x.D.defined() ? dskip.sum(at::IntArrayRef{0, 1}) : at::Tensor(),
          dz,
          x.bias.defined() ? ddelta.sum(at::IntArrayRef{0, 1}) : at::Tensor(),
          x.softplus};
}

}  // namespace tal
