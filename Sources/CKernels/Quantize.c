#include <stdint.h>

#include "CKernels.h"
#include "Clones.h"

/// Lanes whose largest values are found side by side: one running maximum would wait for itself at every value.
#define LANES 64

/// By their bits, which are ordered as the magnitudes are: an infinity is above all numbers and a NaN above it, so that a
/// row with one gets a scale that is not finite instead of passing for numbers.
INLINED float largest_magnitude(const float *restrict values, size_t count) {
  uint32_t lanes[LANES] = {0}, largest = 0;
  size_t whole = count / LANES * LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t l = 0; l < LANES; l++) {
      uint32_t bits;
      __builtin_memcpy(&bits, values + i + l, sizeof bits);
      bits &= 0x7fffffffu;
      lanes[l] = bits > lanes[l] ? bits : lanes[l];
    }
  for (size_t l = 0; l < LANES; l++) largest = lanes[l] > largest ? lanes[l] : largest;
  for (size_t i = whole; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, values + i, sizeof bits);
    bits &= 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  float result;
  __builtin_memcpy(&result, &largest, sizeof result);
  return result;
}

/// The nearest integer, ties to even, of a value under 2^22: adding 1.5 * 2^23 leaves it in the lowest bits.
INLINED int nearest(float value) {
  float shifted = value + 12582912.0f;
  int bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  return bits - 0x4B400000;
}

/// Rows below it become zeros: their factor would be infinite.
#define SMALLEST 1e-36f

CLONES void kernel_quantize_rows(
    const float *restrict source, size_t rows, size_t columns, int levels, uint8_t *restrict destination,
    float *restrict scales) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = source + r * columns;
    uint8_t *result = destination + r * columns;
    float largest = largest_magnitude(row, columns);
    float factor = largest > SMALLEST ? (float)levels / largest : 0;
    for (size_t c = 0; c < columns; c++) result[c] = (uint8_t)(nearest(row[c] * factor) + levels + 1);
    scales[r] = largest / (float)levels;
  }
}

CLONES void kernel_quantize_weights(
    const float *restrict source, size_t rows, size_t columns, int8_t *restrict destination, float *restrict scales) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = source + r * columns;
    int8_t *result = destination + r * columns;
    float largest = largest_magnitude(row, columns);
    float factor = largest > SMALLEST ? 127.0f / largest : 0;
    for (size_t c = 0; c < columns; c++) result[c] = (int8_t)nearest(row[c] * factor);
    scales[r] = largest / 127.0f;
  }
}

CLONES void kernel_f32_from_i8(
    const int8_t *restrict source, const float *restrict scales, size_t rows, size_t columns,
    float *restrict destination) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++)
      destination[r * columns + c] = (float)source[r * columns + c] * scales[r];
}

CLONES void kernel_scale_sums(
    const int32_t *restrict sums, size_t rows, size_t columns, const float *restrict row_scales,
    const float *restrict column_scales, const float *restrict bias, float *restrict y, size_t stride) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++)
      y[r * stride + c] = (float)sums[r * columns + c] * (row_scales[r] * column_scales[c]) + (bias ? bias[c] : 0);
}
