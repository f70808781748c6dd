// A read behind the end of a mapped file raises SIGBUS, wherever in a product or a library it happens.

#include "CFiles.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mapping {
  // Written last and cleared first: the handler passes over slots without it.
  _Atomic(uintptr_t) base;
  size_t length;
  char *name;
};

enum { MAPPINGS = 4096 };
static struct mapping mappings[MAPPINGS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int cfiles_announce_mapping(const void *base, size_t length, const char *name) {
  int slot = -1;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < MAPPINGS && slot < 0; i++)
    if (atomic_load(&mappings[i].base) == 0) slot = i;
  if (slot >= 0) {
    mappings[slot].length = length;
    mappings[slot].name = strdup(name);
    atomic_store(&mappings[slot].base, (uintptr_t)base);
  }
  pthread_mutex_unlock(&lock);
  return slot;
}

void cfiles_forget_mapping(int slot) {
  if (slot < 0 || slot >= MAPPINGS) return;
  pthread_mutex_lock(&lock);
  char *name = mappings[slot].name;
  atomic_store(&mappings[slot].base, 0);
  mappings[slot].name = NULL;
  pthread_mutex_unlock(&lock);
  free(name);
}

static void say(const char *text) {
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);
    if (written <= 0) return;
    text += written;
    length -= (size_t)written;
  }
}

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  // Sent by somebody, and no fault.
  if (info->si_code <= 0) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  uintptr_t address = (uintptr_t)info->si_addr;
  for (int i = 0; i < MAPPINGS; i++) {
    uintptr_t base = atomic_load(&mappings[i].base);
    if (base == 0 || address < base || address - base >= mappings[i].length) continue;
    say("vocoscope: ");
    if (mappings[i].name != NULL) say(mappings[i].name);
    say(": could not be read to its end: it was cut off or replaced while it was in use, or its disk failed\n");
    _exit(1);
  }
  // Returning runs the same instruction again, now without a handler.
  signal(number, SIG_DFL);
}

void cfiles_watch_mappings(void) {
  struct sigaction action = {0};
  sigemptyset(&action.sa_mask);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGBUS, &action, NULL);
}
