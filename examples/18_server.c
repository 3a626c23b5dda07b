// SPDX-License-Identifier: MIT
// 18_server.c - the lecture's chat server, a thread for each connection. Lecture: L1 to L9, L11.
//
//     18_server [PORT]      127.0.0.1:12345, until Ctrl+C
//
// What one client sends goes to all others. `handler` is the lecture's; around it is what the
// lecture's lacks: a client is in the list before its first byte is read and leaves it when it
// leaves, one that is gone or reads too slowly loses its own connection and nobody else's, and
// nothing is sent in halves. `weft serve` is the same with options and a log.
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "example.h"

struct client {
    weft_conn *conn;
    struct client *next;
}; // lies on its handler's stack

static struct {
    weft_mutex mu; // guards the list
    struct client *first;
} room;
static weft_pool *pool;

static void enter(struct client *me)
{
    weft_guard(&room.mu);
    me->next = room.first;
    room.first = me;
}

static void leave(void *arg)
{
    struct client *me = arg, **at = &room.first;

    weft_guard(&room.mu);
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
}

static void broadcast(const struct client *from, const char *data, size_t size)
{
    weft_guard(&room.mu);
    for (struct client *to = room.first; to; to = to->next)
        if (to != from && weft_post(to->conn, data, size) < 0)
            (void)shutdown(weft_conn_fd(to->conn), SHUT_RDWR); // its own handler sees the end
}

static int handler(weft_conn *const *conn, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_conn_close) weft_conn *c = *conn;
    struct client me = {.conn = c};
    char data[4096];
    ssize_t n;

    enter(&me);
    weft_defer(leave, &me); // before c is closed
    while ((n = weft_read(c, data, sizeof data, WEFT_FOREVER)) > 0)
        broadcast(&me, data, (size_t)n);
    return 0; // at its end, or broken: the client is gone either way
}
WEFT_TASK(handler, weft_conn *, weft_none);

static int welcome(weft_listener *const *listener, weft_none *none)
{
    (void)none;
    for (;;) {
        weft_conn *c = weft_accept(*listener, WEFT_FOREVER);
        int rc = c ? weft_spawn(pool, handler, &c) : weft_error_code();
        if (rc == 0)
            continue;
        weft_conn_close(&c); // no thread for it; NULL is welcome too
        if (rc != -EMFILE && rc != -ENFILE && rc != -EAGAIN)
            return rc;
        rc = weft_sleep(weft_after_ms(100)); // full: until somebody has left
        if (rc < 0)
            return rc;
    }
}
WEFT_TASK(welcome, weft_listener *, weft_none);

int main(int argc, char **argv)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);

    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", argc > 1 ? argv[1] : "12345");
    WEFT_SCOPED(weft_listener_close) weft_listener *listener = weft_listen(address);
    if (!listener)
        return failed("listen");
    // A waiting handler holds its thread and the pool starts another: a thread a connection, for as
    // many as the system has.
    pool = weft_pool_open(WEFT_THREADS, .max_spares = 1000000, .name = "handler");
    weft_future *door = pool ? weft_start(WEFT_THREADS, welcome, &listener) : NULL;
    if (!door)
        return failed("start");

    (void)fprintf(stderr, "listening on %s\n", weft_listener_address(listener));
    int rc = weft_wait_signal(&stop, WEFT_FOREVER);
    weft_cancel(door);
    (void)weft_join(&door, NULL, 0); // -ECANCELED, as asked
    weft_pool_cancel(pool);
    weft_pool_close(&pool);
    return rc < 0 ? failed("signal") : 0;
}
