// SPDX-License-Identifier: MIT
// beside.c - who runs beside the main task of a scenario: a thread, or a fiber.
#include "exec/loop.h"
#include "scenario.h"

static struct beside all[8];
static int count;

static void run_fiber(void *arg)
{
    struct beside *b = arg;
    (void)b->run(b->arg);
    weft_event_set(&b->over);
}

struct beside *go_as(struct wf_loop **loop, bool is_fiber, void *(*run)(void *), void *arg)
{
    struct beside *b = &all[count++];
    *b = (struct beside){.is_fiber = is_fiber, .run = run, .arg = arg};
    if (!b->is_fiber) {
        b->thread = go(run, arg);
        return b;
    }
    if (!*loop)
        claim(wf_loop_new("loop", loop) == 0);
    claim(wf_loop_start(*loop, 0, run_fiber, b) == 0);
    return b;
}

void join_it(struct beside *b)
{
    if (b->is_fiber)
        claim(weft_event_wait(&b->over, WEFT_FOREVER) == 0);
    else
        wf_thread_join(b->thread);
}

void end_loop(struct wf_loop **loop)
{
    if (*loop)
        wf_loop_free(*loop);
    *loop = NULL;
}

enum weft_kind kind_of(void *arg)
{
    return *(int *)arg & 1 ? WEFT_FIBERS : WEFT_THREADS;
}
