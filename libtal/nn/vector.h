// Loops compiled for several instruction sets, of which the processor's best is taken when the program starts.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TAL_X86 1
#define TAL_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TAL_VECTOR_CLONES
#endif
#define TAL_INLINE inline __attribute__((always_inline))
