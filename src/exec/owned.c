// SPDX-License-Identifier: MIT
// owned.c - WEFT_CHECK=1 tells at exit of the futures that nobody joined or dropped, and of which
// tasks they are: the place where one of them was handed over is then soon found.
//
// Names are copied, for the library that a task came from may be closed by then. Each is kept
// once there was such a future: a program has a few dozen. The list only grows, at its beginning,
// and takes no lock: at exit a daemon may be lost where it waits for one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/executor.h"
#include "os/atomic.h"

struct count {
    struct count *next;
    long owned;        // atomic
    char function[64]; // more is cut
};

static struct count *counts; // atomic
static long unnamed;         // atomic; for want of memory

static struct count *find(struct count *first, const char *function)
{
    struct count *c = first;
    while (c && strncmp(c->function, function, sizeof c->function - 1) != 0)
        c = c->next;
    return c;
}

static struct count *new_count(const char *function)
{
    struct count *c = calloc(1, sizeof *c);
    if (c)
        (void)snprintf(c->function, sizeof c->function, "%s", function);
    return c;
}

// NULL: no memory. Who finds that another has put something before his looks again.
static struct count *count_of(const char *function)
{
    struct count *first = wf_load(&counts, WF_ACQUIRE), *c = find(first, function);
    struct count *new = c ? NULL : new_count(function);
    while (new && !c) {
        new->next = first;
        if (wf_cas(&counts, &first, new, WF_RELEASE)) // pairs with the loads
            return new;
        first = wf_load(&counts, WF_ACQUIRE);
        c = find(first, function);
    }
    free(new);
    return c;
}

void wf_owned_count(const struct weft_task *what, int change)
{
    struct count *c = count_of(what->name);
    (void)wf_add(c ? &c->owned : &unnamed, change, WF_RELAXED);
}

void wf_owned_tell(void)
{
    const struct count *first = wf_load(&counts, WF_ACQUIRE);
    long all = wf_load(&unnamed, WF_RELAXED);
    for (const struct count *c = first; c; c = c->next)
        all += wf_load(&c->owned, WF_RELAXED);
    if (all <= 0)
        return;
    (void)fprintf(stderr, "weft: %ld %s neither joined nor dropped", all,
                  all == 1 ? "future was" : "futures were");
    const char *before = ": ";
    for (const struct count *c = first; c; c = c->next) {
        long owned = wf_load(&c->owned, WF_RELAXED);
        if (owned > 0)
            (void)fprintf(stderr, "%s%ld of %s", before, owned, c->function);
        before = owned > 0 ? ", " : before;
    }
    (void)fputc('\n', stderr);
}
