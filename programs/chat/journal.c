// SPDX-License-Identifier: MIT
// journal.c - see journal.h. Written by whoever has something to say, not by a task of its own:
// then a log that nobody reads holds up who writes to it, not the memory of the server.
#include "chat/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/output.h"

void journal_text(struct journal *j, const char *text, size_t size)
{
    weft_guard(&j->mu);
    int rc = write_all(j->fd, text, size);
    if (rc < 0 && !j->failed) {
        complain(j->who, "the log cannot be written: %s; going on without it", strerror(-rc));
        j->failed = true;
    }
}

void journal_line(struct journal *j, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(line, sizeof line - 1, fmt, args);
    va_end(args);
    if (size < 0)
        return;                // only a wrong format does that
    size_t end = strlen(line); // a longer line is cut
    line[end] = '\n';
    journal_text(j, line, end + 1);
}

bool journal_failed(struct journal *j)
{
    weft_guard(&j->mu);
    return j->failed;
}
