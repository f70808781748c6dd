#include "Narrow.h"

#if defined(__x86_64__)
#include <string.h>

/// Tiles of a row transformed side by side.
#define LANES 8
/// Columns of the input under them, and as many as make whole vectors.
#define REACH (4 * LANES + 2)
#define LINE 40

/// Bᵀ d for eight neighbours: six values become six.
AVX2_INLINED void input_column(const __m256 d[6], __m256 t[6]) {
  __m256 odd = 2 * (d[3] - d[1]), even = d[4] - d[2], outer = d[4] - 4 * d[2], inner = d[3] - 4 * d[1];
  t[0] = 4 * (d[0] - d[2]) - d[2] + d[4];
  t[1] = outer + inner, t[2] = outer - inner;
  t[3] = even + odd, t[4] = even - odd;
  t[5] = 4 * (d[1] - d[3]) - d[3] + d[5];
}

/// values[j][l] = line[4·l + j].
AVX2_INLINED void take_columns(const float *line, __m256 values[6]) {
  __m256 next[4];
  for (int l = 0; l < 4; l++) {
    const float *low = line + 4 * l, *high = line + 4 * (l + 4);
    values[l] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(low)), _mm_load_ps(high), 1);
    next[l] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(low + 4)), _mm_load_ps(high + 4), 1);
  }
  transpose_quarters(values), transpose_quarters(next);
  values[4] = next[0], values[5] = next[1];
}

/// The first `count` values for the columns from `column` on of panels `depth` rows high, as halves of sixteen. Later
/// columns of the row may be written too: the runs to come overwrite them.
AVX2_INLINED void write_panels(__m256 values, size_t count, size_t column, size_t depth, float *panels) {
  const size_t half = KERNEL_PANEL_COLUMNS / 2;
  size_t lane = column % half, left = half - lane;
  float *row = panels + (column - lane) * depth;
  if (left >= LANES) return _mm256_storeu_ps(row + lane, values);
  float separate[LANES];
  _mm256_storeu_ps(separate, values);
  for (size_t l = 0; l < left; l++) row[lane + l] = separate[l];
  for (size_t l = left; l < count; l++) row[half * depth + l - left] = separate[l];
}

/// The six rows of a channel under a run, where they lie or, at an edge, copied with zeros around them. Returns floats from
/// row to row.
AVX2_INLINED size_t rows_under(
    const float *x, size_t height, size_t width, run r, float edge[6 * LINE], const float **first) {
  size_t top = 4 * r.ty, left = 4 * r.tx;
  if (top > 0 && top + 5 <= height && left > 0 && left - 1 + LINE <= width) {
    *first = x + (top - 1) * width + left - 1;
    return width;
  }
  memset(edge, 0, 6 * LINE * sizeof *edge);
  size_t skipped = left == 0, start = left + skipped - 1;
  size_t count = width - start < REACH - skipped ? width - start : REACH - skipped;
  for (size_t i = 0; i < 6; i++)
    if (top + i >= 1 && top + i <= height)
      memcpy(edge + i * LINE + skipped, x + (top + i - 1) * width + start, count * sizeof *edge);
  *first = edge;
  return LINE;
}

AVX2 void narrow_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set) {
  for (size_t tile = first; tile < first + tiles;) {
    run r = run_at(tile, first + tiles, width, LANES);
    for (size_t c = 0; c < channels; c++) {
      float edge[6 * LINE];
      _Alignas(32) float lines[6 * LINE];
      const float *source;
      size_t stride = rows_under(x + c * height * width, height, width, r, edge, &source);
      for (size_t k = 0; k < LINE; k += 8) {
        __m256 d[6], t[6];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 6; i++) d[i] = _mm256_loadu_ps(source + i * stride + k);
        input_column(d, t);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 6; i++) _mm256_store_ps(lines + i * LINE + k, t[i]);
      }
      float *place = panels + c * (KERNEL_PANEL_COLUMNS / 2);
      for (size_t i = 0; i < 6; i++) {
        __m256 values[6], results[6];
        take_columns(lines + i * LINE, values);
        input_column(values, results);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 6; j++)
          write_panels(results[j], r.count, tile - first, channels, place + (i * 6 + j) * panel_set);
      }
    }
    tile += r.count;
  }
}

OUTPUT_COLUMN(AVX2_INLINED, __m256)

/// place[4·l + q] = rows[q][l], `count` floats of them.
AVX2_INLINED void write_line(__m256 rows[4], size_t count, float *place) {
  transpose_quarters(rows);
  float separate[4 * LANES];
  float *line = count < 4 * LANES ? separate : place;
  for (size_t l = 0; l < 4; l++) {
    _mm_storeu_ps(line + 4 * l, _mm256_castps256_ps128(rows[l]));
    _mm_storeu_ps(line + 4 * (l + 4), _mm256_extractf128_ps(rows[l], 1));
  }
  if (count < 4 * LANES) memcpy(place, separate, count * sizeof *place);
}

/// A run's outputs of one channel from sums that lie at `sums` for its first tile.
AVX2_INLINED void transform_output(
    const float *sums, size_t set, run r, size_t height, size_t width, float bias, float *y) {
  __m256 columns[4][6];
  __m256i lanes = lanes_before(r.count);
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++) {
    __m256 m[6], rows[4];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++) m[i] = _mm256_maskload_ps(sums + (i * 6 + j) * set, lanes);
    output_column(m, rows);
#pragma clang loop unroll(full)
    for (size_t k = 0; k < 4; k++) columns[k][j] = rows[k];
  }
  size_t left = width - 4 * r.tx < 4 * r.count ? width - 4 * r.tx : 4 * r.count;
#pragma clang loop unroll(full)
  for (size_t k = 0; k < 4; k++) {
    if (4 * r.ty + k >= height) continue;
    __m256 rows[4];
    output_column(columns[k], rows);
    for (size_t q = 0; q < 4; q++) rows[q] += bias;
    write_line(rows, left, y + (4 * r.ty + k) * width + 4 * r.tx);
  }
}

AVX2 void narrow_winograd_output(
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
#endif
