// SPDX-License-Identifier: MIT
// stage.c - see stage.h.
//
// Not a fiber for each piece of work: its stack would be the next client's, deep as it is.
#include "chat/stage.h"

#include <stdbool.h>
#include <stdlib.h>
#include <weft/weft.h>

// On the stack of who waits for it.
struct work {
    void (*fn)(void *ctx);
    void *ctx;
    weft_event done;
};

struct actor {
    struct stage *stage;
    struct work *work; // NULL: to end
    weft_sem called;
    weft_future *fiber;
    SLIST_ENTRY(actor) in_idle, in_all;
};

static int act(struct actor *const *arg, weft_none *none)
{
    struct actor *a = *arg;
    (void)none;
    while (weft_acquire(&a->called, WEFT_FOREVER) == 0 && a->work) {
        struct work *work = a->work;
        work->fn(work->ctx);
        SLIST_INSERT_HEAD(&a->stage->idle, a, in_idle); // before the next one asks
        weft_event_set(&work->done);
    }
    return 0;
}
WEFT_TASK(act, struct actor *, weft_none);

static struct actor *new_actor(struct stage *stage)
{
    struct actor *a = malloc(sizeof *a);
    if (!a)
        return NULL;
    *a = (struct actor){.stage = stage, .called = WEFT_SEM(0)};
    a->fiber = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "actor"), act, &a);
    if (!a->fiber) {
        free(a);
        return NULL;
    }
    SLIST_INSERT_HEAD(&stage->all, a, in_all);
    return a;
}

void stage_init(struct stage *stage)
{
    SLIST_INIT(&stage->idle);
    SLIST_INIT(&stage->all);
}

void stage_run(struct stage *stage, void (*fn)(void *ctx), void *ctx)
{
    struct work work = {.fn = fn, .ctx = ctx};
    struct actor *a = SLIST_FIRST(&stage->idle);
    if (a)
        SLIST_REMOVE_HEAD(&stage->idle, in_idle);
    else if (!(a = new_actor(stage))) {
        fn(ctx);
        return;
    }
    a->work = &work;
    weft_release(&a->called, 1);
    bool before = weft_shield(true);
    (void)weft_event_wait(&work.done, WEFT_FOREVER); // shielded, for ever: cannot fail
    (void)weft_shield(before);
}

void stage_end(struct stage *stage)
{
    struct actor *a;
    SLIST_FOREACH(a, &stage->all, in_all)
    {
        a->work = NULL;
        weft_release(&a->called, 1);
    }
    while ((a = SLIST_FIRST(&stage->all))) {
        SLIST_REMOVE_HEAD(&stage->all, in_all);
        (void)weft_join(&a->fiber, NULL, 0); // it returns nothing but 0
        free(a);
    }
}
