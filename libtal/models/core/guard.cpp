#include "libtal/models/core/guard.h"

#include <algorithm>

#include "libtal/nn/tensors.h"

namespace tal {

std::string plain_words(const c10::Error& error) {
  std::string text = error.what_without_backtrace();
  text = text.substr(0, text.find('\n'));
  for (const char* sign : {"allocate memory", "out of memory"})
    if (text.find(sign) != std::string::npos) return kNotEnoughMemory;
  if (text.starts_with("Expected more than 1 value per channel"))
    return "BatchNorm cannot learn from a batch of one sample: raise train.batch";
  // "[enforce fail at file.cpp:12] condition. what"
  if (const auto end = text.find("] "); text.starts_with("[enforce fail at ") && end != std::string::npos)
    text = text.substr(end + 2);
  return text;
}

bool all_finite(std::initializer_list<at::Tensor> tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [](const at::Tensor& tensor) {
    return !tensor.defined() || tensor.isfinite().all().item<bool>();
  });
}

at::Tensor finite_on_host(const Model& model, const at::Tensor& values) {
  const at::Tensor own = on_host(values);
  if (!all_finite({own}))
    throw Error("model '" + model.name() +
                "': what the network computes is not finite; a training that diverged leaves such a model");
  return own;
}

void require_finite(const Model& model, const Batch& batch, std::initializer_list<at::Tensor> values) {
  if (!all_finite(values))
    throw Error(
        "model '" + model.name() +
        "': what the network computes is not finite: the training diverged. A lower train.lr or train.clip may help")
        .at_video(batch.videos.empty() ? "" : batch.videos.front());
}

}  // namespace tal
