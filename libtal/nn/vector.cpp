#include "libtal/nn/vector.h"

#include <algorithm>
#include <atomic>

namespace tal {
namespace {

int widest() {
#ifdef TAL_X86
  __builtin_cpu_init();
  if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2")))
    return 16;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl")
             ? 64
             : 32;
#else
  return 16;
#endif
}

std::atomic<int> in_use{widest()};

}  // namespace

int vector_bytes() { return in_use; }
void use_vectors(int most_bytes) { in_use = std::min(widest(), most_bytes >= 64 ? 64 : most_bytes >= 32 ? 32 : 16); }

}  // namespace tal
