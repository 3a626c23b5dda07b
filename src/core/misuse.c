// SPDX-License-Identifier: MIT
#include "core/misuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 512 };

bool wf_checking, wf_noting;

__attribute__((constructor)) static void read_environment(void)
{
    const char *value = getenv("WEFT_CHECK");
    wf_checking = value && value[0] != '\0' && strcmp(value, "0") != 0;
    wf_noting = wf_checking;
}

// write, not stdio: the bug may have been found while stdio's own lock is held.
static void say(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, text, size);
        if (n < 0 && errno != EINTR)
            return; // the abort says it too
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

void wf_misuse(const char *fmt, ...)
{
    char line[LINE] = "weft: ";
    size_t used = strlen(line);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line + used, sizeof line - used - 1, fmt, args);
    va_end(args);
    used += n < 0 ? 0 : (size_t)n;
    used = used < sizeof line - 1 ? used : sizeof line - 2;
    line[used++] = '\n';
    say(line, used);
    abort();
}
