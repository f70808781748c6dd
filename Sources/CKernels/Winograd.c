#include <string.h>

#include "CKernels.h"
#include "Clones.h"
#include "Narrow.h"
#include "Wide.h"

// Minimal filtering F(4×4, 3×3) of Lavin & Gray, arXiv 1509.09308: a tile of 4×4 outputs takes 36 products instead of 144.
// Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A with d a 6×6 tile of the input and g a 3×3 kernel.

CLONES void kernel_winograd_weights(const float *weights, size_t outputs, size_t inputs, float *tiles) {
  // Products and sums are rounded one by one, so that every processor transforms a kernel to the same bits.
#pragma STDC FP_CONTRACT OFF
  static const double g[6][3] = {{1.0 / 4, 0, 0},
                                 {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                 {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                 {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                 {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                 {0, 0, 1}};
  size_t rows = (outputs + KERNEL_TILE_ROWS - 1) / KERNEL_TILE_ROWS * KERNEL_TILE_ROWS;
  // A tile lies in one piece or in two halves.
  enum { half_rows = KERNEL_TILE_ROWS / 2 };
  int is_wide = kernel_widest_vectors() == kernel_vectors_avx512;
  size_t side_by_side = is_wide ? KERNEL_TILE_ROWS : half_rows, apart = is_wide ? half_rows : half_rows * inputs;
  for (size_t first = 0; first < rows; first += KERNEL_TILE_ROWS)
    for (size_t c = 0; c < inputs; c++) {
      // A tile's rows side by side, so that they are computed as vectors and written where they lie together.
      double kernel[9][KERNEL_TILE_ROWS], half[6][3][KERNEL_TILE_ROWS];
      for (size_t r = 0; r < KERNEL_TILE_ROWS; r++)
        for (size_t k = 0; k < 9; k++)
          kernel[k][r] = first + r < outputs ? weights[((first + r) * inputs + c) * 9 + k] : 0;
      for (size_t i = 0; i < 6; i++)
        for (size_t b = 0; b < 3; b++)
          for (size_t r = 0; r < KERNEL_TILE_ROWS; r++)
            half[i][b][r] = g[i][0] * kernel[b][r] + g[i][1] * kernel[3 + b][r] + g[i][2] * kernel[6 + b][r];
      float *place = tiles + first * inputs + c * side_by_side;
      for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++, place += rows * inputs) {
          float tile[KERNEL_TILE_ROWS];
          for (size_t r = 0; r < KERNEL_TILE_ROWS; r++)
            tile[r] = (float)(half[i][0][r] * g[j][0] + half[i][1][r] * g[j][1] + half[i][2][r] * g[j][2]);
          memcpy(place, tile, sizeof tile / 2), memcpy(place + apart, tile + half_rows, sizeof tile / 2);
        }
    }
}

#if defined(__x86_64__)
/// Tiles of a row transformed side by side.
#define LANES 16
/// Vectors of the input under them: 4 · 16 columns and two more.
#define VECTORS 5

AVX512_INLINED __mmask16 first_lanes(size_t count) { return count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1); }

/// Bᵀ d for 16 neighbours: six values become six.
AVX512_INLINED void input_column(const __m512 d[6], __m512 t[6]) {
  t[0] = 4 * d[0] - 5 * d[2] + d[4];
  t[1] = (d[3] + d[4]) - 4 * (d[1] + d[2]);
  t[2] = (d[4] - d[3]) + 4 * (d[1] - d[2]);
  t[3] = (d[4] - d[2]) + 2 * (d[3] - d[1]);
  t[4] = (d[4] - d[2]) - 2 * (d[3] - d[1]);
  t[5] = 4 * d[1] - 5 * d[3] + d[5];
}

/// values[j][l] = line[4·l + j].
AVX512_INLINED void take_columns(const __m512 line[VECTORS], __m512 values[6]) {
  const __m512i low = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
  const __m512i high = _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
  __m512 a = _mm512_permutex2var_ps(line[0], low, line[1]), b = _mm512_permutex2var_ps(line[2], low, line[3]);
  __m512 c = _mm512_permutex2var_ps(line[0], high, line[1]), d = _mm512_permutex2var_ps(line[2], high, line[3]);
  values[0] = _mm512_shuffle_f32x4(a, b, 0x44), values[1] = _mm512_shuffle_f32x4(a, b, 0xee);
  values[2] = _mm512_shuffle_f32x4(c, d, 0x44), values[3] = _mm512_shuffle_f32x4(c, d, 0xee);
  __m512i rest = _mm512_castps_si512(line[4]);
  values[4] = _mm512_castsi512_ps(_mm512_alignr_epi32(rest, _mm512_castps_si512(values[0]), 1));
  rest = _mm512_alignr_epi32(rest, rest, 1);
  values[5] = _mm512_castsi512_ps(_mm512_alignr_epi32(rest, _mm512_castps_si512(values[1]), 1));
}

/// The first `count` values for the columns from `column` on of panels `depth` rows high. Later columns of the row may be
/// written too: the runs to come overwrite them.
AVX512_INLINED void write_panels(__m512 values, size_t count, size_t column, size_t depth, float *panels) {
  size_t lane = column % KERNEL_PANEL_COLUMNS, left = KERNEL_PANEL_COLUMNS - lane;
  float *row = panels + (column - lane) * depth;
  if (left >= LANES) return _mm512_storeu_ps(row + lane, values);
  _mm512_mask_storeu_ps(row + lane, first_lanes(left), values);
  if (count > left)
    _mm512_mask_storeu_ps(
        row + KERNEL_PANEL_COLUMNS * depth - left, (__mmask16)(first_lanes(count) & ~first_lanes(left)), values);
}

/// Bᵀ d B of a run's tiles of a channel; lanes of `inside` are columns of the picture, the others and rows outside of it
/// are zero.
AVX512_INLINED void transform_input(
    const float *x, size_t height, size_t width, run r, const __mmask16 inside[VECTORS], size_t column, size_t depth,
    float *panels, size_t set) {
  __m512 rows[6][VECTORS];
#pragma clang loop unroll(full)
  for (size_t k = 0; k < VECTORS; k++) {
    __m512 d[6], t[6];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++) {
      ptrdiff_t row = (ptrdiff_t)(4 * r.ty + i) - 1;
      __mmask16 mask = row >= 0 && row < (ptrdiff_t)height ? inside[k] : 0;
      d[i] = _mm512_maskz_loadu_ps(mask, x + row * (ptrdiff_t)width + (ptrdiff_t)(4 * r.tx + 16 * k) - 1);
    }
    input_column(d, t);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++) rows[i][k] = t[i];
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) {
    __m512 values[6], results[6];
    take_columns(rows[i], values);
    input_column(values, results);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 6; j++) write_panels(results[j], r.count, column, depth, panels + (i * 6 + j) * set);
  }
}

