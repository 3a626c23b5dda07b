// SPDX-License-Identifier: MIT
// journal.c - see journal.h. Written by whoever has something to say, not by a task of its own:
// then a log that nobody reads holds up who writes to it, not the memory of the server. At the end
// of the server it does so for a moment only; who waits therefore looks up now and then.
#include "chat/journal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weft/task.h>
#include <weft/wait.h>

#include "common/output.h"

enum { LOOK_MS = 250, LOOKS_AT_THE_END = 12 };

// An order to stop that the main thread has not taken: this log holds it up itself.
static bool is_order_waiting(void)
{
    sigset_t waiting;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1);
}

// 0, also if it cannot be waited for: then the write tells more. -ETIMEDOUT: nobody reads it, and
// the server is to end.
static int wait_for_room(struct journal *j)
{
    for (int looks = 0; !j->unread;) {
        if (weft_wait_fd(j->fd, POLLOUT, weft_after_ms(LOOK_MS)) != -ETIMEDOUT)
            return 0;
        looks += atomic_load_explicit(&j->ending, memory_order_relaxed); // it guards nothing
        j->unread = looks == LOOKS_AT_THE_END || is_order_waiting();
    }
    return weft_wait_fd(j->fd, POLLOUT, WEFT_POLL) == -ETIMEDOUT ? -ETIMEDOUT : 0;
}

// In pieces that a pipe with room takes at once: a full one may hold up this task, not its loop.
static int write_when_ready(struct journal *j, const char *text, size_t size)
{
    int rc = 0;
    bool before = weft_shield(true); // a line is written whole
    for (size_t piece; size > 0 && rc == 0; text += piece, size -= piece) {
        piece = size < PIPE_BUF ? size : PIPE_BUF;
        rc = wait_for_room(j);
        if (rc == 0)
            rc = write_all(j->fd, text, piece);
    }
    (void)weft_shield(before);
    return rc;
}

void journal_text(struct journal *j, const char *text, size_t size)
{
    weft_guard(&j->mu);
    int rc = write_when_ready(j, text, size);
    if (rc == 0 || j->failed)
        return;
    j->failed = true;
    if (rc != -ETIMEDOUT)
        complain(j->who, "the log cannot be written: %s; going on without it", strerror(-rc));
    else if (weft_wait_fd(STDERR_FILENO, POLLOUT, WEFT_POLL) >= 0) // else it may be the same pipe
        complain(j->who, "nobody reads the log: ending without it");
}

void journal_end(struct journal *j)
{
    atomic_store_explicit(&j->ending, true, memory_order_relaxed); // as in wait_for_room
}

static struct timespec now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail
    return now;
}

void journal_event_(struct journal *j, const struct log_field *fields)
{
    char line[LOG_LINE];
    const struct timespec when = now();
    journal_text(j, line, log_event(line, j->format, &when, fields->key, fields + 1));
}

void journal_line(struct journal *j, const char *fmt, ...)
{
    char sentence[512], line[LOG_LINE];
    const struct timespec when = now();
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    if (size >= 0) // only a wrong format does that
        journal_text(j, line, log_sentence(line, j->format, &when, sentence));
}

bool journal_failed(struct journal *j)
{
    weft_guard(&j->mu);
    return j->failed;
}

void journal_last_words(const struct journal *j, const char *name, const char *key,
                        const char *text)
{
    char line[LOG_LINE];
    const struct timespec when = now();
    const struct log_field fields[] = {log_text(key, text), {0}};
    size_t size = log_event(line, j->format, &when, name, fields);
    struct pollfd p = {.fd = j->fd, .events = POLLOUT};
    if (poll(&p, 1, 1000) > 0)
        (void)!write(j->fd, line, size); // there is nobody else to tell
}
