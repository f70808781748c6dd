#include <dnnl.h>

#include "COneDNN.h"
#include "OneThread.h"

int onednn_multiply_bytes(
    int64_t rows, int64_t outputs, int64_t inputs, const uint8_t *a, uint8_t zero_point, const int8_t *b, int32_t *c) {
  stay_on_this_thread();
  const int32_t offset = 0;
  return (int)dnnl_gemm_u8s8s32(
      'N', 'T', 'F', rows, outputs, inputs, 1.0f, a, inputs, zero_point, b, inputs, 0, 0.0f, c, outputs, &offset);
}

int onednn_adds_bytes_exactly(void) {
#if defined(__x86_64__)
  // Asked of oneDNN, which ONEDNN_MAX_CPU_ISA can keep from what the processor has.
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni;
#else
  return 0;
#endif
}
