// SPDX-License-Identifier: MIT
// fibers_limit.c - how little a fiber could cost in C: weft's switch, a list of the ready, and
// nothing else: no deadlines, no descriptors, no names, no errors, one thread.
#include <stdbool.h>

#include "measure.h"
#include "os/context.h"

enum { STACK = 16384 };

struct fiber {
    struct fiber *next;
    void *sp;
    void (*fn)(void);
    bool ended;
    char *stack;
};

static struct fiber root, *running = &root, *first, *last, *unused;

static void make_ready(struct fiber *f)
{
    f->next = NULL;
    if (last)
        last->next = f;
    else
        first = f;
    last = f;
}

static void take_next(void)
{
    running = first;
    first = first->next;
    if (!first)
        last = NULL;
}

// One call of the switch: see context_x86_64.S.
__attribute__((noinline)) static void give_way(void)
{
    struct fiber *self = running;
    make_ready(self);
    take_next();
    if (running != self)
        wf_context_switch(&self->sp, running->sp);
}

static void *begin(void)
{
    running->fn();
    running->ended = true;
    take_next();
    return running->sp;
}

static struct fiber *start(void (*fn)(void))
{
    struct fiber *f = unused;
    if (f)
        unused = f->next;
    else if (!(f = calloc(1, sizeof *f)) || !(f->stack = aligned_alloc(64, STACK)))
        return (struct fiber *)die("no memory");
    f->fn = fn;
    f->ended = false;
    f->sp = wf_context_new(f->stack + STACK, begin);
    make_ready(f);
    return f;
}

static void join(struct fiber *f)
{
    while (!f->ended)
        give_way();
    f->next = unused;
    unused = f;
}

static void nothing(void)
{
}

enum { YIELDS = 5000000, STARTS = 3000000 };

NOT_INLINED static void keep_yielding(void)
{
    for (long i = 0; i < YIELDS; i++)
        give_way();
}

static double yield(void)
{
    double from = now_ns();
    struct fiber *other = start(keep_yielding);
    keep_yielding();
    join(other);
    return (now_ns() - from) / (2.0 * YIELDS);
}

static double start_join(void)
{
    double from = now_ns();
    for (long i = 0; i < STARTS; i++)
        join(start(nothing));
    return (now_ns() - from) / STARTS;
}

int main(int argc, char **argv)
{
    static const struct row rows[] = {{"yield", yield}, {"start_join", start_join}};
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
