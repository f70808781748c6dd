#ifndef CNCURSES_INTERNAL_H
#define CNCURSES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/// Remembers the terminal's modes as they were, and opens the pipe that signals and wake-ups write to.
bool guard_prepare(void);

/// From here until guard_leave, any way the process ends writes `sequence` and puts the modes back.
void guard_enter(const char *sequence, size_t length);

/// Writes the sequence and puts the modes back, once.
void guard_leave(void);

/// Brings back the handlers of guard_enter that ncurses or a stop has replaced.
void guard_install_handlers(void);

#endif
