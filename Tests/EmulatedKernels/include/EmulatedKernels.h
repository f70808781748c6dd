#ifndef EMULATED_KERNELS_H
#define EMULATED_KERNELS_H

// CKernels' loops for AVX-512 under other names, their instructions emulated: what Panels.c and Winograd.c do on a processor
// that has them, on one that has AVX2, FMA and F16C. Call them only where `kernel_has_panels()`.

#include "CKernels.h"

void emulated_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles);
void emulated_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels);
void emulated_pack_columns(const float *w, size_t depth, size_t columns, size_t stride, float *panels);
void emulated_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride);
void emulated_winograd_weights(const float *weights, size_t outputs, size_t inputs, float *tiles);
void emulated_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set);
void emulated_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, size_t first,
    size_t tiles, const float *bias, float *y);

#endif
