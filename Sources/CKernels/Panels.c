#include <string.h>

#include "CKernels.h"
#include "Narrow.h"
#include "Tile.h"
#include "Wide.h"

#if defined(__x86_64__)

int kernel_has_panels(void) {
  return kernel_widest_vectors() != kernel_vectors_baseline && __builtin_cpu_supports("f16c");
}

static int is_wide(void) { return kernel_widest_vectors() == kernel_vectors_avx512; }

void kernel_pack_columns(const float *w, size_t depth, size_t columns, size_t stride, float *panels) {
  size_t width = is_wide() ? COLUMNS : COLUMNS / 2, whole = (columns + COLUMNS - 1) / COLUMNS * COLUMNS;
  for (size_t first = 0; first < whole; first += width) {
    size_t filled = first >= columns ? 0 : columns - first < width ? columns - first : width;
    for (size_t k = 0; k < depth; k++, panels += width) {
      memset(panels + filled, 0, (width - filled) * sizeof *panels);
      memcpy(panels, w + k * stride + first, filled * sizeof *panels);
    }
  }
}

/// Sixteen weights at any address, as floats.
AVX512_INLINED __m512 widened(const char *weights, kernel_weight_type type) {
  if (type == kernel_weight_f32) return _mm512_loadu_ps((const void *)weights);
  __m256i half = _mm256_loadu_si256((const void *)weights);
  if (type == kernel_weight_f16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

AVX512_INLINED __m512 low_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

AVX512_INLINED __m512 high_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

/// Rows become columns: single elements within quarters of four, then whole quarters.
AVX512_INLINED void transpose(__m512 r[16]) {
  __m512 t[16];
  for (int i = 0; i < 16; i += 2) t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  for (int i = 0; i < 16; i += 4) {
    r[i] = low_pairs(t[i], t[i + 2]), r[i + 1] = high_pairs(t[i], t[i + 2]);
    r[i + 2] = low_pairs(t[i + 1], t[i + 3]), r[i + 3] = high_pairs(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88), t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88), r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

/// Twelve rows of `a`, of which `filled` are there, as [depth][12].
AVX512_INLINED void pack_tile(const float *a, size_t filled, size_t depth, size_t stride, float *tile) {
  size_t k = 0;
  for (; k + 16 <= depth; k += 16) {
    __m512 block[16];
    for (size_t r = 0; r < 16; r++) block[r] = r < filled ? _mm512_loadu_ps(a + r * stride + k) : _mm512_setzero_ps();
    transpose(block);
    // Four elements too many, which the next column overwrites; the last one's would be another tile's.
    for (size_t i = 0; i < 15; i++) _mm512_storeu_ps(tile + (k + i) * ROWS, block[i]);
    _mm512_mask_storeu_ps(tile + (k + 15) * ROWS, (1u << ROWS) - 1, block[15]);
  }
  for (; k < depth; k++)
    for (size_t r = 0; r < ROWS; r++) tile[k * ROWS + r] = r < filled ? a[r * stride + k] : 0;
}

AVX512 static void wide_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles) {
  for (size_t first = 0; first < rows; first += ROWS)
    if (first + ROWS <= rows)
      pack_tile(a + first * stride, ROWS, depth, stride, tiles + first * depth);
    else
      pack_tile(a + first * stride, rows - first, depth, stride, tiles + first * depth);
}

void kernel_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles) {
  (is_wide() ? wide_pack_tiles : narrow_pack_tiles)(a, rows, depth, stride, tiles);
}

/// Columns transposed at a time: sixteen rows of them, widened, stay in the first cache.
#define CHUNK 256
/// A row of the chunk and what keeps sixteen rows from falling into one set of the cache.
#define CHUNK_STRIDE (CHUNK + 16)

/// Sixteen rows of a chunk, `filled` of them from memory. Rows are read one after the other, for sixteen at once would
/// be more streams than the processor fetches ahead, in one set of the cache; the next sixteen rows are asked for.
AVX512_INLINED void read_rows(
    const char *weights, kernel_weight_type type, size_t size, size_t filled, size_t count, size_t stride, float *rows) {
  for (size_t r = 0; r < 16; r++)
    for (size_t k = 0; k < count; k += 16) {
      const char *source = weights + (r * stride + k) * size;
      if (r < filled) _mm_prefetch(source + 16 * stride * size, _MM_HINT_T1);
      _mm512_store_ps(rows + r * CHUNK_STRIDE + k, r < filled ? widened(source, type) : _mm512_setzero_ps());
    }
}

AVX512_INLINED void pack_panels(
    const char *weights, kernel_weight_type type, size_t size, size_t rows, size_t depth, size_t stride,
    float *panels) {
  _Alignas(64) float chunk[16 * CHUNK_STRIDE];
  for (size_t first = 0; first < rows; first += 16) {
    float *panel = panels + first / COLUMNS * COLUMNS * depth + first % COLUMNS;
    size_t filled = rows - first < 16 ? rows - first : 16;
    for (size_t start = 0; start < depth; start += CHUNK) {
      size_t count = depth - start < CHUNK ? depth - start : CHUNK;
      read_rows(weights + (first * stride + start) * size, type, size, filled, count, stride, chunk);
      for (size_t k = 0; k < count; k += 16) {
        __m512 block[16];
        for (size_t r = 0; r < 16; r++) block[r] = _mm512_load_ps(chunk + r * CHUNK_STRIDE + k);
        transpose(block);
        for (size_t r = 0; r < 16; r++) _mm512_storeu_ps(panel + (start + k + r) * COLUMNS, block[r]);
      }
    }
  }
  if ((rows + 15) / 16 % 2 == 1) {
    float *empty = panels + rows / COLUMNS * COLUMNS * depth + 16;
    for (size_t k = 0; k < depth; k++) _mm512_storeu_ps(empty + k * COLUMNS, _mm512_setzero_ps());
  }
}

AVX512 static void wide_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels) {
  switch (type) {
    case kernel_weight_f16: return pack_panels(weights, kernel_weight_f16, 2, rows, depth, stride, panels);
    case kernel_weight_bf16: return pack_panels(weights, kernel_weight_bf16, 2, rows, depth, stride, panels);
    case kernel_weight_f32: return pack_panels(weights, kernel_weight_f32, 4, rows, depth, stride, panels);
  }
}

