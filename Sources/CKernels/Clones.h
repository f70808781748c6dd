#ifndef CLONES_H
#define CLONES_H

// One body, three instruction sets, chosen when the program is loaded. A package for all x86-64 machines may not
// assume AVX, and Swift's own vectors are slow without `-march`. What chooses runs before ThreadSanitizer is there, which
// it would call.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_TSAN
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(IS_TSAN)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

// Helpers must be inlined to be compiled for their caller's instruction set.
#define INLINED static inline __attribute__((always_inline))

#endif
