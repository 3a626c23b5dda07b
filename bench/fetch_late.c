// SPDX-License-Identifier: MIT
// fetch_late.c - a web server with weft whose every page comes late: fetch_late MILLISECONDS
//
// A fiber for each connection, which sleeps: nginx cannot wait. A page is 1,024 bytes.
#include "serving.h"

enum { PAGE = 1024, REQUEST = 4096 };

static int64_t patience_ms;
static char answer[PAGE + 256];
static size_t answer_size;

// Requests come one by one, and none has a body.
static int serve(weft_conn *const *conn, weft_none *none)
{
    WEFT_SCOPED(weft_conn_close) weft_conn *c = *conn;
    char bytes[REQUEST];
    size_t have = 0;
    ssize_t n;
    (void)none;
    while ((n = weft_read(c, bytes + have, sizeof bytes - have, WEFT_FOREVER)) > 0) {
        have += (size_t)n;
        if (have < 4 || memcmp(bytes + have - 4, "\r\n\r\n", 4) != 0)
            continue;
        have = 0;
        (void)weft_sleep(weft_after_ms(patience_ms));
        if (weft_write(c, answer, answer_size, WEFT_FOREVER) < 0)
            break;
    }
    return 0;
}
WEFT_TASK(serve, weft_conn *, weft_none);

static int welcome(weft_listener *const *l, weft_none *none)
{
    (void)none;
    for (weft_conn *c; (c = accept_weft(*l));)
        started(weft_start(WEFT_FIBERS, serve, &c));
    return 0;
}
WEFT_TASK(welcome, weft_listener *, weft_none);

static void write_answer(void)
{
    int n = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", PAGE);
    memset(answer + n, 'x', PAGE);
    answer_size = (size_t)n + PAGE;
}

int main(int argc, char **argv)
{
    patience_ms = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    write_answer();
    weft_listener *l = listen_weft();
    started(weft_start(WEFT_FIBERS, welcome, &l));
    return sleep_for_ever();
}
