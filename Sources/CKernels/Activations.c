#include "CKernels.h"
#include "Clones.h"
#include "Exp.h"

CLONES
void kernel_exp(const float *source, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = exp_without_branch(source[i]);
}

CLONES
void kernel_gelu(const float *source, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = source[i] * normal_distribution(source[i]);
}

CLONES
void kernel_swish(const float *source, float factor, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++)
    destination[i] = source[i] / (1.0f + exp_without_branch(-factor * source[i]));
}

CLONES
void kernel_relu(const float *source, float *destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = source[i] < 0 ? 0 : source[i];
}
