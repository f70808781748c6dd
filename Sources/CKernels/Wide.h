#ifndef WIDE_H
#define WIDE_H

// What Panels.c, Bytes.c and Winograd.c need for processors with AVX-512. For those without, the tests put functions in the
// place of its instructions (Tests/EmulatedKernels), so that these loops are tested on every x86-64 processor with AVX2.

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define AVX512_INLINED AVX512 static inline __attribute__((always_inline))
/// The same with VNNI, whose instruction multiplies bytes.
#define VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define VNNI_INLINED VNNI static inline __attribute__((always_inline))
#endif
#endif
