#include "CKernels.h"
#include "Clones.h"

/// Smooths the products that SSIM needs along rows: means of x, y, x², y² and xy, each `[height, inner]`.
INLINED void smooth_rows(
    const float *x, const float *y, size_t height, size_t width, const double *window, size_t taps, double *rows) {
  size_t inner = width - taps + 1, plane = height * inner;
  for (size_t row = 0; row < height; row++) {
    const float *a = x + row * width, *b = y + row * width;
    double *out = rows + row * inner;
    for (size_t i = 0; i < inner; i++) {
      double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
      for (size_t tap = 0; tap < taps; tap++) {
        double u = a[i + tap], v = b[i + tap], w = window[tap];
        sx += w * u;
        sy += w * v;
        sxx += w * u * u;
        syy += w * v * v;
        sxy += w * u * v;
      }
      out[i] = sx;
      out[plane + i] = sy;
      out[2 * plane + i] = sxx;
      out[3 * plane + i] = syy;
      out[4 * plane + i] = sxy;
    }
  }
}

CLONES double kernel_similarity_sum(
    const float *x, const float *y, size_t height, size_t width, const double *window, size_t taps, double c1, double c2,
    double *scratch) {
  size_t inner = width - taps + 1, plane = height * inner;
  smooth_rows(x, y, height, width, window, taps, scratch);
  double sum = 0;
  for (size_t row = 0; row + taps <= height; row++) {
    for (size_t i = 0; i < inner; i++) {
      double s[5] = {0};
      for (size_t tap = 0; tap < taps; tap++)
        for (size_t k = 0; k < 5; k++) s[k] += window[tap] * scratch[k * plane + (row + tap) * inner + i];
      double vx = s[2] - s[0] * s[0], vy = s[3] - s[1] * s[1], covariance = s[4] - s[0] * s[1];
      sum += (2 * s[0] * s[1] + c1) * (2 * covariance + c2) /
             ((s[0] * s[0] + s[1] * s[1] + c1) * (vx + vy + c2));
    }
  }
  return sum;
}
