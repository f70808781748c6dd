#ifndef CNCURSES_H
#define CNCURSES_H

// The part of ncursesw that the terminal backend needs, without its macros, globals and variadic functions.
// Everything but cncurses_wake is for the main thread.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cncurses_key {
    CNCURSES_KEY_NONE = 0,
    CNCURSES_KEY_UP,
    CNCURSES_KEY_DOWN,
    CNCURSES_KEY_LEFT,
    CNCURSES_KEY_RIGHT,
    CNCURSES_KEY_HOME,
    CNCURSES_KEY_END,
    CNCURSES_KEY_PAGE_UP,
    CNCURSES_KEY_PAGE_DOWN,
    CNCURSES_KEY_ENTER,
    CNCURSES_KEY_BACKSPACE,
    CNCURSES_KEY_DELETE,
    CNCURSES_KEY_INSERT,
    CNCURSES_KEY_BACK_TAB,
    CNCURSES_KEY_PASTE_START,
    CNCURSES_KEY_PASTE_END,
    CNCURSES_KEY_MOUSE,
    /// F1 is CNCURSES_KEY_FUNCTION + 1.
    CNCURSES_KEY_FUNCTION = 0x100,
};

enum cncurses_attribute {
    CNCURSES_BOLD = 1,
    CNCURSES_DIM = 2,
    CNCURSES_UNDERLINE = 4,
    CNCURSES_REVERSE = 8,
    CNCURSES_ITALIC = 16,
};

enum cncurses_input { CNCURSES_NOTHING = 0, CNCURSES_CHARACTER = 1, CNCURSES_KEY = 2 };

/// Bits of what happened while waiting.
enum cncurses_wait {
    CNCURSES_READABLE = 1,
    CNCURSES_WOKEN = 2,
    CNCURSES_RESIZED = 4,
    CNCURSES_STOP_REQUESTED = 8,
    CNCURSES_CONTINUED = 16,
    CNCURSES_HUNG_UP = 32,
};

/// Takes the character encoding from the environment; with `force_utf8`, UTF-8 even where the locale is not.
/// Returns whether the encoding is UTF-8. To be called before anything else.
bool cncurses_set_encoding(bool force_utf8);

/// Whether both standard input and output are terminals.
bool cncurses_has_terminal(void);

/// How many colours terminfo gives a terminal, without taking it over: 1 << 24 for direct colour, 0 for none, -1 where it
/// has no entry of the name.
int cncurses_described_colors(const char *terminal_name);

/// Takes over the terminal under a terminfo name; false when there is no such entry or it cannot move the cursor.
bool cncurses_open(const char *terminal_name, bool uses_color, bool uses_mouse);

/// Gives the terminal back; harmless when it is not taken.
void cncurses_close(void);

/// Gives the terminal back, stops the process group as Ctrl-Z does, and takes it over again when continued.
void cncurses_suspend(void);

/// Takes the terminal over again after a stop that was not ours.
void cncurses_resume(void);

/// Number of colours: 1 << 24 for direct colour, 0 without colour.
int cncurses_colors(void);

/// The size the kernel says, given to ncurses too.
void cncurses_update_size(int *width, int *height);

/// How many pairs of colours have a number, 0 to one less; 0 without colour.
int cncurses_pairs(void);

/// Gives a number other than 0 to a pair of colours (-1 is the terminal's own). Cells on the screen that had it are drawn
/// again at the next refresh.
void cncurses_set_pair(int pair, int foreground, int background);

/// Puts one character (a base and its marks) at a position. Where the C library gives the base another width than
/// `width`, question marks stand in for it.
void cncurses_put(int y, int x, const uint32_t *scalars, size_t count, int width, unsigned attributes, int pair);

/// Shows what was put; the caret at a position, or hidden with a negative one.
void cncurses_refresh(int caret_y, int caret_x);

/// Forgets what the screen shows, so that the next refresh draws everything.
void cncurses_forget_screen(void);

/// Reads one character or key, waiting at most `milliseconds`; an enum cncurses_input.
int cncurses_read(int milliseconds, uint32_t *value);

/// Waits for input, a wake-up or a signal for at most `milliseconds` (negative: for ever); bits of cncurses_wait.
unsigned cncurses_wait_for_events(int milliseconds);

/// Ends the process as the terminal's disappearance does.
void cncurses_hang_up(void);

/// Ends a wait from any thread.
void cncurses_wake(void);

/// Asks the terminal for mouse reports, or leaves the mouse to it.
void cncurses_use_mouse(bool uses_mouse);

/// Sends bytes past ncurses, which must leave the cursor where it was: OSC 52, queries, pictures.
void cncurses_write(const char *bytes, size_t count);

/// Keeps characters where they are drawn, since pixels may lie over them, and has `farewell` written besides the usual
/// sequences when the terminal is given back, however that happens.
void cncurses_use_pixels(const char *farewell);

/// Pixels of one character cell as the kernel knows them; zeros where it does not.
void cncurses_cell_pixels(int *width, int *height);

#endif
