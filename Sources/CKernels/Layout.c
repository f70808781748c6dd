#include <string.h>

#include "CKernels.h"

void kernel_gather_strided(
    const float *restrict source, float *restrict destination, size_t rank, const size_t *extents,
    const size_t *strides) {
  size_t outer = 1, inner = extents[rank - 1], step = strides[rank - 1];
  for (size_t axis = 0; axis + 1 < rank; axis++) outer *= extents[axis];
  size_t index[KERNEL_MAX_RANK] = {0};
  for (size_t block = 0; block < outer; block++) {
    const float *from = source;
    for (size_t axis = 0; axis + 1 < rank; axis++) from += index[axis] * strides[axis];
    if (step == 1)
      memcpy(destination, from, inner * sizeof *from);
    else
      for (size_t i = 0; i < inner; i++) destination[i] = from[i * step];
    destination += inner;
    for (size_t axis = rank - 1; axis-- > 0;) {
      if (++index[axis] < extents[axis]) break;
      index[axis] = 0;
    }
  }
}