void kernel_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels) {
  (is_wide() ? wide_pack_panels : narrow_pack_panels)(weights, type, rows, depth, stride, panels);
}

/// 12 × 32 sums in registers: 24 of 32, with two for the panel's row and one or two for an element of the tile. Of a
/// tile with fewer rows only the first `most`, 4 or 8, are made.
AVX512_INLINED void multiply_rows(
    const int most, const float *tile, const float *panel, size_t depth, size_t rows, size_t columns, const float *base,
    size_t base_stride, float *c, size_t stride) {
  __m512 left[ROWS], right[ROWS];
#pragma clang loop unroll(full)
  for (int r = 0; r < most; r++) {
    left[r] = right[r] = _mm512_setzero_ps();
    // Rows of a wide result lie on pages and in sets of their own; asked for now, they are there when the sums are.
    const char *y = (const char *)(c + ((size_t)r < rows ? (size_t)r * stride : 0));
    _mm_prefetch(y, _MM_HINT_T0), _mm_prefetch(y + 64, _MM_HINT_T0);
  }
  for (size_t k = 0; k < depth; k++, tile += ROWS, panel += COLUMNS) {
    __m512 p = _mm512_loadu_ps(panel), q = _mm512_loadu_ps(panel + 16);
    _mm_prefetch((const char *)(panel + AHEAD), _MM_HINT_T0);
    _mm_prefetch((const char *)(panel + AHEAD + 16), _MM_HINT_T0);
#pragma clang loop unroll(full)
    for (int r = 0; r < most; r++) {
      __m512 element = _mm512_set1_ps(tile[r]);
      left[r] = _mm512_fmadd_ps(element, p, left[r]), right[r] = _mm512_fmadd_ps(element, q, right[r]);
    }
  }
  column_masks f = first_columns(columns);
#pragma clang loop unroll(full)
  for (int r = 0; r < most; r++) {
    if ((size_t)r >= rows) continue;
    const float *from = base + (size_t)r * base_stride;
    float *y = c + (size_t)r * stride;
    if (base) {
      left[r] = _mm512_add_ps(left[r], _mm512_maskz_loadu_ps(f.left, from));
      right[r] = _mm512_add_ps(right[r], _mm512_maskz_loadu_ps(f.right, from + 16));
    }
    _mm512_mask_storeu_ps(y, f.left, left[r]), _mm512_mask_storeu_ps(y + 16, f.right, right[r]);
  }
}

AVX512 static void multiply_tile(
    const float *tile, const float *panel, size_t depth, size_t rows, size_t columns, const float *base,
    size_t base_stride, float *c, size_t stride) {
  BY_ROWS(rows, multiply_rows, tile, panel, depth, rows, columns, base, base_stride, c, stride);
}

AVX512 static void wide_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride) {
  for (size_t r = 0; r < rows; r += ROWS, tiles += tile_stride)
    for (size_t n = 0; n < columns; n += COLUMNS)
      multiply_tile(
          tiles, panels + n / COLUMNS * panel_stride, depth, rows - r < ROWS ? rows - r : ROWS,
          columns - n < COLUMNS ? columns - n : COLUMNS, base ? base + r * base_stride + n : NULL, base_stride,
          c + r * stride + n, stride);
}

void kernel_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride) {
  (is_wide() ? wide_multiply_packed : narrow_multiply_packed)(
      tiles, tile_stride, rows, panels, panel_stride, columns, depth, base, base_stride, c, stride);
}

AVX512 static float wide_multiply_adds(size_t count, float factor) {
  __m512 sums[24], step = _mm512_set1_ps(factor);
#pragma clang loop unroll(full)
  for (int i = 0; i < 24; i++) sums[i] = _mm512_set1_ps((float)i);
  for (size_t n = 0; n < count; n += 16 * 24)
#pragma clang loop unroll(full)
    for (int i = 0; i < 24; i++) sums[i] = _mm512_fmadd_ps(sums[i], step, step);
  for (int i = 1; i < 24; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_reduce_add_ps(sums[0]);
}

float kernel_multiply_adds(size_t count, float factor) {
  return (is_wide() ? wide_multiply_adds : narrow_multiply_adds)(count, factor);
}
#else
int kernel_has_panels(void) { return 0; }

float kernel_multiply_adds(size_t count, float factor) {
  (void)count;
  return factor;
}

void kernel_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles) {
  (void)a, (void)rows, (void)depth, (void)stride, (void)tiles;
}

void kernel_pack_columns(const float *w, size_t depth, size_t columns, size_t stride, float *panels) {
  (void)w, (void)depth, (void)columns, (void)stride, (void)panels;
}

void kernel_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels) {
  (void)weights, (void)type, (void)rows, (void)depth, (void)stride, (void)panels;
}

void kernel_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride) {
  (void)tiles, (void)tile_stride, (void)rows, (void)panels, (void)panel_stride, (void)columns, (void)depth;
  (void)base, (void)base_stride, (void)c, (void)stride;
}
#endif
