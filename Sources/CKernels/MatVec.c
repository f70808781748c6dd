#include "CKernels.h"
#include "Clones.h"
#include "Half.h"

// A product with one vector reads every weight once, so it runs at the speed of memory: 16-bit weights halve the
// time, provided they are widened in registers.

/// Rows at a time for one vector, a quarter of all apart: as many streams keep more of memory's lines on their way.
#define STREAMS 4
/// Bytes of a stream between those that are multiplied and those that are asked for.
#define AHEAD 512
/// Bytes that memory hands out at once.
#define LINE 64

// `name_row_dots`: products of `streams` rows, `distance` bytes apart, with one vector. Lanes of sixteen add up by themselves,
// so that a row's sum does not depend on which rows it is read with.
#define DEFINE_ROW_DOTS(name, weight_size, load)                                                                      \
  INLINED void name##_row_dots(                                                                                       \
      const char *restrict w, size_t distance, size_t streams, const float *restrict x, size_t count,                 \
      float sums[STREAMS]) {                                                                                          \
    lanes partial[STREAMS] = {0};                                                                                     \
    size_t line = LINE / weight_size, i = 0;                                                                          \
    for (; i + line <= count; i += line) {                                                                            \
      for (size_t s = 0; s < streams; s++) __builtin_prefetch(w + s * distance + i * weight_size + AHEAD);            \
      for (size_t part = i; part < i + line; part += LANES) {                                                         \
        lanes value, weight;                                                                                          \
        float_from_float_lanes(x, part, &value);                                                                      \
        for (size_t s = 0; s < streams; s++) {                                                                        \
          load##_lanes(w + s * distance, part, &weight);                                                              \
          partial[s] += weight * value;                                                                               \
        }                                                                                                             \
      }                                                                                                               \
    }                                                                                                                 \
    for (size_t s = 0; s < streams; s++) {                                                                            \
      float rest = 0;                                                                                                 \
      for (size_t j = i; j < count; j++) rest += load(w + s * distance, j) * x[j];                                    \
      sums[s] = lanes_sum(&partial[s]) + rest;                                                                        \
    }                                                                                                                 \
  }

// `name_dot`, `name_dot4`: products of one row with one vector or four. The order of summation is left to the compiler, which
// is what lets it use vectors.
#define DEFINE_DOTS(name, load)                                                                                       \
  INLINED float name##_dot(const void *restrict w, const float *restrict x, size_t count) {                           \
    _Pragma("clang fp reassociate(on)") float sum = 0;                                                                \
    for (size_t i = 0; i < count; i++) sum += load(w, i) * x[i];                                                      \
    return sum;                                                                                                       \
  }                                                                                                                   \
  INLINED void name##_dot4(                                                                                           \
      const void *restrict w, const float *restrict x, size_t count, float sums[KERNEL_MAX_VECTORS]) {                \
    _Pragma("clang fp reassociate(on)") float s0 = 0, s1 = 0, s2 = 0, s3 = 0;                                         \
    for (size_t i = 0; i < count; i++) {                                                                              \
      float value = load(w, i);                                                                                       \
      s0 += value * x[i];                                                                                             \
      s1 += value * x[count + i];                                                                                     \
      s2 += value * x[2 * count + i];                                                                                 \
      s3 += value * x[3 * count + i];                                                                                 \
    }                                                                                                                 \
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;                                                           \
  }

/// Row `r`'s sum, scaled unless `scales` is null, with its bias unless that is.
INLINED float finished(float sum, const float *scales, const float *bias, size_t r) {
  return (scales ? sum * scales[r] : sum) + (bias ? bias[r] : 0);
}

// `name_products`: every row's with every vector, times `scales[r]` unless that is null.
#define DEFINE_PRODUCTS(name, weight_size, load)                                                                      \
  DEFINE_ROW_DOTS(name, weight_size, load)                                                                            \
  DEFINE_DOTS(name, load)                                                                                             \
  INLINED void name##_vector(                                                                                         \
      const char *restrict weights, const float *restrict scales, size_t rows, size_t columns,                        \
      const float *restrict x, const float *restrict bias, float *restrict y) {                                       \
    size_t row = columns * weight_size, apart = rows / STREAMS;                                                       \
    float sums[STREAMS];                                                                                              \
    for (size_t r = 0; r < apart; r++) {                                                                              \
      name##_row_dots(weights + r * row, apart * row, STREAMS, x, columns, sums);                                     \
      for (size_t s = 0, at = r; s < STREAMS; s++, at += apart)                                                       \
        y[at] = finished(sums[s], scales, bias, at);                                                                  \
    }                                                                                                                 \
    for (size_t r = apart * STREAMS; r < rows; r++) {                                                                 \
      name##_row_dots(weights + r * row, 0, 1, x, columns, sums);                                                     \
      y[r] = finished(sums[0], scales, bias, r);                                                                      \
    }                                                                                                                 \
  }                                                                                                                   \
  INLINED void name##_products(                                                                                       \
      const char *restrict weights, const float *restrict scales, size_t rows, size_t columns,                        \
      const float *restrict x, size_t vectors, const float *restrict bias, float *restrict y, size_t stride) {        \
    if (vectors == 1) {                                                                                               \
      name##_vector(weights, scales, rows, columns, x, bias, y);                                                      \
      return;                                                                                                         \
    }                                                                                                                 \
    for (size_t r = 0; r < rows; r++) {                                                                               \
      const char *row = weights + r * columns * weight_size;                                                          \
      float sums[KERNEL_MAX_VECTORS];                                                                                 \
      if (vectors == KERNEL_MAX_VECTORS)                                                                              \
        name##_dot4(row, x, columns, sums);                                                                           \
      else                                                                                                            \
        for (size_t v = 0; v < vectors; v++) sums[v] = name##_dot(row, x + v * columns, columns);                     \
      for (size_t v = 0; v < vectors; v++)                                                                            \
        y[v * stride + r] = finished(sums[v], scales, bias, r);                                                       \
    }                                                                                                                 \
  }

#define DEFINE_MATVEC(name, weight_size, load)                                                                        \
  DEFINE_PRODUCTS(name, weight_size, load)                                                                            \
  CLONES void name(                                                                                                   \
      const void *restrict weights, size_t rows, size_t columns, const float *restrict x, size_t vectors,             \
      const float *restrict bias, float *restrict y, size_t stride) {                                                 \
    name##_products(weights, NULL, rows, columns, x, vectors, bias, y, stride);                                       \
  }

DEFINE_MATVEC(kernel_matvec_f32, 4, float_from_float)
DEFINE_MATVEC(kernel_matvec_f16, 2, float_from_half)
DEFINE_MATVEC(kernel_matvec_bf16, 2, float_from_bfloat)
DEFINE_PRODUCTS(kernel_matvec_i8, 1, float_from_byte)

CLONES void kernel_matvec_i8(
    const int8_t *restrict weights, const float *restrict scales, size_t rows, size_t columns, const float *restrict x,
    size_t vectors, const float *restrict bias, float *restrict y, size_t stride) {
  kernel_matvec_i8_products((const char *)weights, scales, rows, columns, x, vectors, bias, y, stride);
}
