// What libFuzzer (cmake -DTAL_FUZZ=ON, clang) and the smoke driver share: the entry function, and what may come out of
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "libtal/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);  // a target may define it

namespace tal::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Runs body. Error and UsageError are the answers to bad input; everything else is a finding (it ends the fuzzer).
template <class Body>
void answers(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.message().empty()) std::abort();
  } catch (const UsageError&) {
  }
}

// A property that holds for every input.
inline void hold(bool property, const char* what) {
  if (property) return;
  std::fprintf(stderr, "broken property: %s\n", what);
  std::abort();
}

}  // namespace tal::fuzz
