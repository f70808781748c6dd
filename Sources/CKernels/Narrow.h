#ifndef NARROW_H
#define NARROW_H

// What Panels.c and Winograd.c do for processors whose vectors hold eight floats: AVX2 with FMA and F16C. A panel lies as two
// halves, [2][depth][16], since a row of sixteen is one line of the cache and what half a tile is multiplied with; so does
// a tile, [2][depth][6], so that half of one fills no more of the first cache than it needs.

#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINED AVX2 static inline __attribute__((always_inline))

void narrow_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles);
void narrow_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels);
void narrow_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride);
float narrow_multiply_adds(size_t count, float factor);
void narrow_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set);
void narrow_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, size_t first,
    size_t tiles, const float *bias, float *y);

/// A run of tiles of 4×4 of one row of tiles.
typedef struct {
  size_t ty, tx, count;
} run;

/// The run that begins with `tile` and ends before `end`, of at most `lanes` tiles.
static inline __attribute__((always_inline)) run run_at(size_t tile, size_t end, size_t width, size_t lanes) {
  size_t across = (width + 3) / 4;
  run r = {tile / across, tile % across, end - tile};
  if (r.count > across - r.tx) r.count = across - r.tx;
  if (r.count > lanes) r.count = lanes;
  return r;
}

/// `output_column`: Aᵀ m for neighbours side by side, six values become four, on vectors of either width.
#define OUTPUT_COLUMN(INLINED, VECTOR) \
  INLINED void output_column(const VECTOR m[6], VECTOR y[4]) { \
    VECTOR sum = m[1] + m[2], difference = m[1] - m[2]; \
    VECTOR far = m[3] + m[4], spread = m[3] - m[4]; \
    y[0] = m[0] + sum + far; \
    y[1] = difference + 2 * spread; \
    y[2] = sum + 4 * far; \
    y[3] = difference + 8 * spread + m[5]; \
  }

/// The mask of the first `count` lanes.
AVX2_INLINED __m256i lanes_before(size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count < 8 ? (int)count : 8), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/// Within each half of four lanes, rows become columns.
AVX2_INLINED void transpose_quarters(__m256 r[4]) {
  __m256 a = _mm256_unpacklo_ps(r[0], r[1]), b = _mm256_unpackhi_ps(r[0], r[1]);
  __m256 c = _mm256_unpacklo_ps(r[2], r[3]), d = _mm256_unpackhi_ps(r[2], r[3]);
  r[0] = _mm256_shuffle_ps(a, c, 0x44), r[1] = _mm256_shuffle_ps(a, c, 0xee);
  r[2] = _mm256_shuffle_ps(b, d, 0x44), r[3] = _mm256_shuffle_ps(b, d, 0xee);
}
#endif
#endif
