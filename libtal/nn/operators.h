// Operators of LibTorch by name: those that its compiler calls and its headers do not declare.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace tal {

// nullptr where this build of LibTorch has no such operator, or no kernel of it for `key`.
template <class Signature>
const c10::TypedOperatorHandle<Signature>* find_operator(const char* name, const char* overload,
                                                         c10::DispatchKey key = c10::DispatchKey::CPU) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found || !found->hasKernelForDispatchKey(key)) return nullptr;
  return new c10::TypedOperatorHandle<Signature>(found->typed<Signature>());  // for as long as the process runs
}

}  // namespace tal
