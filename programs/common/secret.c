// SPDX-License-Identifier: MIT
// secret.c - see secret.h.
#define _GNU_SOURCE // ppoll
#include "common/secret.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int secret_read(char line[SECRET_MAX + 2])
{
    if (!fgets(line, SECRET_MAX + 2, stdin))
        return -1;
    size_t size = strcspn(line, "\n");
    if (size > SECRET_MAX || (line[size] == '\0' && !feof(stdin))) // the latter: a NUL within
        return -1;
    line[size] = '\0';
    return (int)size;
}

static volatile sig_atomic_t interrupted;

static void note_interrupt(int sig)
{
    interrupted = sig;
}

// Wait for a line, or for Ctrl+C; the latter is blocked but for this moment, so that it cannot come
// just before.
static bool wait_for_line(const sigset_t *open)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    int rc;
    do
        rc = ppoll(&in, 1, NULL, open);
    while (rc < 0 && errno == EINTR && !interrupted);
    return !interrupted;
}

int secret_ask(const char *question, char line[SECRET_MAX + 2])
{
    const struct sigaction note = {.sa_handler = note_interrupt};
    struct sigaction old;
    struct termios before, silent;
    sigset_t held, open;
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -1;
    silent = before;
    silent.c_lflag &= (tcflag_t)~ECHO;
    silent.c_lflag |= ECHONL;
    (void)sigemptyset(&held); // these fail only for a wrong number
    (void)sigaddset(&held, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &held, &open);
    (void)sigaction(SIGINT, &note, &old);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); // failing, it is shown: not worse than this
    (void)fputs(question, stderr);
    int size = wait_for_line(&open) ? secret_read(line) : -1;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)sigaction(SIGINT, &old, NULL);
    if (interrupted || feof(stdin))
        (void)fputs("\n", stderr); // the line has no end yet
    if (interrupted)
        (void)raise(interrupted);
    (void)sigprocmask(SIG_SETMASK, &open, NULL); // and then it comes
    return size;
}
