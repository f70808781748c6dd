// AVX-512 as functions of plain C, by Intel's description of each instruction (Intrinsics Guide), and CKernels' functions
// under other names. Include it before the file whose loops are emulated.

#include "EmulatedKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

// In the place of Wide.h.
#define WIDE_H
#define AVX512 __attribute__((target("avx2,fma,f16c"), unused))
#define AVX512_INLINED AVX512 static inline __attribute__((always_inline))
#define VNNI AVX512
#define VNNI_INLINED AVX512_INLINED
#define LANE for (int i = 0; i < 16; i++)

typedef union {
  __m512 vector;
  __m512d doubles;
  __m512i integers;
  float f[16];
  double d[8];
  int32_t i[16];
  uint8_t u[64];
  int8_t s[64];
} lanes;

static inline int emulated_widest_vectors(void) { return kernel_vectors_avx512; }

AVX512_INLINED __m512 emulated_load(const void *from) {
  lanes x;
  memcpy(&x, from, sizeof x);
  return x.vector;
}

/// The instruction faults at other addresses.
AVX512_INLINED __m512 emulated_load_aligned(const void *from) {
  if ((uintptr_t)from % 64) __builtin_trap();
  return emulated_load(from);
}

AVX512_INLINED void emulated_store(void *to, __m512 vector) { memcpy(to, &vector, sizeof vector); }

AVX512_INLINED void emulated_store_aligned(void *to, __m512 vector) {
  if ((uintptr_t)to % 64) __builtin_trap();
  emulated_store(to, vector);
}

/// Zero where the mask is not set; what is not read may lie outside.
AVX512_INLINED __m512 emulated_load_some(__mmask16 mask, const float *from) {
  lanes x;
  LANE x.f[i] = mask >> i & 1 ? from[i] : 0;
  return x.vector;
}

AVX512_INLINED void emulated_store_some(float *to, __mmask16 mask, __m512 vector) {
  lanes x = {vector};
  LANE if (mask >> i & 1) to[i] = x.f[i];
}

AVX512_INLINED __m512 emulated_all(float value) {
  lanes x;
  LANE x.f[i] = value;
  return x.vector;
}

AVX512_INLINED __m512 emulated_add(__m512 a, __m512 b) {
  lanes x = {a}, y = {b};
  LANE x.f[i] += y.f[i];
  return x.vector;
}

AVX512_INLINED __m512 emulated_multiply_add(__m512 a, __m512 b, __m512 c) {
  lanes x = {a}, y = {b}, z = {c};
  LANE z.f[i] = __builtin_fmaf(x.f[i], y.f[i], z.f[i]);
  return z.vector;
}

AVX512_INLINED float emulated_sum(__m512 vector) {
  lanes x = {vector};
  float sum = 0;
  LANE sum += x.f[i];
  return sum;
}

AVX512_INLINED __m512 emulated_from_half(__m256i halves) {
  lanes x;
  __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(halves)), high = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
  memcpy(x.f, &low, sizeof low), memcpy(x.f + 8, &high, sizeof high);
  return x.vector;
}

AVX512_INLINED __m512i emulated_from_short(__m256i shorts) {
  uint16_t source[16];
  lanes x;
  memcpy(source, &shorts, sizeof source);
  LANE x.i[i] = source[i];
  return x.integers;
}

AVX512_INLINED __m512i emulated_shift(__m512i vector, unsigned bits) {
  lanes x = {.integers = vector};
  LANE x.i[i] = (int32_t)((uint32_t)x.i[i] << bits);
  return x.integers;
}

AVX512_INLINED __m512 emulated_unpack(__m512 a, __m512 b, int high) {
  lanes x = {a}, y = {b}, z;
  LANE z.f[i] = (i % 2 ? y : x).f[i / 4 * 4 + 2 * high + i % 4 / 2];
  return z.vector;
}

AVX512_INLINED __m512d emulated_unpack_doubles(__m512d a, __m512d b, int high) {
  lanes x = {.doubles = a}, y = {.doubles = b}, z;
  for (int i = 0; i < 8; i++) z.d[i] = (i % 2 ? y : x).d[i / 2 * 2 + high];
  return z.doubles;
}

/// Quarters of four: two of `a`, then two of `b`.
AVX512_INLINED __m512 emulated_shuffle(__m512 a, __m512 b, int control) {
  lanes x = {a}, y = {b}, z;
  LANE z.f[i] = (i < 8 ? x : y).f[(control >> (i / 4 * 2) & 3) * 4 + i % 4];
  return z.vector;
}

AVX512_INLINED __m512 emulated_permute(__m512 a, __m512i places, __m512 b) {
  lanes x = {a}, y = {b}, at = {.integers = places}, z;
  LANE z.f[i] = (at.i[i] & 16 ? y : x).f[at.i[i] & 15];
  return z.vector;
}

/// Sixteen of the elements of `b` followed by those of `a`, from `first` on.
AVX512_INLINED __m512i emulated_align(__m512i a, __m512i b, int first) {
  lanes x = {.integers = a}, y = {.integers = b}, z;
  LANE z.i[i] = i + first < 16 ? y.i[i + first] : x.i[i + first - 16];
  return z.integers;
}

