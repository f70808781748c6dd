#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

// Where oneDNN 2 (Debian 12) and oneDNN 3 (Ubuntu 24.04) differ: version 3 makes memory and primitive descriptors
// opaque and drops the operation descriptor.

#include <dnnl.h>
#include <stdbool.h>

#include "COneDNN.h"

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t const_descriptor;
#else
typedef const dnnl_memory_desc_t *const_descriptor;
#endif

/// The layout of `memory`, which keeps owning it.
dnnl_status_t descriptor_of(dnnl_memory_t memory, const_descriptor *descriptor);

/// A convolution with the layouts left to oneDNN and a scratchpad that the caller brings.
dnnl_status_t describe_convolution(
    const onednn_convolution_shape *shape, dnnl_engine_t engine, bool has_bias, dnnl_primitive_desc_t *description);

/// The layout of the bias: the second weights of the primitive.
const_descriptor bias_layout(const_dnnl_primitive_desc_t description);

/// The caller's array [1, channels, height, width], or with `output` that of the result, as a memory.
dnnl_status_t plain_picture(
    const onednn_convolution_shape *shape, dnnl_engine_t engine, bool output, void *data, dnnl_memory_t *memory);

/// The caller's weights, [outputs, channels, kh, kw] or [groups, outputs / groups, channels / groups, kh, kw].
dnnl_status_t plain_weights(
    const onednn_convolution_shape *shape, dnnl_engine_t engine, const float *weights, dnnl_memory_t *memory);

#endif
