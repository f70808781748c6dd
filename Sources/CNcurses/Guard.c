// Gives the terminal back however the process ends. Handlers call async-signal-safe functions only.

#include "CNcurses.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// All signals that end the process and can be handled, and those that only have to be told to the main thread.
static const int ending[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,   SIGABRT, SIGILL, SIGTRAP, SIGSEGV,   SIGBUS, SIGFPE, SIGSYS,
                             SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,  SIGPWR,  SIGSTKFLT, SIGPIPE, SIGXCPU, SIGXFSZ};
static const int telling[] = {SIGWINCH, SIGTSTP, SIGCONT};
enum { ENDING = sizeof ending / sizeof *ending, TELLING = sizeof telling / sizeof *telling };

static struct sigaction previous[ENDING];
static struct termios original;
static char leave_sequence[1024];
static volatile size_t leave_length;
static volatile sig_atomic_t entered;
static int pipe_ends[2] = {-1, -1};
// A handler must have room even when the stack is what ran out.
static char handler_stack[65536];

static void write_all(int file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(file, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

void guard_leave(void) {
    if (!entered) return;
    entered = 0;
    write_all(STDOUT_FILENO, leave_sequence, leave_length);
    // Pending reports of the mouse must not reach the shell.
    tcflush(STDIN_FILENO, TCIFLUSH);
    tcsetattr(STDIN_FILENO, TCSANOW, &original);
}

static void on_ending(int number, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    guard_leave();
    for (int i = 0; i < ENDING; i++)
        if (ending[i] == number) sigaction(number, &previous[i], NULL);
    // A fault in memory happens again when the handler returns, with its address for whoever answers it then. The others
    // are blocked until the handler returns, then handled as they would have been without us.
    if (info->si_code <= 0 || (number != SIGBUS && number != SIGSEGV)) raise(number);
    errno = saved;
}

static void tell(char what) {
    int saved = errno;
    if (pipe_ends[1] >= 0) (void)!write(pipe_ends[1], &what, 1);
    errno = saved;
}

static void on_telling(int number) {
    tell(number == SIGWINCH ? 'r' : number == SIGTSTP ? 's' : 'c');
}

void cncurses_wake(void) { tell('w'); }

void cncurses_hang_up(void) {
    raise(SIGHUP);
    // Where hang-ups are ignored there is still nobody left to talk to.
    raise(SIGTERM);
    guard_leave();
    // Not exit: other threads may still compute with what the libraries' exit handlers free.
    _exit(128 + SIGHUP);
}

bool guard_prepare(void) {
    if (tcgetattr(STDIN_FILENO, &original) != 0) return false;
    // ncurses is about to put its own handlers for some of these, which would exit with a code of its own.
    for (int i = 0; i < ENDING; i++) {
        struct sigaction current;
        if (sigaction(ending[i], NULL, &current) == 0 && current.sa_sigaction != on_ending) previous[i] = current;
    }
    if (pipe_ends[0] < 0 && pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
    return true;
}

static void install_handlers(void) {
    struct sigaction action = {0};
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_telling;
    action.sa_flags = SA_RESTART;
    for (int i = 0; i < TELLING; i++) sigaction(telling[i], &action, NULL);
    action.sa_sigaction = on_ending;
    action.sa_flags = SA_ONSTACK | SA_SIGINFO;
    // What was ignored from outside (nohup) stays ignored.
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], previous[i].sa_handler == SIG_IGN ? &previous[i] : &action, NULL);
}

void guard_enter(const char *sequence, size_t length) {
    static bool has_exit_handler;
    leave_length = length < sizeof leave_sequence ? length : sizeof leave_sequence;
    memcpy(leave_sequence, sequence, leave_length);
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    stack_t current;
    if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE)) sigaltstack(&stack, NULL);
    if (!has_exit_handler) has_exit_handler = atexit(guard_leave) == 0;
    entered = 1;
    install_handlers();
}

void guard_remove(void) {
    guard_leave();
    struct sigaction action = {0};
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_DFL;
    for (int i = 0; i < TELLING; i++) sigaction(telling[i], &action, NULL);
    for (int i = 0; i < ENDING; i++) sigaction(ending[i], &previous[i], NULL);
}

static unsigned drain_pipe(void) {
    unsigned found = 0;
    char bytes[256];
    ssize_t count;
    while ((count = read(pipe_ends[0], bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < count; i++)
            found |= bytes[i] == 'r' ? CNCURSES_RESIZED
                : bytes[i] == 's'    ? CNCURSES_STOP_REQUESTED
                : bytes[i] == 'c'    ? CNCURSES_CONTINUED
                                     : CNCURSES_WOKEN;
    return found;
}

unsigned cncurses_wait_for_events(int milliseconds) {
    struct pollfd files[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = pipe_ends[0], .events = POLLIN}};
    if (poll(files, 2, milliseconds) <= 0) return drain_pipe();
    unsigned found = drain_pipe();
    if (files[0].revents & POLLIN) found |= CNCURSES_READABLE;
    if (files[0].revents & (POLLHUP | POLLERR | POLLNVAL)) found |= CNCURSES_HUNG_UP;
    return found;
}
