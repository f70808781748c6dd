#include "CKernels.h"
#include "Tile.h"
#include "Wide.h"

#if defined(__x86_64__)
int kernel_has_byte_panels(void) {
  return kernel_widest_vectors() == kernel_vectors_avx512 && __builtin_cpu_supports("avx512vnni");
}

/// What a tile and a panel are multiplied for, at the tile's first element of it.
typedef struct {
  const int32_t *base;
  size_t base_stride;
  int32_t *sums;
  size_t stride;
  const float *row_scales, *column_scales, *bias;
} target;

AVX512_INLINED __m512 some_floats(__mmask16 mask, const float *from) {
  return from ? _mm512_maskz_loadu_ps(mask, from) : _mm512_setzero_ps();
}

/// Sums as numbers: their bits, for where they lie holds either.
VNNI_INLINED void scale_sums(
    const int most, target t, column_masks f, size_t rows, __m512i left[ROWS], __m512i right[ROWS]) {
  __m512 left_scale = _mm512_maskz_loadu_ps(f.left, t.column_scales);
  __m512 right_scale = _mm512_maskz_loadu_ps(f.right, t.column_scales + 16);
  __m512 left_bias = some_floats(f.left, t.bias), right_bias = some_floats(f.right, t.bias ? t.bias + 16 : NULL);
#pragma clang loop unroll(full)
  for (int r = 0; r < most; r++) {
    __m512 scale = _mm512_set1_ps((size_t)r < rows ? t.row_scales[r] : 0);
    __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(left[r]), _mm512_mul_ps(scale, left_scale));
    __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(right[r]), _mm512_mul_ps(scale, right_scale));
    left[r] = _mm512_castps_si512(_mm512_add_ps(x, left_bias));
    right[r] = _mm512_castps_si512(_mm512_add_ps(y, right_bias));
  }
}

/// 12 × 32 sums in registers, or the first 4 or 8 rows of them, as in Panels.c: an instruction adds four products to each
/// of sixteen.
VNNI_INLINED void multiply_rows(
    const int most, const int32_t *tile, const int32_t *panel, size_t depth, size_t rows, size_t columns, target t) {
  __m512i left[ROWS], right[ROWS];
  column_masks f = first_columns(columns);
#pragma clang loop unroll(full)
  for (int r = 0; r < most; r++) {
    size_t row = (size_t)r < rows ? (size_t)r : 0;
    const int32_t *from = t.base + row * t.base_stride;
    left[r] = _mm512_maskz_loadu_epi32(f.left, from), right[r] = _mm512_maskz_loadu_epi32(f.right, from + 16);
    const char *y = (const char *)(t.sums + row * t.stride);
    _mm_prefetch(y, _MM_HINT_T0), _mm_prefetch(y + 64, _MM_HINT_T0);
  }
  for (size_t k = 0; k < depth; k++, tile += ROWS, panel += COLUMNS) {
    __m512i p = _mm512_loadu_si512(panel), q = _mm512_loadu_si512(panel + 16);
    _mm_prefetch((const char *)(panel + AHEAD), _MM_HINT_T0);
    _mm_prefetch((const char *)(panel + AHEAD + 16), _MM_HINT_T0);
#pragma clang loop unroll(full)
    for (int r = 0; r < most; r++) {
      __m512i four = _mm512_set1_epi32(tile[r]);
      left[r] = _mm512_dpbusd_epi32(left[r], four, p), right[r] = _mm512_dpbusd_epi32(right[r], four, q);
    }
  }
  if (t.row_scales) scale_sums(most, t, f, rows, left, right);
#pragma clang loop unroll(full)
  for (int r = 0; r < most; r++) {
    if ((size_t)r >= rows) continue;
    int32_t *y = t.sums + (size_t)r * t.stride;
    _mm512_mask_storeu_epi32(y, f.left, left[r]), _mm512_mask_storeu_epi32(y + 16, f.right, right[r]);
  }
}

VNNI static void multiply_tile(
    const int32_t *tile, const int32_t *panel, size_t depth, size_t rows, size_t columns, target t) {
  BY_ROWS(rows, multiply_rows, tile, panel, depth, rows, columns, t);
}

VNNI void kernel_multiply_bytes(
    const int32_t *tiles, size_t tile_stride, size_t rows, const int32_t *panels, size_t panel_stride, size_t columns,
    size_t depth, const int32_t *base, size_t base_stride, const float *row_scales, const float *column_scales,
    const float *bias, int32_t *sums, size_t stride) {
  for (size_t r = 0; r < rows; r += ROWS, tiles += tile_stride)
    for (size_t n = 0; n < columns; n += COLUMNS) {
      target t = {base + r * base_stride + n, base_stride, sums + r * stride + n, stride, NULL, NULL, NULL};
      if (row_scales) t.row_scales = row_scales + r, t.column_scales = column_scales + n;
      if (row_scales && bias) t.bias = bias + n;
      multiply_tile(
          tiles, panels + n / COLUMNS * panel_stride, depth, rows - r < ROWS ? rows - r : ROWS,
          columns - n < COLUMNS ? columns - n : COLUMNS, t);
    }
}

VNNI void kernel_offsets(const int8_t *weights, size_t rows, size_t columns, int zero, int32_t *offsets) {
  const __m512i ones = _mm512_set1_epi32(0x01010101);
  for (size_t r = 0; r < rows; r++, weights += columns) {
    __m512i sum = _mm512_set1_epi32(0);
    for (size_t c = 0; c < columns; c += 64) sum = _mm512_dpbusd_epi32(sum, ones, _mm512_loadu_si512(weights + c));
    offsets[r] = -zero * _mm512_reduce_add_epi32(sum);
  }
}
#else
int kernel_has_byte_panels(void) { return 0; }

void kernel_multiply_bytes(
    const int32_t *tiles, size_t tile_stride, size_t rows, const int32_t *panels, size_t panel_stride, size_t columns,
    size_t depth, const int32_t *base, size_t base_stride, const float *row_scales, const float *column_scales,
    const float *bias, int32_t *sums, size_t stride) {
  (void)tiles, (void)tile_stride, (void)rows, (void)panels, (void)panel_stride, (void)columns, (void)depth, (void)base;
  (void)base_stride, (void)row_scales, (void)column_scales, (void)bias, (void)sums, (void)stride;
}

void kernel_offsets(const int8_t *weights, size_t rows, size_t columns, int zero, int32_t *offsets) {
  (void)weights, (void)rows, (void)columns, (void)zero, (void)offsets;
}
#endif
