// SPDX-License-Identifier: MIT
// arena.h - the one piece of memory that all processes of the program share: at one address in
// all of them, since it is mapped before there is a second one.
//
// It is large, of addresses; memory is taken by region (shared.h), and given back by region.
#ifndef WF_CORE_ARENA_H
#define WF_CORE_ARENA_H

#include <stddef.h>

#include "core/kin.h"

// Where it lies: from the root to whoever is to join.
struct wf_arena_place {
    void *at;
    size_t size;
};

// In the root, before anybody is to join: made, if it is not there. The descriptor to map it by,
// which stays the arena's; or -ENOMEM, -EMFILE, -ENFILE, or, once it was forgone, -ENOTSUP.
int wf_arena_open(struct wf_arena_place *place);
// In a process that was started by exec. False: something else lies there.
bool wf_arena_join(const struct wf_arena_place *place, int fd);
// There is none, nor will be: processes are made without one, or are made so.
void wf_arena_forgo(void);

struct wf_kin *wf_arena_kin(void); // NULL: no arena
// It is within, and means the same in processes that are started here. A worker's own ancestor has
// no arena: nobody would bury those who hold locks in it, if that worker was killed.
bool wf_arena_hands_on(const void *address);

#endif
