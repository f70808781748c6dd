#include "COpenBLAS.h"

#include <cblas.h>

void openblas_sgemm(
    bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
    int ldb, float beta, float *c, int ldc) {
  cblas_sgemm(
      CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k, alpha,
      a, lda, b, ldb, beta, c, ldc);
}

const char *openblas_core(void) { return openblas_get_corename(); }

void openblas_threads(int count) { openblas_set_num_threads(count); }
