#include "CKernels.h"
#include "Clones.h"
#include "Half.h"

CLONES
void kernel_f32_from_f16(const void *restrict source, float *restrict destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = float_from_half(source, i);
}

CLONES
void kernel_f32_from_bf16(const void *restrict source, float *restrict destination, size_t count) {
  for (size_t i = 0; i < count; i++) destination[i] = float_from_bfloat(source, i);
}
