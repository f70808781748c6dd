#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CKernels.h"

void kernel_keep_freed_memory(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_ARENA_MAX, 1);
#endif
}

void kernel_use_large_pages(void *start, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  // A system without them goes on as it is.
  (void)madvise(start, bytes, MADV_HUGEPAGE);
#else
  (void)start, (void)bytes;
#endif
}

int kernel_processors(void) {
  cpu_set_t set;
  // A machine of more than 1,024 processors does not fit the set.
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? count : 1;
}

#if defined(__x86_64__)
kernel_vectors kernel_widest_vectors(void) {
  __builtin_cpu_init();
  int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
  if (avx512) return kernel_vectors_avx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kernel_vectors_avx2
                                                                         : kernel_vectors_baseline;
}

int kernel_is_amd(void) {
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") != 0;
}
#else
kernel_vectors kernel_widest_vectors(void) { return kernel_vectors_baseline; }

int kernel_is_amd(void) { return 0; }
#endif
