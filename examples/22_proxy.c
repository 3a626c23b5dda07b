// SPDX-License-Identifier: MIT
// 22_proxy.c - a TCP proxy: two fibers a connection, one for each way. Lecture: L16.
//
//     22_proxy PORT TARGET      127.0.0.1:PORT (0: any) is TARGET from now on; until Ctrl+C
//     22_proxy 8080 example.org:80
//
// A connection is two streams, and each has an end of its own. Who says "no more" may still listen,
// as the lecture's client should have done at the end of its input; so the end of one way is passed
// on as just that (weft_shutdown) while the other goes on. weft_write is back when the socket has
// taken all: a slow reader slows its writer down, through the proxy, and nothing piles up here.
#include <sys/socket.h>

#include "serving.h"

struct way {
    weft_conn *from, *to;
};

static const char *target;

static ssize_t pass_on_all(const struct way *way)
{
    char data[16384]; // of a stack of 64 KiB
    ssize_t n;

    while ((n = weft_read(way->from, data, sizeof data, WEFT_FOREVER)) > 0) {
        int rc = weft_write(way->to, data, (size_t)n, WEFT_FOREVER);
        if (rc < 0)
            return rc;
    }
    return n;
}

static int pass_on(const struct way *way, weft_none *none)
{
    (void)none;
    ssize_t n = pass_on_all(way);
    if (n == 0)
        return weft_shutdown(way->to, WEFT_FOREVER);
    // Broken: who reads from `to` for the other way finds its end, after what has arrived there.
    (void)shutdown(weft_conn_fd(way->to), SHUT_RDWR);
    return (int)n;
}
WEFT_TASK(pass_on, struct way, weft_none);

static int proxy(weft_conn *const *conn, weft_none *none)
{
    WEFT_SCOPED(weft_conn_close) weft_conn *client = *conn;
    WEFT_SCOPED(weft_conn_close) weft_conn *server = weft_connect(target, weft_after_ms(5000));
    if (!server)
        return weft_error_code(); // on stderr: nobody joins us
    weft_future *there = weft_start(WEFT_FIBERS, pass_on, &(struct way){client, server});
    if (!there)
        return weft_error_code();
    if (pass_on(&(struct way){server, client}, none) < 0)
        weft_cancel(there);           // the server's or our own end: it may wait for either
    (void)weft_join(&there, NULL, 0); // a broken connection is its two ends' affair
    return 0;
}
WEFT_TASK(proxy, weft_conn *, weft_none);

static int take(weft_pool *pool, weft_conn *conn)
{
    return weft_spawn(pool, proxy, &conn);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: 22_proxy PORT TARGET\n");
        return 2;
    }
    target = argv[2];
    return serve(argv[1], take);
}
