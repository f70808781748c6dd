#include "CKernels.h"
#include "Clones.h"
#include "Half.h"

// A product with one vector reads every weight once, so it runs at the speed of memory: 16-bit weights halve the
// time, provided they are widened in registers. The order of summation is left to the compiler, which is what lets
// it use vectors.
// Four rows at a time for one vector: as many streams keep more of memory's lines on their way, 20 GB/s instead of 15.
#define ROWS 4

#define DEFINE_DOTS(name, widen)                                                                                      \
  INLINED float name##_dot(const void *restrict w, const float *restrict x, size_t count) {                           \
    _Pragma("clang fp reassociate(on)") float sum = 0;                                                                \
    for (size_t i = 0; i < count; i++) sum += widen(w, i) * x[i];                                                     \
    return sum;                                                                                                       \
  }                                                                                                                   \
  INLINED void name##_dot4(                                                                                           \
      const void *restrict w, const float *restrict x, size_t count, float sums[KERNEL_MAX_VECTORS]) {                \
    _Pragma("clang fp reassociate(on)") float s0 = 0, s1 = 0, s2 = 0, s3 = 0;                                         \
    for (size_t i = 0; i < count; i++) {                                                                              \
      float value = widen(w, i);                                                                                      \
      s0 += value * x[i];                                                                                             \
      s1 += value * x[count + i];                                                                                     \
      s2 += value * x[2 * count + i];                                                                                 \
      s3 += value * x[3 * count + i];                                                                                 \
    }                                                                                                                 \
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;                                                           \
  }                                                                                                                   \
  INLINED void name##_rows(                                                                                           \
      const char *restrict w, size_t row_bytes, const float *restrict x, size_t count, float sums[ROWS]) {            \
    _Pragma("clang fp reassociate(on)") float s0 = 0, s1 = 0, s2 = 0, s3 = 0;                                         \
    for (size_t i = 0; i < count; i++) {                                                                              \
      float value = x[i];                                                                                             \
      s0 += widen(w, i) * value;                                                                                      \
      s1 += widen(w + row_bytes, i) * value;                                                                          \
      s2 += widen(w + 2 * row_bytes, i) * value;                                                                      \
      s3 += widen(w + 3 * row_bytes, i) * value;                                                                      \
    }                                                                                                                 \
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;                                                           \
  }

#define DEFINE_MATVEC(name, weight_size, widen)                                                                       \
  DEFINE_DOTS(name, widen)                                                                                            \
  CLONES void name(                                                                                                   \
      const void *restrict weights, size_t rows, size_t columns, const float *restrict x, size_t vectors,             \
      const float *restrict bias, float *restrict y, size_t stride) {                                                 \
    size_t r = 0;                                                                                                     \
    for (; vectors == 1 && r + ROWS <= rows; r += ROWS) {                                                             \
      float sums[ROWS];                                                                                               \
      name##_rows((const char *)weights + r * columns * weight_size, columns * weight_size, x, columns, sums);        \
      for (size_t i = 0; i < ROWS; i++) y[r + i] = sums[i] + (bias ? bias[r + i] : 0);                                \
    }                                                                                                                 \
    for (; r < rows; r++) {                                                                                           \
      const char *row = (const char *)weights + r * columns * weight_size;                                            \
      float sums[KERNEL_MAX_VECTORS];                                                                                 \
      if (vectors == KERNEL_MAX_VECTORS)                                                                              \
        name##_dot4(row, x, columns, sums);                                                                           \
      else                                                                                                            \
        for (size_t v = 0; v < vectors; v++) sums[v] = name##_dot(row, x + v * columns, columns);                     \
      for (size_t v = 0; v < vectors; v++) y[v * stride + r] = sums[v] + (bias ? bias[r] : 0);                        \
    }                                                                                                                 \
  }

DEFINE_MATVEC(kernel_matvec_f32, 4, float_from_float)
DEFINE_MATVEC(kernel_matvec_f16, 2, float_from_half)
DEFINE_MATVEC(kernel_matvec_bf16, 2, float_from_bfloat)

DEFINE_DOTS(kernel_matvec_i8, float_from_byte)

CLONES void kernel_matvec_i8(
    const int8_t *restrict weights, const float *restrict scales, size_t rows, size_t columns, const float *restrict x,
    size_t vectors, const float *restrict bias, float *restrict y, size_t stride) {
  size_t r = 0;
  for (; vectors == 1 && r + ROWS <= rows; r += ROWS) {
    float sums[ROWS];
    kernel_matvec_i8_rows((const char *)(weights + r * columns), columns, x, columns, sums);
    for (size_t i = 0; i < ROWS; i++) y[r + i] = sums[i] * scales[r + i] + (bias ? bias[r + i] : 0);
  }
  for (; r < rows; r++) {
    const int8_t *row = weights + r * columns;
    float sums[KERNEL_MAX_VECTORS];
    if (vectors == KERNEL_MAX_VECTORS)
      kernel_matvec_i8_dot4(row, x, columns, sums);
    else
      for (size_t v = 0; v < vectors; v++) sums[v] = kernel_matvec_i8_dot(row, x + v * columns, columns);
    for (size_t v = 0; v < vectors; v++) y[v * stride + r] = sums[v] * scales[r] + (bias ? bias[r] : 0);
  }
}
