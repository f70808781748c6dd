#include <string.h>

#include "CKernels.h"
#include "Clones.h"

// Minimal filtering F(4×4, 3×3) of Lavin & Gray, arXiv 1509.09308: a tile of 4×4 outputs takes 36 products instead of 144.
// Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A with d a 6×6 tile of the input and g a 3×3 kernel.

/// Tiles of a row transformed side by side: a vector of AVX-512.
#define LANES 16
/// Columns of the input under so many tiles.
#define SPAN (4 * LANES + 2)

static size_t tiles_over(size_t extent) { return (extent + 3) / 4; }

void kernel_winograd_weights(const float *weights, size_t outputs, size_t inputs, float *tiles) {
  static const double g[6][3] = {{1.0 / 4, 0, 0},
                                 {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                 {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                 {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                 {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                 {0, 0, 1}};
  size_t rows = (outputs + KERNEL_TILE_ROWS - 1) / KERNEL_TILE_ROWS * KERNEL_TILE_ROWS;
  for (size_t o = 0; o < rows; o++)
    for (size_t c = 0; c < inputs; c++) {
      float *place = tiles + o / KERNEL_TILE_ROWS * KERNEL_TILE_ROWS * inputs + c * KERNEL_TILE_ROWS + o % KERNEL_TILE_ROWS;
      const float *kernel = weights + (o * inputs + c) * 9;
      for (size_t i = 0; i < 6; i++) {
        double row[3] = {0, 0, 0};
        for (size_t a = 0; o < outputs && a < 3; a++)
          for (size_t b = 0; b < 3; b++) row[b] += g[i][a] * kernel[a * 3 + b];
        for (size_t j = 0; j < 6; j++)
          place[(i * 6 + j) * rows * inputs] = (float)(row[0] * g[j][0] + row[1] * g[j][1] + row[2] * g[j][2]);
      }
    }
}

/// A column of Bᵀ d for `count` neighbours.
INLINED void input_column(const float *const d[6], size_t count, float *const t[6]) {
  for (size_t i = 0; i < count; i++) {
    float a = d[0][i], b = d[1][i], c = d[2][i], e = d[3][i], f = d[4][i], h = d[5][i];
    t[0][i] = 4 * a - 5 * c + f;
    t[1][i] = (e + f) - 4 * (b + c);
    t[2][i] = (f - e) + 4 * (b - c);
    t[3][i] = (f - c) + 2 * (e - b);
    t[4][i] = (f - c) - 2 * (e - b);
    t[5][i] = 4 * b - 5 * e + h;
  }
}

/// A line of the picture from column 4·tx − 1 on, zero outside of it.
INLINED void read_line(const float *x, size_t width, long row, size_t height, size_t tx, float line[SPAN]) {
  memset(line, 0, SPAN * sizeof *line);
  if (row < 0 || row >= (long)height) return;
  size_t skipped = tx == 0 ? 1 : 0, first = 4 * tx + skipped - 1;
  size_t count = width - first < SPAN - skipped ? width - first : SPAN - skipped;
  memcpy(line + skipped, x + (size_t)row * width + first, count * sizeof *line);
}

/// Bᵀ d B of up to 16 tiles of a row, `count` of them, into planes `stride` floats apart.
INLINED void transform_input(const float lines[6][SPAN], size_t count, float *planes, size_t stride) {
  float rows[6][SPAN], values[6][LANES], results[6][LANES];
  const float *d[6];
  float *t[6];
  for (size_t i = 0; i < 6; i++) d[i] = lines[i], t[i] = rows[i];
  input_column(d, SPAN, t);
  for (size_t i = 0; i < 6; i++) d[i] = values[i], t[i] = results[i];
  for (size_t i = 0; i < 6; i++) {
    for (size_t j = 0; j < 6; j++)
      for (size_t l = 0; l < LANES; l++) values[j][l] = rows[i][4 * l + j];
    input_column(d, LANES, t);
    for (size_t j = 0; j < 6; j++) memcpy(planes + (i * 6 + j) * stride, results[j], count * sizeof(float));
  }
}

CLONES void kernel_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, float *planes, float *panels, size_t depth,
    size_t panel_set) {
  size_t down = tiles_over(height), across = tiles_over(width), tiles = down * across;
  size_t stride = (tiles + KERNEL_PANEL_COLUMNS - 1) / KERNEL_PANEL_COLUMNS * KERNEL_PANEL_COLUMNS;
  memset(planes, 0, 36 * stride * sizeof *planes);
  for (size_t c = 0; c < channels; c++, x += height * width, panels += KERNEL_PANEL_COLUMNS) {
    for (size_t ty = 0; ty < down; ty++)
      for (size_t tx = 0; tx < across; tx += LANES) {
        float lines[6][SPAN];
        for (size_t i = 0; i < 6; i++) read_line(x, width, (long)(4 * ty + i) - 1, height, tx, lines[i]);
        size_t count = across - tx < LANES ? across - tx : LANES;
        transform_input(lines, count, planes + ty * across + tx, stride);
      }
    for (size_t p = 0; p < 36; p++)
      for (size_t t = 0; t < stride; t += KERNEL_PANEL_COLUMNS)
        memcpy(
            panels + p * panel_set + t * depth, planes + p * stride + t, KERNEL_PANEL_COLUMNS * sizeof(float));
  }
}

/// Aᵀ m for 16 neighbours: six values become four.
INLINED void output_column(const float m[6][LANES], float y[4][LANES]) {
  for (size_t l = 0; l < LANES; l++) {
    float sum = m[1][l] + m[2][l], difference = m[1][l] - m[2][l];
    float far = m[3][l] + m[4][l], spread = m[3][l] - m[4][l];
    y[0][l] = m[0][l] + sum + far;
    y[1][l] = difference + 2 * spread;
    y[2][l] = sum + 4 * far;
    y[3][l] = difference + 8 * spread + m[5][l];
  }
}

CLONES void kernel_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, const float *bias,
    float *y) {
  size_t down = tiles_over(height), across = tiles_over(width);
  for (size_t o = 0; o < channels; o++, sums += stride, y += height * width)
    for (size_t ty = 0; ty < down; ty++)
      for (size_t tx = 0; tx < across; tx += LANES) {
        float columns[4][6][LANES], m[6][LANES], rows[4][LANES], line[4 * LANES];
        size_t count = across - tx < LANES ? across - tx : LANES;
        memset(m, 0, sizeof m);
        for (size_t j = 0; j < 6; j++) {
          for (size_t i = 0; i < 6; i++)
            memcpy(m[i], sums + (i * 6 + j) * sum_set + ty * across + tx, count * sizeof(float));
          output_column(m, rows);
          for (size_t r = 0; r < 4; r++) memcpy(columns[r][j], rows[r], sizeof rows[r]);
        }
        size_t left = width - 4 * tx < 4 * count ? width - 4 * tx : 4 * count;
        for (size_t r = 0; r < 4 && 4 * ty + r < height; r++) {
          output_column(columns[r], rows);
          for (size_t q = 0; q < 4; q++)
            for (size_t l = 0; l < LANES; l++) line[4 * l + q] = rows[q][l] + (bias ? bias[o] : 0);
          memcpy(y + (4 * ty + r) * width + 4 * tx, line, left * sizeof *line);
        }
      }
}
