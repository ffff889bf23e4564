// For loops over rows of pixels.
#pragma once

// Loops over rows of pixels exist twice, for any processor and for AVX2, chosen when the program starts. Integers and
// single multiplications give the same values in both. (Sanitizers start before that choice.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TAL_ROW_LOOP __attribute__((target_clones("avx2", "default")))
#else
#define TAL_ROW_LOOP
#endif
