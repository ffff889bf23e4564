// Errors of LibTorch, and values that are not finite, in our words and with the model's name.
#pragma once

#include <c10/util/Exception.h>

#include <initializer_list>
#include <string>

#include "libtal/base/error.h"
#include "libtal/models/core/model.h"

namespace tal {

// What happened in one line, without where in LibTorch it did.
inline constexpr const char* kNotEnoughMemory = "not enough memory";
std::string plain_words(const c10::Error& error);

// Whether all values are; undefined tensors have none.
bool all_finite(std::initializer_list<at::Tensor> tensors);
// The values, on the host as float, when all are finite: a comparison with a threshold would drop others in silence.
// Error "model 'NAME': ..." otherwise.
at::Tensor finite_on_host(const Model& model, const at::Tensor& values);

// During training: Error "model 'NAME': ..." with the first of the batch's videos, when some of what the network
// computes is not finite, before it reaches what can only fail on it (a matching, a logarithm).
void require_finite(const Model& model, const Batch& batch, std::initializer_list<at::Tensor> values);

// fn(); what LibTorch throws becomes an Error "model 'NAME': ...".
template <class Fn>
decltype(auto) guarded(const Model& model, Fn&& fn) {
  try {
    return fn();
  } catch (const c10::Error& error) {
    throw Error("model '" + model.name() + "': " + plain_words(error));
  }
}

}  // namespace tal
