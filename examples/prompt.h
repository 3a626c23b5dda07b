// SPDX-License-Identifier: MIT
// prompt.h - what 11 to 15 share: the lecture's input(), its int(), and Ctrl+C at the prompt.
//
// The lecture's five programs ask `:>>>` and want to know whether an integer is even. In C an
// exception is a code that is returned: -EINVAL is what int() calls ValueError, -EPIPE is EOFError,
// -ECANCELED is KeyboardInterrupt. The words stay the same: weft_fail keeps them beside the code.
//
// Ctrl+C reaches the prompt because the prompt waits in weft: whoever hears the signal cancels the
// task that asks. A signal handler could not do that; it may call next to nothing.
#ifndef WEFT_EXAMPLE_PROMPT_H
#define WEFT_EXAMPLE_PROMPT_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "example.h"

#define SHARED __attribute__((unused)) static // no example needs all of these

// Print the prompt and read one line, without its newline. 0, -EPIPE (no more input), -EMSGSIZE
// (longer than size - 1), -ECANCELED, or the errno of read. Byte by byte: a person types slowly.
SHARED int ask(char *line, size_t size)
{
    printf(":>>>");
    (void)fflush(stdout); // a prompt that cannot be written is no reason not to read
    for (size_t length = 0; length < size; length++) {
        int rc = weft_wait_fd(STDIN_FILENO, POLLIN, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        ssize_t n = read(STDIN_FILENO, &line[length], 1);
        if (n < 0)
            return weft_fail(-errno, "reading the input: %s", strerror(errno));
        if (n == 0 && length == 0)
            return weft_fail(-EPIPE, "EOF when reading a line");
        if (n == 0 || line[length] == '\n') {
            line[length] = '\0';
            return 0;
        }
    }
    return weft_fail(-EMSGSIZE, "the line has more than %zu bytes", size - 1);
}

// Is the integer in `text` even? Takes what int() takes of ASCII: spaces around it, a sign, any
// number of digits, single underscores between them. -EINVAL: that is no integer.
SHARED int parse_parity(const char *text, bool *even)
{
    const char *at = text + strspn(text, " \t\n\v\f\r");
    char digit = '\0'; // the last one: it alone decides, so nothing can overflow

    at += *at == '+' || *at == '-';
    while (*at >= '0' && *at <= '9') {
        digit = *at++;
        at += *at == '_' && at[1] >= '0' && at[1] <= '9';
    }
    at += strspn(at, " \t\n\v\f\r");
    if (digit == '\0' || *at != '\0')
        return weft_fail(-EINVAL, "invalid literal for int() with base 10: '%s'", text);
    *even = (digit - '0') % 2 == 0;
    return 0;
}

// The set of signals that join_or_interrupt waits for. Block it first thing in main, before any
// thread is there that could be ended by it.
SHARED sigset_t only_interrupt(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return set;
}

SHARED void block_interrupt(void)
{
    sigset_t set = only_interrupt();

    pthread_sigmask(SIG_BLOCK, &set, NULL); // cannot fail: the arguments are constant
}

SHARED int cancel_on_interrupt(weft_future *const *task, weft_none *none)
{
    (void)none;
    sigset_t set = only_interrupt();
    int rc = weft_wait_signal(&set, WEFT_FOREVER);
    if (rc < 0)
        return rc;
    weft_cancel(*task);
    return 0;
}
WEFT_TASK(cancel_on_interrupt, weft_future *, weft_none);

// Join `task`; Ctrl+C meanwhile asks it to stop. The watcher is gone before the future is.
SHARED int join_or_interrupt(weft_future **task)
{
    weft_future *watcher = weft_start(WEFT_THREADS, cancel_on_interrupt, task);
    if (!watcher) {
        weft_drop(task);
        return weft_error_code();
    }
    int rc = weft_wait(*task, WEFT_FOREVER);
    weft_cancel(watcher);
    (void)weft_join(&watcher, NULL, 0); // cancelled, or it has done its work: both are well
    if (rc < 0)
        return rc;
    return weft_join(task, NULL, 0);
}

#endif
