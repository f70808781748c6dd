#include <math.h>

#include "CKernels.h"
#include "Clones.h"

CLONES
void kernel_exp(const float *source, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = expf(source[i]);
}

CLONES
void kernel_gelu(const float *source, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++)
    destination[i] = 0.5f * source[i] * erfcf(-source[i] * 0.70710678f);
}

CLONES
void kernel_swish(const float *source, float factor, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = source[i] / (1 + expf(-factor * source[i]));
}

CLONES
void kernel_relu(const float *source, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = source[i] < 0 ? 0 : source[i];
}
