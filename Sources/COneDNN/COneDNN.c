#include "COneDNN.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "Descriptors.h"
#include "OneThread.h"

struct onednn_convolution {
  onednn_convolution_shape shape;
  dnnl_engine_t engine;
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
  dnnl_memory_t weights, bias;
};

static const_descriptor query(const onednn_convolution *c, dnnl_query_t what) {
  return dnnl_primitive_desc_query_md(c->description, what, 0);
}

/// One run's own buffers: a stream, memories around the caller's arrays, blocked copies and the scratchpad.
typedef struct {
  dnnl_stream_t stream;
  dnnl_memory_t source, destination, blocked_source, blocked_destination, scratchpad;
} run_state;

static dnnl_status_t reorder(dnnl_engine_t engine, dnnl_stream_t stream, dnnl_memory_t from, dnnl_memory_t to) {
  const_descriptor from_layout, to_layout;
  dnnl_status_t status = descriptor_of(from, &from_layout);
  if (status == dnnl_success) status = descriptor_of(to, &to_layout);
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t primitive = NULL;
  if (status == dnnl_success)
    status = dnnl_reorder_primitive_desc_create(&description, from_layout, engine, to_layout, engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(&primitive, description);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (status == dnnl_success) status = dnnl_primitive_execute(primitive, stream, 2, arguments);
  if (status == dnnl_success) status = dnnl_stream_wait(stream);
  if (primitive) dnnl_primitive_destroy(primitive);
  if (description) dnnl_primitive_desc_destroy(description);
  return status;
}

/// A memory of layout `wanted` with the contents of `plain`: `plain` itself when the layouts agree.
static dnnl_status_t adopt(
    const onednn_convolution *c, dnnl_stream_t stream, dnnl_memory_t plain, const_descriptor wanted, bool copy,
    dnnl_memory_t *result) {
  const_descriptor have;
  dnnl_status_t status = descriptor_of(plain, &have);
  if (status != dnnl_success) return status;
  if (!copy && dnnl_memory_desc_equal(have, wanted)) {
    *result = plain;
    return dnnl_success;
  }
  status = dnnl_memory_create(result, wanted, c->engine, DNNL_MEMORY_ALLOCATE);
  return status == dnnl_success ? reorder(c->engine, stream, plain, *result) : status;
}

/// The weights and the bias, copied into the layouts of the primitive.
static dnnl_status_t keep_parameters(onednn_convolution *c, const float *weights, const float *bias) {
  dnnl_stream_t stream = NULL;
  dnnl_memory_t plain = NULL;
  dnnl_status_t status = dnnl_stream_create(&stream, c->engine, dnnl_stream_default_flags);
  if (status == dnnl_success) status = plain_weights(&c->shape, c->engine, weights, &plain);
  if (status == dnnl_success)
    status = adopt(c, stream, plain, query(c, dnnl_query_weights_md), true, &c->weights);
  if (status == dnnl_success && bias) {
    status = dnnl_memory_create(&c->bias, bias_layout(c->description), c->engine, DNNL_MEMORY_ALLOCATE);
    void *data = NULL;
    if (status == dnnl_success) status = dnnl_memory_get_data_handle(c->bias, &data);
    if (status == dnnl_success) memcpy(data, bias, (size_t)c->shape.outputs * sizeof *bias);
  }
  if (plain) dnnl_memory_destroy(plain);
  if (stream) dnnl_stream_destroy(stream);
  return status;
}

onednn_convolution *onednn_convolution_create(
    const onednn_convolution_shape *shape, const float *weights, const float *bias) {
  stay_on_this_thread();
  onednn_convolution *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->shape = *shape;
  dnnl_status_t status = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
  if (status == dnnl_success) status = describe_convolution(shape, c->engine, bias != NULL, &c->description);
  if (status == dnnl_success) status = dnnl_primitive_create(&c->primitive, c->description);
  if (status == dnnl_success) status = keep_parameters(c, weights, bias);
  if (status == dnnl_success) return c;
  onednn_convolution_free(c);
  return NULL;
}

static dnnl_status_t open_run(
    const onednn_convolution *c, const float *source, float *destination, run_state *run) {
  dnnl_status_t status = dnnl_stream_create(&run->stream, c->engine, dnnl_stream_default_flags);
  if (status == dnnl_success) status = plain_picture(&c->shape, c->engine, false, (void *)source, &run->source);
  if (status == dnnl_success) status = plain_picture(&c->shape, c->engine, true, destination, &run->destination);
  if (status == dnnl_success)
    status = adopt(c, run->stream, run->source, query(c, dnnl_query_src_md), false, &run->blocked_source);
  if (status != dnnl_success) return status;
  const_descriptor plain;
  status = descriptor_of(run->destination, &plain);
  if (status == dnnl_success && dnnl_memory_desc_equal(plain, query(c, dnnl_query_dst_md)))
    run->blocked_destination = run->destination;
  else if (status == dnnl_success)
    status = dnnl_memory_create(
        &run->blocked_destination, query(c, dnnl_query_dst_md), c->engine, DNNL_MEMORY_ALLOCATE);
  if (status == dnnl_success)
    status = dnnl_memory_create(
        &run->scratchpad, query(c, dnnl_query_scratchpad_md), c->engine, DNNL_MEMORY_ALLOCATE);
  return status;
}

static void close_run(run_state *run) {
  if (run->blocked_source && run->blocked_source != run->source) dnnl_memory_destroy(run->blocked_source);
  if (run->blocked_destination && run->blocked_destination != run->destination)
    dnnl_memory_destroy(run->blocked_destination);
  if (run->source) dnnl_memory_destroy(run->source);
  if (run->destination) dnnl_memory_destroy(run->destination);
  if (run->scratchpad) dnnl_memory_destroy(run->scratchpad);
  if (run->stream) dnnl_stream_destroy(run->stream);
}

int onednn_convolution_run(const onednn_convolution *c, const float *source, float *destination) {
  stay_on_this_thread();
  run_state run = {0};
  dnnl_status_t status = open_run(c, source, destination, &run);
  if (status == dnnl_success) {
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, run.blocked_source},       {DNNL_ARG_WEIGHTS, c->weights},
        {DNNL_ARG_DST, run.blocked_destination},  {DNNL_ARG_SCRATCHPAD, run.scratchpad},
        {DNNL_ARG_BIAS, c->bias},
    };
    status = dnnl_primitive_execute(c->primitive, run.stream, c->bias ? 5 : 4, arguments);
  }
  if (status == dnnl_success) status = dnnl_stream_wait(run.stream);
  if (status == dnnl_success && run.blocked_destination != run.destination)
    status = reorder(c->engine, run.stream, run.blocked_destination, run.destination);
  close_run(&run);
  return (int)status;
}

const char *onednn_convolution_implementation(const onednn_convolution *c) {
  const char *name = NULL;
  if (dnnl_primitive_desc_query(c->description, dnnl_query_impl_info_str, 0, (void *)&name) != dnnl_success)
    return "unknown";
  return name;
}

void onednn_convolution_free(onednn_convolution *c) {
  if (!c) return;
  if (c->weights) dnnl_memory_destroy(c->weights);
  if (c->bias) dnnl_memory_destroy(c->bias);
  if (c->primitive) dnnl_primitive_destroy(c->primitive);
  if (c->description) dnnl_primitive_desc_destroy(c->description);
  if (c->engine) dnnl_engine_destroy(c->engine);
  free(c);
}
