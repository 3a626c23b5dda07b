// SPDX-License-Identifier: MIT
// owned.c - WEFT_CHECK=1 tells at exit of the futures that nobody joined or dropped, and of which
// tasks they are: the place where one of them was handed over is then soon found.
//
// Names are copied, for the library that a task came from may be closed by then. Each is kept
// once there was such a future: a program has a few dozen.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/executor.h"

struct count {
    struct count *next;
    long owned;
    char function[64]; // more is cut
};

static weft_mutex mu; // guards all of it; a leaf
static struct count *counts;
static long unnamed; // for want of memory

static struct count *count_of(const char *function)
{
    struct count *c = counts;
    while (c && strncmp(c->function, function, sizeof c->function - 1) != 0)
        c = c->next;
    if (c || !(c = calloc(1, sizeof *c)))
        return c;
    (void)snprintf(c->function, sizeof c->function, "%s", function);
    c->next = counts;
    counts = c;
    return c;
}

void wf_owned_count(const struct weft_task *what, int change)
{
    wf_guard(&mu);
    struct count *c = count_of(what->name);
    *(c ? &c->owned : &unnamed) += change;
}

void wf_owned_tell(void)
{
    wf_guard(&mu);
    long all = unnamed;
    for (const struct count *c = counts; c; c = c->next)
        all += c->owned;
    if (all <= 0)
        return;
    (void)fprintf(stderr, "weft: %ld %s neither joined nor dropped", all,
                  all == 1 ? "future was" : "futures were");
    const char *before = ": ";
    for (const struct count *c = counts; c; c = c->next)
        if (c->owned > 0) {
            (void)fprintf(stderr, "%s%ld of %s", before, c->owned, c->function);
            before = ", ";
        }
    (void)fputc('\n', stderr);
}
