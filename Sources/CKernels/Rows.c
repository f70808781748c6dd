#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "Clones.h"

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

void kernel_softmax_rows(const float *source, float *destination, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = source + r * columns;
    float *y = destination + r * columns;
    float largest = -INFINITY;
    for (size_t i = 0; i < columns; i++) largest = x[i] > largest ? x[i] : largest;
    if (largest == -INFINITY) {
      memset(y, 0, columns * sizeof *y);
      continue;
    }
    for (size_t i = 0; i < columns; i++) y[i] = x[i] - largest;
    kernel_exp(y, y, columns);
    double sum = 0;
    for (size_t i = 0; i < columns; i++) sum += y[i];
    kernel_scale(y, (float)(1 / sum), y, columns);
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
    size_t count) {
  for (size_t start = 0; start < count; start += PLACES) {
    size_t places = count - start < PLACES ? count - start : PLACES;
    double sums[PLACES] = {0};
    float scales[PLACES];
    for (size_t c = 0; c < channels; c++) {
      const float *x = source + c * count + start;
      for (size_t i = 0; i < places; i++) sums[i] += (double)x[i] * x[i];
    }
    for (size_t i = 0; i < places; i++) scales[i] = (float)(1 / sqrt(sums[i] / (double)channels + epsilon));
    for (size_t c = 0; c < channels; c++) {
      const float *x = source + c * count + start;
      float *y = destination + c * count + start;
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
