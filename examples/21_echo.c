// SPDX-License-Identifier: MIT
// 21_echo.c - an echo server on fibers: ten thousand clients, and code for one. Lecture: L2.
//
//     21_echo [PORT]        127.0.0.1, on any free port without one; until Ctrl+C
//
// The handler is written as if it had a thread to itself: it reads, it writes, it returns. It is a
// fiber, so that each wait costs the program a stack of a few pages instead of a thread, and all
// handlers run on one thread. A server with callbacks would need the same steps cut into pieces,
// and a struct to carry between them what stands in `data` and `n` here.
#include "serving.h"

static int echo(weft_conn *const *conn, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_conn_close) weft_conn *c = *conn; // handed over: ours to close
    char data[4096];
    ssize_t n;

    while ((n = weft_read(c, data, sizeof data, WEFT_FOREVER)) > 0)
        if (weft_write(c, data, (size_t)n, WEFT_FOREVER) < 0)
            break;
    return 0; // at its end, or broken: the client is gone either way
}
WEFT_TASK(echo, weft_conn *, weft_none);

static int take(weft_pool *pool, weft_conn *conn)
{
    return weft_spawn(pool, echo, &conn);
}

int main(int argc, char **argv)
{
    return serve(argc > 1 ? argv[1] : "0", take);
}
