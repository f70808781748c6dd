#include <string.h>

#include "CKernels.h"
#include "Clones.h"

CLONES
void kernel_add(const float *a, const float *b, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = a[i] + b[i];
}

CLONES
void kernel_multiply(const float *a, const float *b, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = a[i] * b[i];
}

CLONES
void kernel_scale(const float *a, float factor, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = a[i] * factor;
}

void kernel_fill_rows(const float *row, float *destination, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) memcpy(destination + r * columns, row, columns * sizeof *row);
}

CLONES
void kernel_channel_affine(
    const float *source, const float *scale, const float *shift, float *destination, size_t channels, size_t count) {
  for (size_t c = 0; c < channels; c++)
    for (size_t i = 0; i < count; i++) destination[c * count + i] = source[c * count + i] * scale[c] + shift[c];
}

CLONES
void kernel_mean_groups(
    const float *restrict source, float *restrict destination, size_t groups, size_t per_group, size_t count) {
  for (size_t g = 0; g < groups; g++) {
    const float *group = source + g * per_group * count;
    float *mean = destination + g * count;
    memcpy(mean, group, count * sizeof *mean);
    for (size_t c = 1; c < per_group; c++)
      for (size_t i = 0; i < count; i++) mean[i] += group[c * count + i];
    for (size_t i = 0; i < count; i++) mean[i] /= (float)per_group;
  }
}

CLONES
int kernel_all_finite(const float *a, size_t count) {
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, a + i, sizeof bits);
    // An exponent of all ones is an infinity or a NaN.
    found |= (bits & 0x7f800000u) == 0x7f800000u;
  }
  return !found;
}
