#include "Narrow.h"

#if defined(__x86_64__)

/// Rows of half a tile, columns of half a panel: 6 × 16 sums take 12 of 16 registers, with two for the panel's row.
#define HALF_ROWS (KERNEL_TILE_ROWS / 2)
#define HALF_COLUMNS (KERNEL_PANEL_COLUMNS / 2)

/// Eight weights at any address, as floats.
AVX2_INLINED __m256 widened(const char *weights, kernel_weight_type type) {
  if (type == kernel_weight_f32) return _mm256_loadu_ps((const void *)weights);
  __m128i half = _mm_loadu_si128((const void *)weights);
  if (type == kernel_weight_f16) return _mm256_cvtph_ps(half);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/// Rows become columns: pairs of quarters first, then single elements within them.
AVX2_INLINED void transpose(__m256 r[8]) {
  __m256 t[8];
  for (int i = 0; i < 4; i++) {
    t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20), t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
  transpose_quarters(t), transpose_quarters(t + 4);
  for (int i = 0; i < 8; i++) r[i] = t[i];
}

/// Columns transposed at a time: sixteen rows of them, widened, stay in the first cache.
#define CHUNK 128
/// A row of the chunk and what keeps sixteen rows from falling into one set of the cache.
#define CHUNK_STRIDE (CHUNK + 8)

AVX2_INLINED void pack_half_panel(
    const char *weights, kernel_weight_type type, size_t size, size_t filled, size_t depth, size_t stride, float *panel) {
  _Alignas(32) float chunk[HALF_COLUMNS * CHUNK_STRIDE];
  for (size_t start = 0; start < depth; start += CHUNK) {
    size_t count = depth - start < CHUNK ? depth - start : CHUNK;
    for (size_t r = 0; r < HALF_COLUMNS; r++)
      for (size_t k = 0; k < count; k += 8) {
        const char *source = weights + (r * stride + start + k) * size;
        _mm256_store_ps(chunk + r * CHUNK_STRIDE + k, r < filled ? widened(source, type) : _mm256_setzero_ps());
      }
    for (size_t k = 0; k < count; k += 8)
      for (size_t half = 0; half < HALF_COLUMNS; half += 8) {
        __m256 block[8];
        for (size_t r = 0; r < 8; r++) block[r] = _mm256_load_ps(chunk + (half + r) * CHUNK_STRIDE + k);
        transpose(block);
        for (size_t r = 0; r < 8; r++) _mm256_storeu_ps(panel + (start + k + r) * HALF_COLUMNS + half, block[r]);
      }
  }
}

AVX2_INLINED void pack_panels(
    const char *weights, kernel_weight_type type, size_t size, size_t rows, size_t depth, size_t stride,
    float *panels) {
  size_t whole = (rows + KERNEL_PANEL_COLUMNS - 1) / KERNEL_PANEL_COLUMNS * KERNEL_PANEL_COLUMNS;
  for (size_t first = 0; first < whole; first += HALF_COLUMNS) {
    size_t filled = first >= rows ? 0 : rows - first < HALF_COLUMNS ? rows - first : HALF_COLUMNS;
    pack_half_panel(weights + first * stride * size, type, size, filled, depth, stride, panels + first * depth);
  }
}

AVX2 void narrow_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels) {
  switch (type) {
    case kernel_weight_f16: return pack_panels(weights, kernel_weight_f16, 2, rows, depth, stride, panels);
    case kernel_weight_bf16: return pack_panels(weights, kernel_weight_bf16, 2, rows, depth, stride, panels);
    case kernel_weight_f32: return pack_panels(weights, kernel_weight_f32, 4, rows, depth, stride, panels);
  }
}

/// Six rows of `a`, of which `filled` are there, as [depth][6].
AVX2_INLINED void pack_half_tile(const float *a, size_t filled, size_t depth, size_t stride, float *tile) {
  size_t k = 0;
  for (; k + 8 <= depth; k += 8) {
    __m256 block[8];
    for (size_t r = 0; r < 8; r++) block[r] = r < filled ? _mm256_loadu_ps(a + r * stride + k) : _mm256_setzero_ps();
    transpose(block);
    // Two elements too many, which the next column overwrites; the last one's would be another half's.
    for (size_t i = 0; i < 7; i++) _mm256_storeu_ps(tile + (k + i) * HALF_ROWS, block[i]);
    _mm_storeu_ps(tile + (k + 7) * HALF_ROWS, _mm256_castps256_ps128(block[7]));
    _mm_storel_pi((__m64 *)(tile + (k + 7) * HALF_ROWS + 4), _mm256_extractf128_ps(block[7], 1));
  }
  for (; k < depth; k++)
    for (size_t r = 0; r < HALF_ROWS; r++) tile[k * HALF_ROWS + r] = r < filled ? a[r * stride + k] : 0;
}