AVX512 static void wide_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set) {
  for (size_t tile = first; tile < first + tiles;) {
    run r = run_at(tile, first + tiles, width, LANES);
    __mmask16 inside[VECTORS];
    for (size_t k = 0; k < VECTORS; k++) {
      size_t start = 4 * r.tx + 16 * k;  // One to the right of the vector's first column.
      inside[k] = start > width ? 0 : first_lanes(width + 1 - start);
    }
    if (r.tx == 0) inside[0] &= 0xfffe;
    for (size_t c = 0; c < channels; c++)
      transform_input(
          x + c * height * width, height, width, r, inside, tile - first, channels, panels + c * KERNEL_PANEL_COLUMNS,
          panel_set);
    tile += r.count;
  }
}

OUTPUT_COLUMN(AVX512_INLINED, __m512)

AVX512_INLINED __m512 pairs(__m512 a, __m512 b, int high) {
  __m512d c = _mm512_castps_pd(a), d = _mm512_castps_pd(b);
  return _mm512_castpd_ps(high ? _mm512_unpackhi_pd(c, d) : _mm512_unpacklo_pd(c, d));
}

/// line[4·l + q] = rows[q][l], in four vectors.
AVX512_INLINED void interleave(const __m512 rows[4], __m512 line[4]) {
  __m512 a = _mm512_unpacklo_ps(rows[0], rows[1]), b = _mm512_unpackhi_ps(rows[0], rows[1]);
  __m512 c = _mm512_unpacklo_ps(rows[2], rows[3]), d = _mm512_unpackhi_ps(rows[2], rows[3]);
  __m512 e = pairs(a, c, 0), f = pairs(a, c, 1), g = pairs(b, d, 0), h = pairs(b, d, 1);
  a = _mm512_shuffle_f32x4(e, f, 0x44), b = _mm512_shuffle_f32x4(e, f, 0xee);
  c = _mm512_shuffle_f32x4(g, h, 0x44), d = _mm512_shuffle_f32x4(g, h, 0xee);
  line[0] = _mm512_shuffle_f32x4(a, c, 0x88), line[1] = _mm512_shuffle_f32x4(a, c, 0xdd);
  line[2] = _mm512_shuffle_f32x4(b, d, 0x88), line[3] = _mm512_shuffle_f32x4(b, d, 0xdd);
}

