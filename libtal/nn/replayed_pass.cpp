#include "libtal/nn/replayed_pass.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/base/shared_library.h"
#include "libtal/graphs/recorded_pass.h"
#include "libtal/nn/device.h"

namespace tal {
namespace {

constexpr std::size_t kMostShapes = 8;  // each keeps memory of its own

using RecordFunction = decltype(&tal_record_pass);

struct Opened {
  RecordFunction record = nullptr;
  std::string why;  // not
};

const Opened& opened() {
  static const Opened once = [] {
    Opened found;
    try {
      const SharedLibrary library("libtal-graphs.so");
      found.record = library.symbol<RecordFunction>("tal_record_pass");
    } catch (const Error& error) {
      found.why = error.message();
    }
    return found;
  }();
  return once;
}

// Weights cast for one pass are no weights of a later one: the casts belong into the recording.
class NoCastsKept {
 public:
  NoCastsKept() : before_(at::autocast::is_autocast_cache_enabled()) {
    at::autocast::set_autocast_cache_enabled(false);
  }
  ~NoCastsKept() { at::autocast::set_autocast_cache_enabled(before_); }

 private:
  bool before_;
};

}  // namespace

void ReplayedPass::forget_changed(const std::vector<at::Tensor>& weights) {
  std::vector<std::pair<const void*, std::uint32_t>> state;
  state.reserve(weights.size());
  for (const auto& weight : weights)
    state.emplace_back(weight.const_data_ptr(), weight.is_inference() ? 0 : weight._version());
  if (state == state_) return;
  state_ = std::move(state);
  kept_.clear();
}

ReplayedPass::Recorded* ReplayedPass::find(const at::Tensor& x) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Recorded& one) {
    return x.sizes() == one.sizes && x.strides() == one.strides && x.scalar_type() == one.type;
  });
  return found == kept_.end() ? nullptr : &*found;
}

std::vector<at::Tensor> ReplayedPass::operator()(const at::Tensor& x, const c10::Device& device,
                                                 const std::vector<at::Tensor>& weights, const Pass& pass) {
  const auto plainly = [&] { return pass(x.to(device)); };
  if (!device.is_cuda() || torch::GradMode::is_enabled() || !refusal_.empty()) return plainly();
  if (!opened().record) {
    refusal_ = opened().why;
    return plainly();
  }
  forget_changed(weights);
  const auto computed = computed_type(device);
  auto* known = find(x);
  if (!known || known->computed != computed) {
    if (known) kept_.erase(kept_.begin() + (known - kept_.data()));
    if (kept_.size() == kMostShapes) kept_.erase(kept_.begin());
    kept_.push_back({x.sizes().vec(), x.strides().vec(), x.scalar_type(), computed, {}, {}, {}});
    return plainly();
  }
  if (known->pass) {
    known->x.copy_(x, /*non_blocking=*/true);
    known->pass->replay();
    return known->results;
  }
  known->x = at::empty_strided(known->sizes, known->strides, x.options().device(device)).copy_(x);
  try {
    const NoCastsKept none;
    known->pass.reset(opened().record(known->x.device().index(), [&] { known->results = pass(known->x); }));
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    refusal_ = error.what_without_backtrace();
    kept_.clear();
    return plainly();
  }
  known->pass->replay();
  return known->results;
}

}  // namespace tal
