// SPDX-License-Identifier: MIT
// serving.h - what the servers of the bench on weft share: a door, and main's wait.
#ifndef WEFT_BENCH_SERVING_H
#define WEFT_BENCH_SERVING_H

#include <weft/weft.h>

#include "server.h"

// A listener on a free port of 127.0.0.1; the port is the server's first line.
static inline weft_listener *listen_weft(void)
{
    weft_listener *l = weft_listen("127.0.0.1:0");
    if (!l)
        die(weft_error());
    printf("%s\n", strrchr(weft_listener_address(l), ':') + 1);
    fflush(stdout);
    return l;
}

static inline weft_conn *accept_weft(weft_listener *l)
{
    weft_conn *c = weft_accept(l, WEFT_FOREVER);
    return c ? c : (weft_conn *)die(weft_error());
}

// What is started is nobody's to join: it ends with the server.
static inline void started(weft_future *f)
{
    if (!f)
        die(weft_error());
}

// For main: the server is killed by who started it.
static inline int sleep_for_ever(void)
{
    (void)weft_sleep(WEFT_FOREVER);
    return 1;
}

#endif
