#ifndef CNCURSES_INTERNAL_H
#define CNCURSES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/// Remembers the terminal's modes and the signal handlers as they are, and opens the pipe for signals and wake-ups.
/// To be called before ncurses changes either.
bool guard_prepare(void);

/// From here until guard_leave, any way the process ends writes `sequence` and puts the modes back.
void guard_enter(const char *sequence, size_t length);

/// Writes the sequence and puts the modes back, once.
void guard_leave(void);

/// guard_leave, and signals mean again what they did before.
void guard_remove(void);

#endif
