// SPDX-License-Identifier: MIT
// output.c - see output.h.
//
// A program that was ended by a signal it handles says so with an exit status of 128 + N, which a
// shell shows for a death by that signal as well. Dying of the signal itself would look the same
// there, but not to a caller of waitpid, and the table of status.h is one for all.
#define _GNU_SOURCE
#include "common/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft/time.h>
#include <weft/wait.h>

#include "common/status.h"
#include "common/utf8.h"

int write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EAGAIN) { // somebody else made it non-blocking
            int rc = weft_wait_fd(fd, POLLOUT, WEFT_FOREVER);
            if (rc < 0)
                return rc;
        } else if (n < 0 && errno != EINTR) {
            return -errno;
        } else if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

// What a terminal could obey becomes '?': a character, or a byte that is none, of C1 in Latin-1.
static void tame(char *text)
{
    char *to = text;
    for (size_t left = strlen(text), took; left > 0; text += took, left -= took) {
        took = utf8_character(text, left);
        unsigned code = took > 0 ? utf8_code(text, took) : (unsigned char)*text;
        took += took == 0;
        if (utf8_is_unsafe(code)) {
            *to++ = '?';
        } else {
            memmove(to, text, took);
            to += took;
        }
    }
    *to = '\0';
}

void complain(const char *who, const char *fmt, ...)
{
    char text[512];
    char line[640];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); // cut on purpose
    va_end(args);
    text[utf8_cut(text, strlen(text), sizeof text - 2)] = '\0';
    tame(text);
    int size = snprintf(line, sizeof line, "%s: %s\n", who, text);
    if (size > 0)
        (void)write_all(STDERR_FILENO, line, (size_t)size); // there is nobody else to tell
}

static void end_now(int sig)
{
    _exit(STATUS_SIGNAL + sig);
}

static weft_time echoes_end; // written before any signal can be handled

static void end_unless_echo(int sig)
{
    if (weft_now().ns >= echoes_end.ns)
        end_now(sig);
}

static void handle(const int *signals, size_t n, int insist, void (*handler)(int sig))
{
    for (size_t i = 0; i < n; i++) {
        struct sigaction was, now = {.sa_handler = handler, .sa_flags = SA_RESTART};
        if (!insist && sigaction(signals[i], NULL, &was) == 0 && was.sa_handler == SIG_IGN)
            continue;
        (void)sigaction(signals[i], &now, NULL); // fails only for SIGKILL and SIGSTOP
    }
}

void end_by_signals(const int *signals, size_t n, int insist)
{
    handle(signals, n, insist, end_now);
}

void end_by_second_signals(const int *signals, size_t n)
{
    echoes_end = weft_after_ms(SIGNAL_ECHO_MS);
    handle(signals, n, true, end_unless_echo);
}

void hold_standard_descriptors(void)
{
    // A file opened for reading only: a write to it fails with EBADF, as to a closed one.
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            _exit(STATUS_FAILED); // not even /dev/null, and nowhere to say it
}
