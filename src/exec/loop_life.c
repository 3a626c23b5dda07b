// SPDX-License-Identifier: MIT
// loop_life.c - a loop's beginning and its end, on whatever thread asks for them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/misuse.h"
#include "exec/loop_parts.h"
#include "os/atomic.h"
#include "os/futex.h"

static void release(struct wf_loop *loop)
{
    if (loop->engine)
        wf_engine_free(loop->engine);
    wf_home_give(loop->home);
    wf_timers_free(&loop->timers);
    wf_stacks_free(loop->stacks);
    free(loop);
}

static void say_refused(int error)
{
    static uint32_t said;
    if (error != 0 && wf_checking && wf_exchange(&said, 1, WF_RELAXED) == 0)
        (void)fprintf(stderr, "weft: io_uring is not available (%s): fibers wait by epoll\n",
                      strerror(error));
}

static int open_loop(struct wf_loop *loop)
{
    int refused = 0;
    loop->stacks = wf_stacks_new(sizeof(struct fiber));
    if (!loop->stacks)
        return -ENOMEM;
    int rc = wf_engine_new(&loop->engine, &refused);
    wf_require(rc != -EINVAL, "WEFT_IO=%s in the environment: neither uring nor epoll",
               getenv("WEFT_IO"));
    if (rc < 0)
        return rc;
    say_refused(refused);
    const struct wf_thread_options options = {.run = wf_loop_run, .arg = loop};
    return wf_thread_start(&options, &loop->thread);
}

int wf_loop_new(const char *name, struct wf_loop **loop)
{
    struct wf_loop *new = calloc(1, sizeof *new);
    if (!new)
        return -ENOMEM;
    wf_copy_name(new->name, name);
    wf_turn_new(&new->turn);
    new->home = wf_home_take();
    int rc = open_loop(new);
    if (rc < 0) {
        release(new);
        return rc;
    }
    wf_watchdog_add(&new->watched, &new->pulse);
    *loop = new;
    return 0;
}

void wf_loop_free(struct wf_loop *loop)
{
    wf_store(&loop->stop, 1, WF_SEQ_CST);
    wf_loop_ring(loop);
    wf_thread_join(loop->thread);
    for (unsigned round = 0; wf_load(&loop->senders, WF_ACQUIRE) > 0; round++)
        wf_spin(round); // loop.c, send
    wf_watchdog_remove(&loop->watched);
    release(loop);
}
