// What the sanitizers have to be told about this program. Linked into every executable by `.ci/sanitize`, and by nothing else.

// Compiled in, as tests start programs without their own environment. Reports go to files beside the build, since the standard
// error of some programs is a terminal, and others are ended before anybody asks how. Faults are answered by the program itself
// (Guard.c, Mappings.c), and tests ask how it ends by them.
#define COMMON "exitcode=66:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:log_path=" REPORTS

#ifdef ADDRESS
// Swift's runtime keeps metadata for ever, and says so to nobody.
const char *__asan_default_options(void) { return COMMON ":detect_leaks=0:allocator_may_return_null=1"; }
const char *__ubsan_default_options(void) { return "halt_on_error=1:print_stacktrace=1"; }
#endif

#ifdef THREAD
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// OpenBLAS, oneDNN and Dispatch are not instrumented: what their own threads do among themselves is not ours. (A suppression by
// library, called_from_lib, ends the program where it finds libopenblas.so.0 mapped twice.)
const char *__tsan_default_options(void) { return COMMON ":ignore_noninstrumented_modules=1"; }

// The array without elements that all empty arrays share: `Array(unsafeUninitializedCapacity: 0)` stores its count in it, always 0.
const char *__tsan_default_suppressions(void) { return "race:_swiftEmptyArrayStorage\n"; }

// Swift's `Mutex` on Linux (swift/stdlib/public/Synchronization/Mutex/LinuxImpl.swift): where nobody waits, a compare-and-exchange
// takes and frees the lock; that is inlined into our modules, and instrumented. Where somebody waits, `_MutexHandle` asks the
// kernel (FUTEX_LOCK_PI) in libswiftSynchronization.so, which is not instrumented: what one thread wrote before it woke another
// looks as if nothing ordered it, and a lock that is waited for is reported as a race. The three functions below stand before the
// library's own of the same names, call them and say which order they make. `self` is the address of the lock's word, the same
// one that the inlined exchange works on, so that both meet in one clock.

extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

SWIFT void lock_slowly(uint32_t thread, SELF self) __asm__(LOCK);
SWIFT bool try_lock_slowly(SELF self) __asm__(TRY_LOCK);
SWIFT void unlock_slowly(SELF self) __asm__(UNLOCK);

static void *real(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (function == NULL) abort();
  return function;
}

SWIFT void lock_slowly(uint32_t thread, SELF self) {
  SWIFT void (*lock)(uint32_t, SELF) = real(LOCK);
  lock(thread, self);
  __tsan_acquire(self);
}

SWIFT bool try_lock_slowly(SELF self) {
  SWIFT bool (*lock)(SELF) = real(TRY_LOCK);
  bool taken = lock(self);
  if (taken) __tsan_acquire(self);
  return taken;
}

SWIFT void unlock_slowly(SELF self) {
  SWIFT void (*unlock)(SELF) = real(UNLOCK);
  __tsan_release(self);
  unlock(self);
}
#endif
