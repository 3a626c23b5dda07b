// SPDX-License-Identifier: MIT
#include "os/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/fault.h"
#include "os/poll.h"
#include "os/valgrind.h"

// Under valgrind epoll: 3.19 keeps its one lock while a thread sleeps in io_uring_enter, so that no
// other thread goes on.
static int make(int bell, struct wf_engine **engine, int *refused)
{
    const char *asked = getenv("WEFT_IO");
    bool chosen = asked && *asked;
    bool epoll = chosen ? strcmp(asked, "epoll") == 0 : RUNNING_ON_VALGRIND > 0;
    if (chosen && !epoll && strcmp(asked, "uring") != 0)
        return -EINVAL;
    *refused = epoll ? 0 : -wf_uring_new(bell, engine);
    return epoll || *refused ? wf_epoll_new(bell, engine) : 0;
}

int wf_engine_new(struct wf_engine **engine, int *refused)
{
    int bell = wf_bell_new();
    int rc = bell < 0 ? bell : make(bell, engine, refused);
    if (rc < 0)
        wf_bell_free(bell);
    return rc;
}

void wf_engine_free(struct wf_engine *engine)
{
    int bell = engine->bell;
    engine->ops->free(engine);
    wf_bell_free(bell);
}

void wf_engine_ring(struct wf_engine *engine)
{
    if (wf_bell_ring(engine->bell) == -EBADF)
        wf_engine_lost("eventfd", EBADF);
}

void wf_engine_lost(const char *what, int error)
{
    char line[256];
    int n = snprintf(line, sizeof line,
                     "weft: %s, by which fibers wait, fails since they began (%s): was a filter "
                     "of system calls loaded, or were their descriptors closed?\n",
                     what, strerror(error));
    wf_say(line, (unsigned long)n);
    abort();
}
