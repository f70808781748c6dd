#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR 1
#include "CNcurses.h"
#include "internal.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

// Codes for sequences that terminfo does not name, above ncurses' own.
enum { CODE_PASTE_START = KEY_MAX + 101, CODE_PASTE_END, CODE_MOUSE };

// Button and drag reports in SGR form; bracketed paste.
static const char mouse_on[] = "\033[?1000h\033[?1002h\033[?1006h";
static const char mouse_off[] = "\033[?1006l\033[?1002l\033[?1000l";
static const char paste_on[] = "\033[?2004h";
static const char paste_off[] = "\033[?2004l";

static SCREEN *screen;
static bool reports_mouse;
static bool shows_color;

static char farewell[128];

static char collected[1024];
static size_t collected_length;

// tputs takes a function of one character; this one fills `collected`.
static int collect(int character) {
    if (collected_length < sizeof collected) collected[collected_length++] = (char)character;
    return character;
}

static void collect_text(const char *text) {
    for (; *text; text++) collect(*text);
}

// tigetstr's "absent" and "not a string" are both nothing to write.
static void collect_capability(const char *name) {
    const char *value = tigetstr(name);
    if (value != NULL && value != (const char *)-1) tputs(value, 1, collect);
}

static void write_directly(const char *text) {
    fflush(stdout);
    fputs(text, stdout);
    fflush(stdout);
}

bool cncurses_set_encoding(bool force_utf8) {
    // Characters only: numbers keep their point.
    setlocale(LC_CTYPE, "");
    bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!is_utf8 && force_utf8) is_utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
    return is_utf8;
}

bool cncurses_has_terminal(void) { return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO); }

