// Makes one call of the C library fail, be cut short, or kill the process: `INJECT=call:number:what`, preloaded.
//
// Counted are calls on regular files and directories below INJECT_BELOW. `what` is an error's number, `short` (half of
// the bytes are written), `signal-N` before the call or `after-N` after it. INJECT_HIT is created when it happens.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char call[32], what[32];
static const char *below;
static long number;
static atomic_long seen;

__attribute__((constructor)) static void read_plan(void) {
  const char *plan = getenv("INJECT");
  below = getenv("INJECT_BELOW");
  if (!plan || !below || sscanf(plan, "%31[^:]:%ld:%31s", call, &number, what) != 3) number = 0;
}

static int is_below(const char *path) {
  return below && path && strncmp(path, below, strlen(below)) == 0;
}

static int is_file_below(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count <= 0) return 0;
  path[count] = 0;
  return is_below(path);
}

static int is_due(const char *name) {
  if (number == 0 || strcmp(call, name) != 0 || atomic_fetch_add(&seen, 1) + 1 != number) return 0;
  const char *hit = getenv("INJECT_HIT");
  if (hit) {
    long descriptor = syscall(SYS_openat, AT_FDCWD, hit, O_CREAT | O_WRONLY, 0600);
    if (descriptor >= 0) syscall(SYS_close, descriptor);
  }
  return 1;
}

static void die(int signal) {
  // To the process, and not to this thread alone.
  syscall(SYS_kill, getpid(), signal);
  if (signal != SIGKILL) usleep(200000);
}

static int error(void) { return atoi(what); }

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// The condition is evaluated first, so that other calls are not counted.
#define GATE(name, condition, run) \
  if (!(condition) || !is_due(name)) return run; \
  if (strncmp(what, "signal-", 7) == 0) { die(atoi(what + 7)); return run; } \
  if (strncmp(what, "after-", 6) == 0) { __typeof__(run) result = run; die(atoi(what + 6)); return result; } \
  errno = error()

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REAL(write);
  if (number && strcmp(call, "write") == 0 && strcmp(what, "short") == 0 && is_file_below(descriptor)) {
    return is_due("write") ? real(descriptor, bytes, (count + 1) / 2) : real(descriptor, bytes, count);
  }
  GATE("write", is_file_below(descriptor), real(descriptor, bytes, count));
  return -1;
}

int fsync(int descriptor) {
  REAL(fsync);
  GATE("fsync", is_file_below(descriptor), real(descriptor));
  return -1;
}

int close(int descriptor) {
  REAL(close);
  GATE("close", is_file_below(descriptor), real(descriptor));
  syscall(SYS_close, descriptor);
  return -1;
}

int rename(const char *from, const char *to) {
  REAL(rename);
  GATE("rename", is_below(to), real(from, to));
  return -1;
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  GATE("mkdir", is_below(path), real(path, mode));
  return -1;
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  REAL(read);
  GATE("read", is_file_below(descriptor), real(descriptor, bytes, count));
  return -1;
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
  REAL(mmap);
  GATE("mmap", descriptor >= 0 && is_file_below(descriptor), real(address, length, protection, flags, descriptor, offset));
  return MAP_FAILED;
}

int open(const char *path, int flags, ...) {
  REAL(open);
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
  va_end(list);
  GATE("open", is_below(path), real(path, flags, mode));
  return -1;
}
