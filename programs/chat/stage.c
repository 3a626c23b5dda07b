// SPDX-License-Identifier: MIT
// stage.c - see stage.h.
//
// Not a fiber for each piece of work: its stack would be the next client's, deep as it is. But when
// a thousand clients speak in one turn of the loop there are a thousand actors for that moment, and
// most of them are never needed again: those end. So an actor's stack has another size than a
// client's, and is used again by actors alone.
#include "chat/stage.h"

#include <stdbool.h>
#include <stdlib.h>
#include <weft/weft.h>

enum { ACTOR_STACK = 128 << 10 };

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
    SLIST_ENTRY(actor) in_idle;
    LIST_ENTRY(actor) in_all;
};

// True: it stays for the next one who asks. False: there are enough, and it is gone.
static bool stays(struct actor *a)
{
    struct stage *stage = a->stage;
    if (stage->idle_count < STAGE_KEPT) {
        stage->idle_count++;
        SLIST_INSERT_HEAD(&stage->idle, a, in_idle);
        return true;
    }
    LIST_REMOVE(a, in_all);
    stage->count--;
    weft_drop(&a->fiber); // our own: nobody will join it
    free(a);
    return false;
}

static int act(struct actor *const *arg, weft_none *none)
{
    struct actor *a = *arg;
    (void)none;
    bool more = true;
    while (more && weft_acquire(&a->called, WEFT_FOREVER) == 0 && a->work) {
        struct work *work = a->work;
        work->fn(work->ctx);
        more = stays(a); // before the next one asks
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
    a->fiber = weft_start_as(
        WEFT_WITH(.kind = WEFT_FIBERS, .name = "actor", .stack_size = ACTOR_STACK), act, &a);
    if (!a->fiber) {
        free(a);
        return NULL;
    }
    LIST_INSERT_HEAD(&stage->all, a, in_all);
    stage->count++;
    return a;
}

void stage_init(struct stage *stage)
{
    SLIST_INIT(&stage->idle);
    LIST_INIT(&stage->all);
    stage->count = stage->idle_count = 0;
}

static struct actor *take_idle(struct stage *stage)
{
    struct actor *a = SLIST_FIRST(&stage->idle);
    if (!a)
        return NULL;
    SLIST_REMOVE_HEAD(&stage->idle, in_idle);
    stage->idle_count--;
    return a;
}

void stage_run(struct stage *stage, void (*fn)(void *ctx), void *ctx)
{
    struct work work = {.fn = fn, .ctx = ctx};
    struct actor *a = take_idle(stage);
    if (!a && !(a = new_actor(stage))) {
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
    LIST_FOREACH (a, &stage->all, in_all) {
        a->work = NULL;
        weft_release(&a->called, 1);
    }
    while ((a = LIST_FIRST(&stage->all))) {
        LIST_REMOVE(a, in_all);
        (void)weft_join(&a->fiber, NULL, 0); // it returns nothing but 0
        free(a);
    }
}