// Keys come one by one and unechoed, flow control is off; Ctrl-C stays a signal, Ctrl-Z and Ctrl-\ become keys.
static void set_modes(void) {
    raw();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    meta(stdscr, TRUE);
    struct termios modes;
    if (tcgetattr(STDIN_FILENO, &modes) == 0) {
        modes.c_lflag |= ISIG;
        modes.c_cc[VSUSP] = _POSIX_VDISABLE;
        modes.c_cc[VQUIT] = _POSIX_VDISABLE;
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
    def_prog_mode();
}

static void prepare_leaving(void) {
    collected_length = 0;
    collect_text(farewell);
    collect_text(mouse_off);
    collect_text(paste_off);
    collect_capability("sgr0");
    if (shows_color) collect_capability("op");
    collect_capability("rmkx");
    collect_capability("cnorm");
    collect_capability("rmcup");
    guard_enter(collected, collected_length);
}

int cncurses_described_colors(const char *terminal_name) {
    TERMINAL *before = cur_term;
    int error = 0;
    // Its own description, so that the one in use stays as it is.
    if (setupterm(terminal_name, STDOUT_FILENO, &error) != OK) return -1;
    // "RGB" is ncurses' word for direct colour, "Tc" that of the terminals that have 256 pairs and direct colour beside.
    bool is_direct = tigetflag("RGB") > 0 || tigetflag("Tc") > 0;
    int colors = is_direct ? 1 << 24 : tigetnum("colors");
    TERMINAL *described = cur_term;
    set_curterm(before);
    if (described != before) del_curterm(described);
    return colors < 0 ? 0 : colors;
}

bool cncurses_open(const char *terminal_name, bool uses_color, bool uses_mouse) {
    if (screen != NULL || !guard_prepare()) return false;
    screen = newterm(terminal_name, stdout, stdin);
    if (screen == NULL) return false;
    if (cursor_address == NULL) {
        endwin();
        delscreen(screen);
        screen = NULL;
        return false;
    }
    reports_mouse = uses_mouse;
    shows_color = uses_color && has_colors() && start_color() == OK && use_default_colors() == OK;
    // Room for every pair at once: where the table grows, ncurses files all its pairs anew, within one frame.
    if (shows_color && COLOR_PAIRS > 1) init_extended_pair(COLOR_PAIRS - 1, -1, -1);
    set_escdelay(25);
    set_modes();
    define_key("\033[200~", CODE_PASTE_START);
    define_key("\033[201~", CODE_PASTE_END);
    define_key("\033[<", CODE_MOUSE);
    prepare_leaving();
    write_directly(paste_on);
    if (reports_mouse) write_directly(mouse_on);
    int width, height;
    cncurses_update_size(&width, &height);
    return true;
}

// What the terminal was told at the start, taken back.
static void leave_screen(void) {
    write_directly(farewell);
    if (reports_mouse) write_directly(mouse_off);
    write_directly(paste_off);
    curs_set(1);
    endwin();
}

void cncurses_close(void) {
    if (screen == NULL) return;
    leave_screen();
    guard_remove();
    delscreen(screen);
    screen = NULL;
}

void cncurses_resume(void) {
    if (screen == NULL) return;
    reset_prog_mode();
    set_modes();
    prepare_leaving();
    write_directly(paste_on);
    if (reports_mouse) write_directly(mouse_on);
    clearok(curscr, TRUE);
    refresh();
}

void cncurses_suspend(void) {
    if (screen == NULL) return;
    leave_screen();
    guard_leave();
    struct sigaction stop = {0}, ours;
    sigemptyset(&stop.sa_mask);
    stop.sa_handler = SIG_DFL;
    sigaction(SIGTSTP, &stop, &ours);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    cncurses_resume();
}

int cncurses_colors(void) {
    if (!shows_color) return 0;
    return tigetflag("RGB") > 0 || COLORS >= 1 << 24 ? 1 << 24 : COLORS;
}

void cncurses_update_size(int *width, int *height) {
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
        if (size.ws_row != LINES || size.ws_col != COLS) resizeterm(size.ws_row, size.ws_col);
    *width = COLS;
    *height = LINES;
}

int cncurses_pairs(void) { return shows_color ? COLOR_PAIRS : 0; }

void cncurses_set_pair(int pair, int foreground, int background) {
    if (shows_color) init_extended_pair(pair, foreground, background);
}

static attr_t curses_attributes(unsigned attributes) {
    attr_t result = A_NORMAL;
    if (attributes & CNCURSES_BOLD) result |= A_BOLD;
    if (attributes & CNCURSES_DIM) result |= A_DIM;
    if (attributes & CNCURSES_UNDERLINE) result |= A_UNDERLINE;
    if (attributes & CNCURSES_REVERSE) result |= A_REVERSE;
    if (attributes & CNCURSES_ITALIC) result |= A_ITALIC;
    return result;
}

void cncurses_put(int y, int x, const uint32_t *scalars, size_t count, int width, unsigned attributes, int pair) {
    wchar_t text[CCHARW_MAX + 1] = {0};
    attr_t look = curses_attributes(attributes);
    cchar_t cell;
    size_t kept = count < CCHARW_MAX ? count : CCHARW_MAX;
    for (size_t i = 0; i < kept; i++) text[i] = (wchar_t)scalars[i];
    bool fits = kept > 0 && wcwidth(text[0]) == width;
    // Marks that this C library takes for letters of their own are left out.
    for (size_t i = 1; i < kept; i++)
        if (wcwidth(text[i]) != 0) text[i] = 0;
    if (fits && setcchar(&cell, text, look, 0, &pair) == OK) {
        mvadd_wch(y, x, &cell);
        return;
    }
    setcchar(&cell, L"?", look, 0, &pair);
    for (int i = 0; i < width; i++) mvadd_wch(y, x + i, &cell);
}

void cncurses_refresh(int caret_y, int caret_x) {
    bool shows_caret = caret_y >= 0 && caret_x >= 0;
    curs_set(shows_caret ? 1 : 0);
    move(shows_caret ? caret_y : 0, shows_caret ? caret_x : 0);
    refresh();
}

void cncurses_forget_screen(void) { clearok(curscr, TRUE); }

// Keys held with Shift, Alt or Control have codes made up at run time, and names: kUP5 is Control-Up.
static uint32_t modified_key(wint_t code) {
    static const struct { const char *name; uint32_t key; } known[] = {
        {"kUP", CNCURSES_KEY_UP},        {"kDN", CNCURSES_KEY_DOWN},    {"kLFT", CNCURSES_KEY_LEFT},
        {"kRIT", CNCURSES_KEY_RIGHT},    {"kHOM", CNCURSES_KEY_HOME},   {"kEND", CNCURSES_KEY_END},
        {"kPRV", CNCURSES_KEY_PAGE_UP},  {"kNXT", CNCURSES_KEY_PAGE_DOWN},
        {"kDC", CNCURSES_KEY_DELETE},    {"kIC", CNCURSES_KEY_INSERT},
    };
    const char *name = keyname((int)code);
    if (name == NULL) return CNCURSES_KEY_NONE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(name, known[i].name, strlen(known[i].name)) == 0) return known[i].key;
    return CNCURSES_KEY_NONE;
}

