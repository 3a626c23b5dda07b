// SPDX-License-Identifier: MIT
// fanout_weft.c - the same with weft: a post for each message. Each receiver has a fiber that waits
// for what it says, as in a chat: a connection's queue goes out while somebody waits on it.
#include "serving.h"

enum { MESSAGE = 64 };

static int listen_to(weft_conn *const *conn, weft_none *none)
{
    (void)none;
    return weft_wait_readable(*conn, WEFT_FOREVER);
}
WEFT_TASK(listen_to, weft_conn *, weft_none);

static void play_round(weft_conn **all, int receivers, int messages)
{
    static const char message[MESSAGE] = "hello";
    for (int round = 0; round < messages; round++)
        for (int i = 0; i < receivers; i++)
            if (weft_post(all[i], message, sizeof message) < 0)
                die(weft_error());
}

static int conduct(weft_listener *const *listener, weft_none *none)
{
    int asked[2];
    char go;
    (void)none;
    weft_conn *conductor = accept_weft(*listener);
    if (weft_read(conductor, asked, sizeof asked, WEFT_FOREVER) != sizeof asked)
        die("what is asked?");
    weft_conn **all = calloc((size_t)asked[0], sizeof(weft_conn *));
    for (int i = 0; i < asked[0]; i++) {
        all[i] = accept_weft(*listener);
        started(weft_start(WEFT_FIBERS, listen_to, &all[i]));
    }
    while (weft_read(conductor, &go, 1, WEFT_FOREVER) == 1)
        play_round(all, asked[0], asked[1]);
    return 0;
}
WEFT_TASK(conduct, weft_listener *, weft_none);

int main(void)
{
    weft_listener *listener = listen_weft();
    started(weft_start(WEFT_FIBERS, conduct, &listener));
    return sleep_for_ever();
}
