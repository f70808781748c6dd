#ifndef EMULATED_KERNELS_H
#define EMULATED_KERNELS_H

// CKernels' loops for AVX-512 under other names, their instructions emulated: what Panels.c, Bytes.c and Winograd.c do on a
// processor that has them, on one that has AVX2, FMA and F16C. Call them only where `kernel_has_panels()`.

#include "CKernels.h"

__typeof__(kernel_pack_tiles) emulated_pack_tiles;
__typeof__(kernel_pack_panels) emulated_pack_panels;
__typeof__(kernel_pack_columns) emulated_pack_columns;
__typeof__(kernel_multiply_packed) emulated_multiply_packed;
__typeof__(kernel_multiply_bytes) emulated_multiply_bytes;
__typeof__(kernel_offsets) emulated_offsets;
__typeof__(kernel_winograd_weights) emulated_winograd_weights;
__typeof__(kernel_winograd_input) emulated_winograd_input;
__typeof__(kernel_winograd_output) emulated_winograd_output;

#endif
