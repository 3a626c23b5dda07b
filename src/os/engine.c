// SPDX-License-Identifier: MIT
#include "os/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/poll.h"

static int make(int bell, struct wf_engine **engine, int *refused)
{
    const char *asked = getenv("WEFT_IO");
    bool epoll = asked && strcmp(asked, "epoll") == 0;
    if (asked && *asked && !epoll && strcmp(asked, "uring") != 0)
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
    wf_bell_ring(engine->bell);
}