AVX2 void narrow_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles) {
  size_t whole = (rows + KERNEL_TILE_ROWS - 1) / KERNEL_TILE_ROWS * KERNEL_TILE_ROWS;
  for (size_t first = 0; first < whole; first += HALF_ROWS) {
    if (first + HALF_ROWS <= rows)
      pack_half_tile(a + first * stride, HALF_ROWS, depth, stride, tiles + first * depth);
    else
      pack_half_tile(a + first * stride, first < rows ? rows - first : 0, depth, stride, tiles + first * depth);
  }
}

AVX2 static void multiply_half(
    const float *tile, const float *panel, size_t depth, size_t rows, size_t columns, const float *base,
    size_t base_stride, float *c, size_t stride) {
  __m256 left[HALF_ROWS], right[HALF_ROWS];
#pragma clang loop unroll(full)
  for (int r = 0; r < HALF_ROWS; r++) {
    left[r] = right[r] = _mm256_setzero_ps();
    // Rows of a wide result lie on pages and in sets of their own; asked for now, they are there when the sums are.
    _mm_prefetch((const char *)(c + ((size_t)r < rows ? (size_t)r * stride : 0)), _MM_HINT_T0);
  }
#pragma clang loop unroll_count(4)
  for (size_t k = 0; k < depth; k++, tile += HALF_ROWS, panel += HALF_COLUMNS) {
    __m256 p = _mm256_loadu_ps(panel), q = _mm256_loadu_ps(panel + 8);
#pragma clang loop unroll(full)
    for (int r = 0; r < HALF_ROWS; r++) {
      __m256 element = _mm256_broadcast_ss(tile + r);
      left[r] = _mm256_fmadd_ps(element, p, left[r]), right[r] = _mm256_fmadd_ps(element, q, right[r]);
    }
  }
  int is_whole = columns >= HALF_COLUMNS;
  __m256i in_left = lanes_before(columns), in_right = lanes_before(columns > 8 ? columns - 8 : 0);
#pragma clang loop unroll(full)
  for (int r = 0; r < HALF_ROWS; r++) {
    if ((size_t)r >= rows) continue;
    const float *from = base + (size_t)r * base_stride;
    float *y = c + (size_t)r * stride;
    if (base) {
      left[r] = _mm256_add_ps(left[r], is_whole ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, in_left));
      right[r] = _mm256_add_ps(right[r], is_whole ? _mm256_loadu_ps(from + 8) : _mm256_maskload_ps(from + 8, in_right));
    }
    if (is_whole) {
      _mm256_storeu_ps(y, left[r]), _mm256_storeu_ps(y + 8, right[r]);
    } else {
      _mm256_maskstore_ps(y, in_left, left[r]), _mm256_maskstore_ps(y + 8, in_right, right[r]);
    }
  }
}

AVX2 void narrow_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride) {
  for (size_t r = 0; r < rows; r += HALF_ROWS) {
    const float *tile = tiles + r / KERNEL_TILE_ROWS * tile_stride + r % KERNEL_TILE_ROWS * depth;
    for (size_t n = 0; n < columns; n += HALF_COLUMNS)
      multiply_half(
          tile, panels + n / KERNEL_PANEL_COLUMNS * panel_stride + n % KERNEL_PANEL_COLUMNS * depth, depth,
          rows - r < HALF_ROWS ? rows - r : HALF_ROWS, columns - n < HALF_COLUMNS ? columns - n : HALF_COLUMNS,
          base ? base + r * base_stride + n : NULL, base_stride, c + r * stride + n, stride);
  }
}

AVX2 float narrow_multiply_adds(size_t count, float factor) {
  __m256 sums[12], step = _mm256_set1_ps(factor);
#pragma clang loop unroll(full)
  for (int i = 0; i < 12; i++) sums[i] = _mm256_set1_ps((float)i);
  for (size_t n = 0; n < count; n += 8 * 12)
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; i++) sums[i] = _mm256_fmadd_ps(sums[i], step, step);
  for (int i = 1; i < 12; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  float lanes[8], sum = 0;
  _mm256_storeu_ps(lanes, sums[0]);
  for (int i = 0; i < 8; i++) sum += lanes[i];
  return sum;
}
#endif