static uint32_t portable_key(wint_t code) {
    switch (code) {
    case KEY_UP:
    case KEY_SR: return CNCURSES_KEY_UP;
    case KEY_DOWN:
    case KEY_SF: return CNCURSES_KEY_DOWN;
    case KEY_LEFT:
    case KEY_SLEFT: return CNCURSES_KEY_LEFT;
    case KEY_RIGHT:
    case KEY_SRIGHT: return CNCURSES_KEY_RIGHT;
    case KEY_HOME:
    case KEY_SHOME: return CNCURSES_KEY_HOME;
    case KEY_END:
    case KEY_SEND: return CNCURSES_KEY_END;
    case KEY_PPAGE:
    case KEY_SPREVIOUS: return CNCURSES_KEY_PAGE_UP;
    case KEY_NPAGE:
    case KEY_SNEXT: return CNCURSES_KEY_PAGE_DOWN;
    case KEY_ENTER: return CNCURSES_KEY_ENTER;
    case KEY_BACKSPACE: return CNCURSES_KEY_BACKSPACE;
    case KEY_DC:
    case KEY_SDC: return CNCURSES_KEY_DELETE;
    case KEY_IC:
    case KEY_SIC: return CNCURSES_KEY_INSERT;
    case KEY_BTAB: return CNCURSES_KEY_BACK_TAB;
    case CODE_PASTE_START: return CNCURSES_KEY_PASTE_START;
    case CODE_PASTE_END: return CNCURSES_KEY_PASTE_END;
    case CODE_MOUSE: return CNCURSES_KEY_MOUSE;
    default: break;
    }
    return code > KEY_F0 && code <= KEY_F(63) ? CNCURSES_KEY_FUNCTION + (code - KEY_F0) : modified_key(code);
}

int cncurses_read(int milliseconds, uint32_t *value) {
    wint_t code = 0;
    timeout(milliseconds);
    int result = get_wch(&code);
    if (result == ERR) return CNCURSES_NOTHING;
    *value = result == KEY_CODE_YES ? portable_key(code) : (uint32_t)code;
    return result == KEY_CODE_YES ? CNCURSES_KEY : CNCURSES_CHARACTER;
}

void cncurses_use_mouse(bool uses_mouse) {
    reports_mouse = uses_mouse;
    write_directly(uses_mouse ? mouse_on : mouse_off);
}

void cncurses_write(const char *bytes, size_t count) {
    fflush(stdout);
    // Not through stdio, which drops what is left of half a megabyte of pixels when a signal (a resize) interrupts it.
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written >= 0) {
            bytes += written;
            count -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&output, 1, 100);
        } else if (errno != EINTR) {
            return;
        }
    }
}

void cncurses_use_pixels(const char *sequence) {
    if (screen == NULL) return;
    // Characters moved within a line would take the pixels over them along.
    idcok(stdscr, FALSE);
    snprintf(farewell, sizeof farewell, "%s", sequence);
    prepare_leaving();
}

void cncurses_cell_pixels(int *width, int *height) {
    struct winsize size = {0};
    *width = *height = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return;
    *width = size.ws_xpixel / size.ws_col;
    *height = size.ws_ypixel / size.ws_row;
}
