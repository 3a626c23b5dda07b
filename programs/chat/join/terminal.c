// SPDX-License-Identifier: MIT
// terminal.c - see terminal.h.
//
// What a handler does is allowed there: write, tcsetattr, sigaction. It gives the signal back to
// who had it before, the library: its words about an overflowed stack are then on the real screen.
#include "chat/join/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/output.h"

// alternate screen, bracketed paste; and back, with the cursor visible
static const char enter[] = "\x1b[?1049h\x1b[?2004h\x1b[H\x1b[2J";
static const char leave[] = "\x1b[?2004l\x1b[m\x1b[?25h\x1b[?1049l";

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { DEADLY = sizeof deadly / sizeof deadly[0], LEAST_COLUMNS = 10 };

static struct termios before;
static volatile sig_atomic_t entered;
static struct sigaction others[DEADLY];

int terminal_is_there(void)
{
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
           strcmp(term, "dumb") != 0;
}

int terminal_enter(void)
{
    struct termios raw;
    if (!entered && tcgetattr(STDIN_FILENO, &before) < 0)
        return -errno;
    raw = before;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | INPCK | ISTRIP | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return -errno;
    entered = 1;
    return write_all(STDOUT_FILENO, enter, sizeof enter - 1);
}

void terminal_leave(void)
{
    if (!entered)
        return;
    entered = 0;
    ssize_t ignored = write(STDOUT_FILENO, leave, sizeof leave - 1); // who would hear of it?
    (void)ignored;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

// What was provoked comes again by itself when we return; what was sent is sent again.
static void on_deadly(int sig, siginfo_t *info, void *context)
{
    (void)context;
    int error = errno;
    terminal_leave();
    for (int i = 0; i < DEADLY; i++)
        if (deadly[i] == sig)
            (void)sigaction(sig, &others[i], NULL); // cannot fail: it was there
    if (info->si_code <= 0)
        (void)raise(sig);
    errno = error;
}

void terminal_guard(void)
{
    static bool done; // twice, and the others would be our own
    if (done)
        return;
    done = true;
    for (int i = 0; i < DEADLY; i++) {
        struct sigaction ours = {.sa_sigaction = on_deadly};
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
        (void)sigaction(deadly[i], &ours, &others[i]); // fails only for other signals
    }
    (void)atexit(terminal_leave); // without memory for it: then not
}

void terminal_size(int *rows, int *columns)
{
    struct winsize size = {.ws_row = 0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
    *rows = known ? size.ws_row : 24;
    *columns = known ? size.ws_col : 80;
    if (*columns < LEAST_COLUMNS)
        *columns = LEAST_COLUMNS;
}
