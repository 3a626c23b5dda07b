// SPDX-License-Identifier: MIT
// echo_weft.c - an echo server with weft: echo_weft plain|lean|threads
//
// A fiber for each connection, all on one loop; `lean` takes its buffer only when there is
// something for it; `threads` is `plain` with a thread for each connection.
#include "serving.h"

static int plain(weft_conn *const *conn, weft_none *none)
{
    WEFT_SCOPED(weft_conn_close) weft_conn *c = *conn;
    char bytes[PIECE];
    ssize_t n;
    (void)none;
    while ((n = weft_read(c, bytes, sizeof bytes, WEFT_FOREVER)) > 0)
        if (weft_write(c, bytes, (size_t)n, WEFT_FOREVER) < 0)
            break;
    return 0;
}
WEFT_TASK(plain, weft_conn *, weft_none);

static int lean(weft_conn *const *conn, weft_none *none)
{
    WEFT_SCOPED(weft_conn_close) weft_conn *c = *conn;
    (void)none;
    for (int rc = 0; rc == 0 && weft_wait_readable(c, WEFT_FOREVER) == 0;) {
        char *bytes = malloc(PIECE);
        ssize_t n = weft_read(c, bytes, PIECE, WEFT_POLL);
        rc = n > 0 ? weft_write(c, bytes, (size_t)n, WEFT_FOREVER) : n == -ETIMEDOUT ? 0 : -EPIPE;
        free(bytes);
    }
    return 0;
}
WEFT_TASK(lean, weft_conn *, weft_none);

struct door {
    weft_listener *listener;
    bool lean;
    enum weft_kind kind; // of those who serve
};

static int welcome(const struct door *door, weft_none *none)
{
    (void)none;
    for (weft_conn *c; (c = accept_weft(door->listener));)
        started(door->lean ? weft_start(door->kind, lean, &c) : weft_start(door->kind, plain, &c));
    return 0;
}
WEFT_TASK(welcome, struct door, weft_none);

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "plain";
    struct door door = {.listener = listen_weft(),
                        .lean = strcmp(way, "lean") == 0,
                        .kind = strcmp(way, "threads") == 0 ? WEFT_THREADS : WEFT_FIBERS};
    started(weft_start(door.kind, welcome, &door));
    return sleep_for_ever();
}
