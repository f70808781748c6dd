#include <float.h>
#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "Clones.h"
#include "Exp.h"

INLINED double sum_of(const float *x, size_t count) {
#pragma clang fp reassociate(on)
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i];
  return sum;
}

INLINED double sum_of_squares_about(const float *x, double center, size_t count) {
#pragma clang fp reassociate(on)
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (x[i] - center) * (x[i] - center);
  return sum;
}

/// The largest of `count` values, minus infinity for none: sixteen maxima side by side, as one chain of comparisons
/// would not become vectors.
INLINED float largest_of(const float *x, size_t count) {
  float largest[16];
  for (int lane = 0; lane < 16; lane++) largest[lane] = -INFINITY;
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int lane = 0; lane < 16; lane++) largest[lane] = x[i + lane] > largest[lane] ? x[i + lane] : largest[lane];
  for (; i < count; i++) largest[0] = x[i] > largest[0] ? x[i] : largest[0];
  for (int lane = 1; lane < 16; lane++) largest[0] = largest[lane] > largest[0] ? largest[lane] : largest[0];
  return largest[0];
}

CLONES
void kernel_softmax_rows(const float *source, float *destination, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    float *y = destination + r * columns;
    // The loops below work in place: between two arrays that may be one they would not become vectors.
    if (source != destination) memcpy(y, source + r * columns, columns * sizeof *y);
    float largest = largest_of(y, columns);
    if (largest == -INFINITY) {
      // All masked; but a NaN is below nothing and above nothing, and must not pass for a masked key.
      for (size_t i = 0; i < columns; i++) y[i] = y[i] != y[i] ? NAN : 0;
      continue;
    }
    for (size_t i = 0; i < columns; i++) y[i] = exp_without_branch(y[i] - largest);
    float scale = (float)(1 / sum_of(y, columns));
    for (size_t i = 0; i < columns; i++) y[i] = y[i] * scale < FLT_MIN ? 0 : y[i] * scale;
  }
}

CLONES
void kernel_layer_norm(
    const float *source, const float *weight, const float *bias, float epsilon, float *destination, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = source + r * columns;
    float *y = destination + r * columns;
    double mean = sum_of(x, columns) / (double)columns;
    double variance = sum_of_squares_about(x, mean, columns) / (double)columns;
    float shift = (float)mean, scale = (float)(1 / sqrt(variance + epsilon));
    for (size_t i = 0; i < columns; i++) y[i] = (x[i] - shift) * scale * weight[i] + bias[i];
  }
}

CLONES
void kernel_rms_norm(
    const float *source, const float *weight, float epsilon, float *destination, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = source + r * columns;
    float *y = destination + r * columns;
    float scale = (float)(1 / sqrt(sum_of_squares_about(x, 0, columns) / (double)columns + epsilon));
    for (size_t i = 0; i < columns; i++) y[i] = x[i] * scale * weight[i];
  }
}

#define PLACES 256

CLONES
void kernel_rms_norm_channels(
    const float *source, const float *weight, const float *bias, float epsilon, float *destination, size_t channels,
    size_t stride, size_t count) {
  for (size_t start = 0; start < count; start += PLACES) {
    size_t places = count - start < PLACES ? count - start : PLACES;
    double sums[PLACES] = {0};
    float scales[PLACES];
    for (size_t c = 0; c < channels; c++) {
      const float *x = source + c * stride + start;
      for (size_t i = 0; i < places; i++) sums[i] += (double)x[i] * x[i];
    }
    for (size_t i = 0; i < places; i++) scales[i] = (float)(1 / sqrt(sums[i] / (double)channels + epsilon));
    for (size_t c = 0; c < channels; c++) {
      const float *x = source + c * stride + start;
      float *y = destination + c * stride + start;
      for (size_t i = 0; i < places; i++) y[i] = x[i] * scales[i] * weight[c] + bias[c];
    }
  }
}

CLONES
void kernel_rotate_halves(
    const float *source, const float *cosines, const float *sines, float *destination, size_t rows, size_t heads,
    size_t half) {
  for (size_t r = 0; r < rows; r++)
    for (size_t h = 0; h < heads; h++) {
      const float *x = source + (r * heads + h) * 2 * half;
      float *y = destination + (r * heads + h) * 2 * half;
      for (size_t i = 0; i < half; i++) {
        float a = x[i], b = x[half + i], cosine = cosines[r * half + i], sine = sines[r * half + i];
        y[i] = a * cosine - b * sine;
        y[half + i] = b * cosine + a * sine;
      }
    }
}
