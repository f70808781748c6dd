#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stdbool.h>

/// C [m, n] = alpha * A * B + beta * C, row-major, A [m, k] or, transposed, [k, m], B [k, n] or, transposed, [n, k].
/// cblas.h is kept out of Swift: its enumerations and complex types differ between OpenBLAS releases.
void openblas_sgemm(
    bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
    int ldb, float beta, float *c, int ldc);

/// The kernel set that OpenBLAS chose when it was loaded, such as "Haswell".
const char *openblas_core(void);

void openblas_threads(int count);

#endif
