#include "Descriptors.h"

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t descriptor;
#define AS_CONST(d) (d)

static dnnl_status_t make(descriptor *d, int rank, const dnnl_dims_t extents, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(d, rank, extents, dnnl_f32, tag);
}

static void drop(descriptor *d) {
  if (*d) dnnl_memory_desc_destroy(*d);
}
#else
typedef dnnl_memory_desc_t descriptor;
#define AS_CONST(d) (&(d))

static dnnl_status_t make(descriptor *d, int rank, const dnnl_dims_t extents, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(d, rank, extents, dnnl_f32, tag);
}

static void drop(descriptor *d) { (void)d; }
#endif

dnnl_status_t descriptor_of(dnnl_memory_t memory, const_descriptor *result) {
  return dnnl_memory_get_memory_desc(memory, result);
}

static int64_t extent_after(const onednn_convolution_shape *s, int64_t extent, int64_t kernel) {
  return (extent + 2 * s->padding - kernel) / s->stride + 1;
}

static dnnl_status_t picture_layout(
    const onednn_convolution_shape *s, bool output, dnnl_format_tag_t tag, descriptor *d) {
  const dnnl_dims_t source = {1, s->channels, s->height, s->width};
  const dnnl_dims_t destination = {
      1, s->outputs, extent_after(s, s->height, s->kernel_height), extent_after(s, s->width, s->kernel_width)};
  return make(d, 4, output ? destination : source, tag);
}

static dnnl_status_t weight_layout(const onednn_convolution_shape *s, bool plain, descriptor *d) {
  if (s->groups == 1) {
    const dnnl_dims_t extents = {s->outputs, s->channels, s->kernel_height, s->kernel_width};
    return make(d, 4, extents, plain ? dnnl_oihw : dnnl_format_tag_any);
  }
  const dnnl_dims_t extents = {
      s->groups, s->outputs / s->groups, s->channels / s->groups, s->kernel_height, s->kernel_width};
  return make(d, 5, extents, plain ? dnnl_goihw : dnnl_format_tag_any);
}

static dnnl_status_t create(
    const onednn_convolution_shape *s, dnnl_engine_t engine, const_dnnl_primitive_attr_t attributes,
    const_descriptor source, const_descriptor weights, const_descriptor bias, const_descriptor destination,
    dnnl_primitive_desc_t *description) {
  const dnnl_dims_t strides = {s->stride, s->stride};
  const dnnl_dims_t padding = {s->padding, s->padding};
#if DNNL_VERSION_MAJOR >= 3
  const dnnl_dims_t dilations = {0, 0};
  return dnnl_convolution_forward_primitive_desc_create(
      description, engine, dnnl_forward_inference, dnnl_convolution_auto, source, weights, bias, destination, strides,
      dilations, padding, padding, attributes);
#else
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_convolution_forward_desc_init(
      &operation, dnnl_forward_inference, dnnl_convolution_auto, source, weights, bias, destination, strides, padding,
      padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
#endif
}

dnnl_status_t describe_convolution(
    const onednn_convolution_shape *s, dnnl_engine_t engine, bool has_bias, dnnl_primitive_desc_t *description) {
  descriptor source = {0}, weights = {0}, bias = {0}, destination = {0};
  dnnl_primitive_attr_t attributes = NULL;
  const dnnl_dims_t bias_extents = {s->outputs};
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success) status = picture_layout(s, false, dnnl_format_tag_any, &source);
  if (status == dnnl_success) status = weight_layout(s, false, &weights);
  if (status == dnnl_success) status = make(&bias, 1, bias_extents, dnnl_x);
  if (status == dnnl_success) status = picture_layout(s, true, dnnl_format_tag_any, &destination);
  if (status == dnnl_success)
    status = create(
        s, engine, attributes, AS_CONST(source), AS_CONST(weights), has_bias ? AS_CONST(bias) : NULL,
        AS_CONST(destination), description);
  drop(&source), drop(&weights), drop(&bias), drop(&destination);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

const_descriptor bias_layout(const_dnnl_primitive_desc_t description) {
  return dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 1);
}

dnnl_status_t plain_picture(
    const onednn_convolution_shape *s, dnnl_engine_t engine, bool output, void *data, dnnl_memory_t *memory) {
  descriptor d = {0};
  dnnl_status_t status = picture_layout(s, output, dnnl_nchw, &d);
  if (status == dnnl_success) status = dnnl_memory_create(memory, AS_CONST(d), engine, data);
  drop(&d);
  return status;
}

dnnl_status_t plain_weights(
    const onednn_convolution_shape *s, dnnl_engine_t engine, const float *weights, dnnl_memory_t *memory) {
  descriptor d = {0};
  dnnl_status_t status = weight_layout(s, true, &d);
  if (status == dnnl_success) status = dnnl_memory_create(memory, AS_CONST(d), engine, (void *)weights);
  drop(&d);
  return status;
}