AVX512_INLINED __m512 emulated_multiply(__m512 a, __m512 b) {
  lanes x = {a}, y = {b};
  LANE x.f[i] *= y.f[i];
  return x.vector;
}

AVX512_INLINED __m512i emulated_load_integers(const void *from) {
  lanes x = {emulated_load(from)};
  return x.integers;
}

AVX512_INLINED __m512i emulated_load_some_integers(__mmask16 mask, const int32_t *from) {
  lanes x;
  LANE x.i[i] = mask >> i & 1 ? from[i] : 0;
  return x.integers;
}

AVX512_INLINED void emulated_store_some_integers(int32_t *to, __mmask16 mask, __m512i vector) {
  lanes x = {.integers = vector};
  LANE if (mask >> i & 1) to[i] = x.i[i];
}

AVX512_INLINED __m512i emulated_all_integers(int32_t value) {
  lanes x;
  LANE x.i[i] = value;
  return x.integers;
}

AVX512_INLINED __m512 emulated_from_integers(__m512i vector) {
  lanes x = {.integers = vector};
  LANE x.f[i] = (float)x.i[i];
  return x.vector;
}

AVX512_INLINED int32_t emulated_integer_sum(__m512i vector) {
  lanes x = {.integers = vector};
  int32_t sum = 0;
  LANE sum += x.i[i];
  return sum;
}

/// Four products of a byte without and a byte with a sign are added to each lane.
AVX512_INLINED __m512i emulated_add_bytes(__m512i sums, __m512i a, __m512i b) {
  lanes x = {.integers = sums}, y = {.integers = a}, z = {.integers = b};
  for (int k = 0; k < 64; k++) x.i[k / 4] += y.u[k] * z.s[k];
  return x.integers;
}

#undef _mm512_alignr_epi32
#undef _mm512_shuffle_f32x4
#define _mm512_loadu_ps emulated_load
#define _mm512_load_ps emulated_load_aligned
#define _mm512_storeu_ps emulated_store
#define _mm512_store_ps emulated_store_aligned
#define _mm512_maskz_loadu_ps emulated_load_some
#define _mm512_mask_storeu_ps emulated_store_some
#define _mm512_set1_ps emulated_all
#define _mm512_setzero_ps() emulated_all(0)
#define _mm512_add_ps emulated_add
#define _mm512_fmadd_ps emulated_multiply_add
#define _mm512_reduce_add_ps emulated_sum
#define _mm512_cvtph_ps emulated_from_half
#define _mm512_cvtepu16_epi32 emulated_from_short
#define _mm512_slli_epi32 emulated_shift
#define _mm512_unpacklo_ps(a, b) emulated_unpack(a, b, 0)
#define _mm512_unpackhi_ps(a, b) emulated_unpack(a, b, 1)
#define _mm512_unpacklo_pd(a, b) emulated_unpack_doubles(a, b, 0)
#define _mm512_unpackhi_pd(a, b) emulated_unpack_doubles(a, b, 1)
#define _mm512_shuffle_f32x4 emulated_shuffle
#define _mm512_permutex2var_ps emulated_permute
#define _mm512_alignr_epi32 emulated_align
#define _mm512_mul_ps emulated_multiply
#define _mm512_loadu_si512 emulated_load_integers
#define _mm512_maskz_loadu_epi32 emulated_load_some_integers
#define _mm512_mask_storeu_epi32 emulated_store_some_integers
#define _mm512_set1_epi32 emulated_all_integers
#define _mm512_cvtepi32_ps emulated_from_integers
#define _mm512_reduce_add_epi32 emulated_integer_sum
#define _mm512_dpbusd_epi32 emulated_add_bytes
// These only name the bits anew or write them down, and so take no instruction of AVX-512.
#define _mm512_castsi512_ps(x) ((lanes){.integers = (x)}.vector)
#define _mm512_castps_si512(x) ((lanes){(x)}.integers)
#define _mm512_castps_pd(x) ((lanes){(x)}.doubles)
#define _mm512_castpd_ps(x) ((lanes){.doubles = (x)}.vector)
#undef _mm512_setr_epi32
#define _mm512_setr_epi32(...) ((lanes){.i = {__VA_ARGS__}}.integers)
#define kernel_widest_vectors emulated_widest_vectors
#endif

#define kernel_has_panels emulated_has_panels
#define kernel_multiply_adds emulated_multiply_adds
#define kernel_pack_tiles emulated_pack_tiles
#define kernel_pack_panels emulated_pack_panels
#define kernel_pack_columns emulated_pack_columns
#define kernel_multiply_packed emulated_multiply_packed
#define kernel_has_byte_panels emulated_has_byte_panels
#define kernel_multiply_bytes emulated_multiply_bytes
#define kernel_offsets emulated_offsets
#define kernel_winograd_weights emulated_winograd_weights
#define kernel_winograd_input emulated_winograd_input
#define kernel_winograd_output emulated_winograd_output
