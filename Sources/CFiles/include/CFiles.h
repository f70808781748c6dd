#ifndef CFILES_H
#define CFILES_H

#include <stddef.h>
#include <stdint.h>

// What of files Swift cannot do: a signal handler that may only call async-signal-safe functions, and the processor's
// instructions for SHA-256.

/// Whether cfiles_sha256_blocks may be called: with the SHA extensions of x86.
int cfiles_has_sha256(void);
/// Folds `count` blocks of 64 bytes into the eight words of `state` (FIPS 180-4, section 6.2).
void cfiles_sha256_blocks(uint32_t *state, const uint8_t *blocks, size_t count);

/// From here on a fault in a mapping that was announced ends the process with exit code 1 and one sentence that names the
/// file: another program has cut it off, or the disk cannot be read.
void cfiles_watch_mappings(void);
/// Announces a mapping; `name` is copied. The slot for cfiles_forget_mapping, or -1 where all are taken.
int cfiles_announce_mapping(const void *base, size_t length, const char *name);
void cfiles_forget_mapping(int slot);

/// A file without a name in `directory`, which vanishes with the process unless it is named; -1 where the file system has
/// none, with errno.
int cfiles_open_unnamed(const char *directory, unsigned mode);
/// Gives such a file a name that is free; 0, or -1 with errno.
int cfiles_name(int descriptor, const char *path);
/// Whether the file has attributes beside mode and owner, such as an access control list.
int cfiles_has_attributes(const char *path);

#endif