/// A run's outputs of one channel from sums that lie at `sums` for its first tile.
AVX512_INLINED void transform_output(
    const float *sums, size_t set, run r, size_t height, size_t width, float bias, float *y) {
  __m512 columns[4][6];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++) {
    __m512 m[6], rows[4];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++) m[i] = _mm512_maskz_loadu_ps(first_lanes(r.count), sums + (i * 6 + j) * set);
    output_column(m, rows);
#pragma clang loop unroll(full)
    for (size_t k = 0; k < 4; k++) columns[k][j] = rows[k];
  }
  size_t left = width - 4 * r.tx < 4 * r.count ? width - 4 * r.tx : 4 * r.count;
#pragma clang loop unroll(full)
  for (size_t k = 0; k < 4; k++) {
    if (4 * r.ty + k >= height) continue;
    __m512 rows[4], line[4];
    output_column(columns[k], rows);
    for (size_t q = 0; q < 4; q++) rows[q] += bias;
    interleave(rows, line);
    float *place = y + (4 * r.ty + k) * width + 4 * r.tx;
    for (size_t q = 0; q < 4; q++)
      if (left > 16 * q) _mm512_mask_storeu_ps(place + 16 * q, first_lanes(left - 16 * q), line[q]);
  }
}

AVX512 static void wide_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, size_t first,
    size_t tiles, const float *bias, float *y) {
  for (size_t o = 0; o < channels; o++)
    for (size_t tile = first; tile < first + tiles;) {
      run r = run_at(tile, first + tiles, width, LANES);
      transform_output(
          sums + o * stride + tile - first, sum_set, r, height, width, bias ? bias[o] : 0, y + o * height * width);
      tile += r.count;
    }
}

void kernel_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set) {
  (kernel_widest_vectors() == kernel_vectors_avx512 ? wide_winograd_input : narrow_winograd_input)(
      x, channels, height, width, first, tiles, panels, panel_set);
}

void kernel_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, size_t first,
    size_t tiles, const float *bias, float *y) {
  (kernel_widest_vectors() == kernel_vectors_avx512 ? wide_winograd_output : narrow_winograd_output)(
      sums, sum_set, stride, channels, height, width, first, tiles, bias, y);
}
#else
void kernel_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set) {
  (void)x, (void)channels, (void)height, (void)width, (void)first, (void)tiles, (void)panels, (void)panel_set;
}

void kernel_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, size_t first,
    size_t tiles, const float *bias, float *y) {
  (void)sums, (void)sum_set, (void)stride, (void)channels, (void)height, (void)width, (void)first, (void)tiles;
  (void)bias, (void)y;
}
#endif
