// SPDX-License-Identifier: MIT
// misuse.c - see misuse.h. WEFT_CHECK is read before main.
#include "core/misuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/before_main.h"
#include "os/fault.h"

enum { LINE = 512 };

bool wf_checking, wf_noting;

WF_BEFORE_MAIN static void read_environment(void)
{
    const char *value = getenv("WEFT_CHECK");
    wf_checking = value && value[0] != '\0' && strcmp(value, "0") != 0;
    wf_noting = wf_noting || wf_checking; // or somebody else has asked for it
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
    wf_say(line, used); // not stdio: the bug may have been found while its lock is held
    abort();
}
