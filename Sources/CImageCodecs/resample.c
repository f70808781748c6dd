#include <string.h>

#include "CImageCodecs.h"

// The loops are plain so that the compiler vectorises them; a copy for wider registers is chosen at load, before
// ThreadSanitizer is there, which it would call.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_TSAN
#endif
#endif
#if defined(__x86_64__) && !defined(IS_TSAN)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

static inline uint8_t rounded(int32_t sum) {
  const int32_t value = (sum + (1 << (CIC_PRECISION_BITS - 1))) >> CIC_PRECISION_BITS;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

WIDE void cic_resample_row(const uint8_t *source, uint8_t *target, size_t width, const int32_t *starts,
                           const int32_t *weights, size_t taps) {
  enum { LANES = 3 * CIC_TAP_MULTIPLE };
  for (size_t x = 0; x < width; x++) {
    const uint8_t *pixels = source + 3 * (size_t)starts[x];
    const int32_t *weight = weights + 3 * taps * x;
    int32_t sums[LANES] = {0};
    for (size_t byte = 0; byte < 3 * taps; byte += LANES)
      for (size_t lane = 0; lane < LANES; lane++) sums[lane] += pixels[byte + lane] * weight[byte + lane];
    for (size_t channel = 0; channel < 3; channel++) {
      int32_t sum = 0;
      for (size_t lane = channel; lane < LANES; lane += 3) sum += sums[lane];
      target[3 * x + channel] = rounded(sum);
    }
  }
}

WIDE void cic_resample_column(const uint8_t *source, size_t row_bytes, const int32_t *weights, size_t taps,
                              int32_t *sums, uint8_t *target) {
  memset(sums, 0, row_bytes * sizeof *sums);
  for (size_t tap = 0; tap < taps; tap++) {
    const uint8_t *row = source + tap * row_bytes;
    const int32_t weight = weights[tap];
    for (size_t byte = 0; byte < row_bytes; byte++) sums[byte] += row[byte] * weight;
  }
  for (size_t byte = 0; byte < row_bytes; byte++) target[byte] = rounded(sums[byte]);
}
