// Flags and calls of Linux that Swift's import of the C library leaves out.

#include "CFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

int cfiles_open_unnamed(const char *directory, unsigned mode) {
  int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
  if (descriptor < 0) return -1;
  // Naming goes through /proc, which need not be there.
  char own[64];
  snprintf(own, sizeof own, "/proc/self/fd/%d", descriptor);
  if (access(own, F_OK) == 0) return descriptor;
  close(descriptor);
  errno = EOPNOTSUPP;
  return -1;
}

int cfiles_name(int descriptor, const char *path) {
  char own[64];
  snprintf(own, sizeof own, "/proc/self/fd/%d", descriptor);
  return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int cfiles_has_attributes(const char *path) { return listxattr(path, NULL, 0) > 0; }
