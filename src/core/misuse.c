// SPDX-License-Identifier: MIT
#include "core/misuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 512 };

bool wf_checking;

__attribute__((constructor)) static void read_environment(void)
{
    const char *value = getenv("WEFT_CHECK");
    wf_checking = value && value[0] != '\0' && strcmp(value, "0") != 0;
}

// write, not stdio: the bug may have been found while stdio's own lock is held.
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
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; // the abort says it too
    abort();
}
