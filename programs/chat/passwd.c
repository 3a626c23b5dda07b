// SPDX-License-Identifier: MIT
// weft chat passwd - the hash of a password, as [operator NAME] and --operator want it.
//
// The password comes from a terminal, unseen and twice, or is the first line of a pipe; never from
// the command line, which everybody on the machine can read.
#define _GNU_SOURCE // ppoll
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "chat/chat.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"

enum { PASSWORD_MAX = 300 }; // OPER's line has no room for more
static const char me[] = "weft chat passwd";

// One line without its end; its length, or -1: none, or too long a one.
static int read_line(char line[PASSWORD_MAX + 2])
{
    if (!fgets(line, PASSWORD_MAX + 2, stdin))
        return -1;
    size_t size = strcspn(line, "\n");
    if (size > PASSWORD_MAX)
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

// The same, asked on a terminal which does not show what is typed. Ctrl+C ends the program, but
// not before the terminal shows again what is typed.
static int ask(const char *question, char line[PASSWORD_MAX + 2])
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
    int size = wait_for_line(&open) ? read_line(line) : -1;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)sigaction(SIGINT, &old, NULL);
    if (interrupted)
        (void)raise(interrupted);
    (void)sigprocmask(SIG_SETMASK, &open, NULL); // and then it comes
    return size;
}

// The password in `line`. False: it was told why there is none.
static bool get_password(char line[PASSWORD_MAX + 2])
{
    char again[PASSWORD_MAX + 2];
    bool typed = isatty(STDIN_FILENO) == 1;
    int size = typed ? ask("password: ", line) : read_line(line);
    if (size <= 0 || line[0] == '\0') {
        complain(me,
                 size == 0 ? "the password is empty" : "there is no password, or too long a one");
        return false;
    }
    if (!typed)
        return true;
    bool same = ask("once more: ", again) == size && strcmp(line, again) == 0;
    sodium_memzero(again, sizeof again);
    if (!same)
        complain(me, "the two are not the same");
    return same;
}

static int print_hash(const char *password)
{
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0) {
        complain(me, "out of memory");
        return STATUS_FAILED;
    }
    (void)printf("%s\n", hash); // the program's end looks whether stdout took it
    return STATUS_OK;
}

int chat_passwd(int argc, char **argv)
{
    static const struct option_row rows[] = {{0}};
    static const struct command_line line = {
        me, "",
        "Print the hash of a password, for the section [operator NAME] of weft serve's file, or "
        "for\n"
        "--operator NAME:HASH. The password is asked for, or is the first line of the input.",
        rows};
    char password[PASSWORD_MAX + 2] = "";
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (first < argc) // not repeated: it may be a password
        return usage_error(&line, "takes no argument; the password is asked for");
    if (sodium_init() < 0) {
        complain(me, "the system gives no random numbers");
        return STATUS_FAILED;
    }
    int status = get_password(password) ? print_hash(password) : STATUS_FAILED;
    sodium_memzero(password, sizeof password);
    return status;
}
