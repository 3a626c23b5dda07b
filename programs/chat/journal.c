// SPDX-License-Identifier: MIT
// journal.c - see journal.h. Written by whoever has something to say, not by a task of its own:
// then a log that nobody reads holds up who writes to it, not the memory of the server.
#include "chat/journal.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weft/task.h>
#include <weft/wait.h>

#include "common/output.h"

// In pieces that a pipe with room takes at once: a full one may hold up this task, not its loop.
static int write_when_ready(int fd, const char *text, size_t size)
{
    int rc = 0;
    bool before = weft_shield(true); // a line is written whole
    for (size_t piece; size > 0 && rc == 0; text += piece, size -= piece) {
        piece = size < PIPE_BUF ? size : PIPE_BUF;
        (void)weft_wait_fd(fd, POLLOUT, WEFT_FOREVER); // failing, the write tells more
        rc = write_all(fd, text, piece);
    }
    (void)weft_shield(before);
    return rc;
}

void journal_text(struct journal *j, const char *text, size_t size)
{
    weft_guard(&j->mu);
    int rc = write_when_ready(j->fd, text, size);
    if (rc < 0 && !j->failed) {
        complain(j->who, "the log cannot be written: %s; going on without it", strerror(-rc));
        j->failed = true;
    }
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
