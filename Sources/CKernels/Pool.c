#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "CKernels.h"

/// A loop whose parts threads take one after the other. It lies on the stack of the thread that runs it.
typedef struct job {
  void (*run)(void *context, size_t part);
  void *context;
  size_t parts;
  _Atomic size_t next;
  /// Threads of the pool that may still touch the job.
  _Atomic size_t helpers;
  size_t most_helpers;
  int is_awaited;
  struct job *link;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t published = PTHREAD_COND_INITIALIZER, left = PTHREAD_COND_INITIALIZER;
static job *jobs;
static size_t threads, sleepers;
/// Counts published jobs, so that a waiting thread sees one without the lock.
static _Atomic uint32_t generation;

/// How often a thread without work looks again before it sleeps: some 50 µs. A sleeper is woken through the system, and a
/// processor of a virtual machine that has nothing to do is given away, both longer than what is computed between two loops.
#define LOOKS 2000

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void help(job *job) {
  for (size_t part; (part = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < job->parts;)
    job->run(job->context, part);
}

/// A job with parts that nobody has taken and room for one more thread; call it with the lock.
static job *open_job(void) {
  for (job *each = jobs; each; each = each->link)
    if (atomic_load_explicit(&each->next, memory_order_relaxed) < each->parts &&
        atomic_load(&each->helpers) < each->most_helpers)
      return each;
  return NULL;
}

static void *work(void *unused) {
  for (;;) {
    pthread_mutex_lock(&lock);
    job *open;
    while (!(open = open_job())) {
      uint32_t seen = atomic_load(&generation);
      pthread_mutex_unlock(&lock);
      for (int look = 0; look < LOOKS && atomic_load_explicit(&generation, memory_order_relaxed) == seen; look++)
        pause_briefly();
      pthread_mutex_lock(&lock);
      if (atomic_load(&generation) == seen) sleepers++, pthread_cond_wait(&published, &lock), sleepers--;
    }
    atomic_fetch_add(&open->helpers, 1);
    pthread_mutex_unlock(&lock);
    help(open);
    pthread_mutex_lock(&lock);
    int is_awaited = open->is_awaited;
    atomic_fetch_sub(&open->helpers, 1);
    // From here on the job may be gone.
    if (is_awaited) pthread_cond_broadcast(&left);
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

/// Starts threads until there are `count`; signals are for the program's own, but for those of a fault. Call it with the
/// lock.
static void start(size_t count) {
  sigset_t all, before;
  sigfillset(&all);
  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  // Without a thread the one that runs the loop takes all parts.
  while (threads < count && pthread_create(&thread, &attributes, work, NULL) == 0) threads++;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void kernel_run_parts(size_t parts, size_t most_threads, void (*run)(void *context, size_t part), void *context) {
  size_t most = most_threads < parts ? most_threads : parts, others = most > 0 ? most - 1 : 0;
  job own = {.run = run, .context = context, .parts = parts, .most_helpers = others};
  pthread_mutex_lock(&lock);
  if (threads < others) start(others);
  own.link = jobs, jobs = &own;
  atomic_fetch_add(&generation, 1);
  for (size_t i = 0; i < others && i < sleepers; i++) pthread_cond_signal(&published);
  pthread_mutex_unlock(&lock);
  help(&own);
  pthread_mutex_lock(&lock);
  for (job **each = &jobs; *each; each = &(*each)->link)
    if (*each == &own) {
      *each = own.link;
      break;
    }
  pthread_mutex_unlock(&lock);
  for (int look = 0; look < LOOKS && atomic_load_explicit(&own.helpers, memory_order_relaxed) > 0; look++) pause_briefly();
  pthread_mutex_lock(&lock);
  own.is_awaited = 1;
  while (atomic_load(&own.helpers) > 0) pthread_cond_wait(&left, &lock);
  pthread_mutex_unlock(&lock);
}
