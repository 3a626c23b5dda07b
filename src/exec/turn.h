// SPDX-License-Identifier: MIT
// turn.h - what a loop is to do once when its turn ends, in the order of its coming.
#ifndef WF_EXEC_TURN_H
#define WF_EXEC_TURN_H

#include <stddef.h>

struct wf_turn_end {
    struct wf_turn_end *next;
    void (*call)(struct wf_turn_end *turn_end); // may add itself again
};

struct wf_turn {
    struct wf_turn_end *first, **last;
};

static inline void wf_turn_begin(struct wf_turn *turn)
{
    *turn = (struct wf_turn){.last = &turn->first};
}

static inline void wf_turn_add(struct wf_turn *turn, struct wf_turn_end *turn_end)
{
    turn_end->next = NULL;
    *turn->last = turn_end;
    turn->last = &turn_end->next;
}

static inline void wf_turn_finish(struct wf_turn *turn)
{
    struct wf_turn_end *turn_end = turn->first;
    wf_turn_begin(turn);
    while (turn_end) {
        struct wf_turn_end *next = turn_end->next; // it may be gone after its call
        turn_end->call(turn_end);
        turn_end = next;
    }
}

#endif
