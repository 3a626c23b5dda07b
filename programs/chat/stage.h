// SPDX-License-Identifier: MIT
// stage.h - a few deep stacks, for the many clients that have shallow ones.
//
// A fiber's stack costs the pages that it has touched, and they stay. A client's task waits nearly
// always, so it must never go deep: whatever needs room, a line of text, a look into the history,
// it lets an actor do. Actors are fibers; there are as many as work at once, and a few that stay
// for the next.
//
// All of it belongs to one loop.
#ifndef WEFT_CHAT_STAGE_H
#define WEFT_CHAT_STAGE_H

#include <sys/queue.h>

enum { STAGE_KEPT = 64 }; // actors with nothing to do

struct actor;

struct stage {
    SLIST_HEAD(, actor) idle; // the last one to work is the next
    int count, idle_count;
    LIST_HEAD(, actor) all;
};

void stage_init(struct stage *stage);
// Call fn(ctx) on an actor's stack and wait for its end, whatever this task is asked meanwhile. Is
// there no memory for an actor, it is called on this stack.
void stage_run(struct stage *stage, void (*fn)(void *ctx), void *ctx);
// All actors end. Nobody is in stage_run any more.
void stage_end(struct stage *stage);

#endif
