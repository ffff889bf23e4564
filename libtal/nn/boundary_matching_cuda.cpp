#include "libtal/nn/boundary_matching_cuda.h"

#include <ATen/ATen.h>

#include <deque>
#include <mutex>

#include "libtal/nn/own_gradients.h"

namespace tal {
namespace {

// A table's arrays on one device.
struct DeviceTable {
  at::Tensor taps, weights;  // [D, N, 3] int32, float
  at::Tensor proposal_begin, extra_sample, extra_weight, sample_begin, extra_proposal,
      extra_weight_by_sample;  // only where the table truncates
  std::int64_t rows = 0, durations = 0, samples = 0, proposals = 0;

  DeviceTable(const BoundaryMatchingTable& table, const at::Device& device);
  TalMatchingTable view() const;

 private:
  void add_extras(const BoundaryMatchingTable& table, const at::Device& device);
};

at::Tensor int_tensor(const std::vector<std::int32_t>& values, const at::Device& device) {
  return at::tensor(values, at::kInt).to(device);
}

DeviceTable::DeviceTable(const BoundaryMatchingTable& table, const at::Device& device)
    : rows(table.spec().rows),
      durations(table.spec().durations),
      samples(table.spec().samples),
      proposals(table.proposals()) {
  std::vector<std::int32_t> triples;
  std::int64_t count = 0;
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t n = 0; n < samples; ++n) {
      const auto& t = table.taps(j, n);
      triples.insert(triples.end(), {t.offset, t.begin, t.count});
      count = t.begin + t.count;
    }
  taps = int_tensor(triples, device);
  weights =
      at::tensor(at::ArrayRef<float>(table.weights(0.0f), static_cast<std::size_t>(count)), at::kFloat).to(device);
  if (table.spec().truncate) add_extras(table, device);
}

void DeviceTable::add_extras(const BoundaryMatchingTable& table, const at::Device& device) {
  std::vector<std::int32_t> begin{0}, sample, begin_by_sample{0}, proposal_by_sample;
  std::vector<float> weight, weight_by_sample;
  std::vector<std::vector<std::pair<std::int32_t, float>>> of_sample(static_cast<std::size_t>(samples));
  for (std::int64_t p = 0; p < proposals; ++p) {
    for (const auto& e : table.extras(p)) {
      sample.push_back(e.sample), weight.push_back(static_cast<float>(e.weight));
      of_sample[static_cast<std::size_t>(e.sample)].emplace_back(static_cast<std::int32_t>(p),
                                                                 static_cast<float>(e.weight));
    }
    begin.push_back(static_cast<std::int32_t>(sample.size()));
  }
  for (const auto& entries : of_sample) {
    for (const auto& [p, w] : entries) proposal_by_sample.push_back(p), weight_by_sample.push_back(w);
    begin_by_sample.push_back(static_cast<std::int32_t>(proposal_by_sample.size()));
  }
  proposal_begin = int_tensor(begin, device), extra_sample = int_tensor(sample, device),
  extra_weight = at::tensor(weight, at::kFloat).to(device);
  sample_begin = int_tensor(begin_by_sample, device), extra_proposal = int_tensor(proposal_by_sample, device);
  extra_weight_by_sample = at::tensor(weight_by_sample, at::kFloat).to(device);
}

TalMatchingTable DeviceTable::view() const {
  const auto ints = [](const at::Tensor& t) { return t.defined() ? t.const_data_ptr<std::int32_t>() : nullptr; };
  const auto floats = [](const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; };
  return {static_cast<std::int32_t>(rows),
          static_cast<std::int32_t>(durations),
          static_cast<std::int32_t>(samples),
          ints(taps),
          floats(weights),
          ints(proposal_begin),
          ints(extra_sample),
          floats(extra_weight),
          ints(sample_begin),
          ints(extra_proposal),
          floats(extra_weight_by_sample)};
}

// Uploaded once for each spec and device, and kept.
const DeviceTable& device_table(const BoundaryMatchingTable& table, const at::Device& device) {
  struct Kept {
    BoundaryMatchingSpec spec;
    at::Device device;
    DeviceTable table;
  };
  static std::mutex mutex;
  static std::deque<Kept>& all = *new std::deque<Kept>;  // never destroyed: by then CUDA may be gone
  const std::lock_guard lock(mutex);
  for (const auto& kept : all)
    if (kept.spec == table.spec() && kept.device == device) return kept.table;
  all.push_back({table.spec(), device, DeviceTable(table, device)});
  return all.back().table;
}

// The sparse sums alone: g [B, T, N, O], bias [O] -> [B, L, O]. Linear in g, so that only a ReLU needs something kept
// for the gradient.
// Table and kernels live for ever.
Operation sparse_sums(const CudaKernels& kernels, const DeviceTable& table, const at::Tensor& g, const at::Tensor& bias,
                      bool relu) {
  const std::int64_t batch = g.size(0), filters = g.size(3);
  auto y = at::empty({batch, table.proposals, filters}, g.options());
  const auto view = table.view();
  kernels.check(kernels.matching_forward(queue_of(g), &view, g.const_data_ptr<float>(), bias.const_data_ptr<float>(),
                                         y.data_ptr<float>(), batch, filters, relu),
                "boundary matching");
  const auto gradients = [kernels = &kernels, table = &table, batch, filters](const Backward& known) {
    const auto& result = known.saved[0];
    const auto dy =
        (result.defined() ? at::threshold_backward(known.upstream, result, 0) : known.upstream).contiguous();
    at::Tensor dg, dbias;
    if (known.wanted[0]) {
      dg = at::empty({batch, table->rows, table->samples, filters}, dy.options());
      const auto sizes = table->view();
      kernels->check(kernels->matching_backward(queue_of(dy), &sizes, dy.const_data_ptr<float>(), dg.data_ptr<float>(),
                                                batch, filters),
                     "boundary matching's gradient");
    }
    if (known.wanted[1]) dbias = dy.sum(at::IntArrayRef{0, 1});
    return std::vector<at::Tensor>{dg, dbias};
  };
  return {y, {relu ? y : at::Tensor()}, gradients};
}

}  // namespace

at::Tensor boundary_matching_by(const CudaKernels& kernels, const at::Tensor& features, const at::Tensor& weight,
                                const at::Tensor& bias, const BoundaryMatchingTable& table, bool relu) {
  const std::int64_t filters = weight.size(0), samples = table.spec().samples;
  // [B, T, C] [C, N O] -> [B, T, N, O]; both gradients are products as well.
  const auto packed = weight.flatten(2).permute({1, 2, 0}).flatten(1);
  const auto g = at::matmul(features.transpose(1, 2), packed).view({features.size(0), -1, samples, filters});
  const auto offsets = bias.defined() ? bias.contiguous() : at::zeros({filters}, weight.options().requires_grad(false));
  const auto products = g.contiguous();
  const DeviceTable& lasting = device_table(table, features.device());
  return with_gradients({products, offsets}, [&] { return sparse_sums(kernels, lasting, products, offsets, relu); });
}

}  // namespace tal
