// SPDX-License-Identifier: MIT
// defaults.c - the loops for what is started from a plain thread: as many as there are cores.
#include <stdio.h>

#include "core/current.h"
#include "core/mutex.h"
#include "exec/loop.h"
#include "os/thread.h"

enum { MOST_DEFAULTS = 64 };

static struct {
    weft_mutex mu; // guards everything below
    struct wf_loop *loops[MOST_DEFAULTS];
    uint32_t count, next;
    uint32_t most; // as many as there were cores at first; 0: not asked yet
} defaults;

int wf_loop_default(struct wf_loop **loop)
{
    wf_guard(&defaults.mu);
    if (defaults.most == 0) {
        uint32_t cores = (uint32_t)wf_thread_cores(); // reads files
        defaults.most = cores < MOST_DEFAULTS ? cores : MOST_DEFAULTS;
    }
    if (defaults.count < defaults.most) {
        char name[WF_NAME_MAX];
        (void)snprintf(name, sizeof name, "weft-loop-%u", defaults.count + 1);
        int rc = wf_loop_new(name, &defaults.loops[defaults.count]);
        if (rc < 0 && defaults.count == 0)
            return rc;
        defaults.count += rc == 0;
    }
    *loop = defaults.loops[defaults.next++ % defaults.count];
    return 0;
}

void wf_loop_end_defaults(void)
{
    wf_lock(&defaults.mu);
    while (defaults.count > 0) {
        struct wf_loop *loop = defaults.loops[--defaults.count];
        weft_unlock(&defaults.mu);
        wf_loop_free(loop);
        wf_lock(&defaults.mu);
    }
    weft_unlock(&defaults.mu);
}
