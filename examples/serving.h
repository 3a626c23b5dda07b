// SPDX-License-Identifier: MIT
// serving.h - what 21 and 22 share: a door, and the end at Ctrl+C or SIGTERM.
//
// The door is one fiber: it accepts, and hands each connection to a fiber of its own, in a pool, so
// that one call asks all of them to stop and another waits until they have.
#ifndef WEFT_EXAMPLE_SERVING_H
#define WEFT_EXAMPLE_SERVING_H

#include <errno.h>
#include <signal.h>

#include "example.h"

struct door {
    weft_listener *listener;
    weft_pool *pool;
    int (*take)(weft_pool *pool, weft_conn *conn); // takes it over, or < 0: it is still ours
};

static int welcome(const struct door *door, weft_none *none)
{
    (void)none;
    for (;;) {
        weft_conn *c = weft_accept(door->listener, WEFT_FOREVER);
        int rc = c ? door->take(door->pool, c) : weft_error_code();
        if (rc == 0)
            continue;
        weft_conn_close(&c); // no memory for it; NULL is welcome too
        if (rc != -EMFILE && rc != -ENFILE && rc != -EAGAIN && rc != -ENOMEM)
            return rc;
        rc = weft_sleep(weft_after_ms(100)); // full: until somebody has left
        if (rc < 0)
            return rc;
    }
}
WEFT_TASK(welcome, struct door, weft_none);

// First thing in main: else the signal would end the program before it is waited for.
static void block_stop_signals(sigset_t *stop)
{
    sigemptyset(stop);
    sigaddset(stop, SIGINT);
    sigaddset(stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, stop, NULL);
}

// Open the door, say where, and serve until one of the signals. The program's status.
static int serve_until(const sigset_t *stop, struct door door)
{
    weft_future *open = weft_start(WEFT_FIBERS, welcome, &door);
    if (!open)
        return failed("start");
    (void)fprintf(stderr, "listening on %s\n", weft_listener_address(door.listener));
    int rc = weft_wait_signal(stop, WEFT_FOREVER);
    weft_cancel(open);
    (void)weft_join(&open, NULL, 0); // -ECANCELED, as asked
    weft_pool_cancel(door.pool);
    return rc < 0 ? failed("signal") : EXIT_SUCCESS;
}

// Listen on 127.0.0.1 and serve there, port "0" on any that is free. The program's status.
static int serve(const char *port, int (*take)(weft_pool *pool, weft_conn *conn))
{
    sigset_t stop;
    block_stop_signals(&stop);
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", port);
    WEFT_SCOPED(weft_listener_close) weft_listener *listener = weft_listen(address);
    if (!listener)
        return failed("listen");
    // One worker is one thread. A fiber that waits is no reason to stop: the pool adds another.
    WEFT_SCOPED(weft_pool_close)
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "handler");
    if (!pool)
        return failed("open the pool");
    return serve_until(&stop, (struct door){listener, pool, take});
}

#endif
