#ifndef CONEDNN_H
#define CONEDNN_H

#include <stdint.h>

/// A 2-D convolution of one picture: [channels, height, width] -> [outputs, ...], square stride, zero padding.
typedef struct {
  int64_t channels, outputs, groups;
  int64_t height, width;
  int64_t kernel_height, kernel_width;
  int64_t stride, padding;
} onednn_convolution_shape;

/// A convolution made ready for one input size: generated code, and the weights in the layout that code wants.
typedef struct onednn_convolution onednn_convolution;

/// Makes a convolution ready. `weights` is [outputs, channels / groups, kernel_height, kernel_width], `bias` is
/// [outputs] or null; both are copied. Returns null when oneDNN has no implementation or no memory.
onednn_convolution *onednn_convolution_create(
    const onednn_convolution_shape *shape, const float *weights, const float *bias);

/// Convolves `source` [channels, height, width] into `destination` on the calling thread alone. Any number of threads
/// may run one convolution at a time, since everything a run writes is its own. Returns oneDNN's status, 0 when it went
/// well.
int onednn_convolution_run(const onednn_convolution *convolution, const float *source, float *destination);

/// The implementation that oneDNN chose, such as "jit:avx512_core".
const char *onednn_convolution_implementation(const onednn_convolution *convolution);

void onednn_convolution_free(onednn_convolution *convolution);

/// c [rows, outputs] = (a [rows, inputs] - zero_point) times the transpose of b [outputs, inputs], on the calling thread
/// alone. Returns oneDNN's status, 0 when it went well.
int onednn_multiply_bytes(
    int64_t rows, int64_t outputs, int64_t inputs, const uint8_t *a, uint8_t zero_point, const int8_t *b, int32_t *c);

/// Whether these products add up in 32 bits; without, pairs of them saturate in 16.
int onednn_adds_bytes_exactly(void);

#endif
