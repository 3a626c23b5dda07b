// SPDX-License-Identifier: MIT
// fanout.h - what the bare senders share. The first connection is the conductor's, who says how
// many receivers there are, how many messages each gets in a round, and then when to begin one.
#ifndef WEFT_BENCH_FANOUT_H
#define WEFT_BENCH_FANOUT_H

#include "server.h"

enum { MESSAGE = 64, MOST_RECEIVERS = 8192, MOST_MESSAGES = 16 };

struct fanout {
    int conductor, receivers, messages;
    int fds[MOST_RECEIVERS];
    char buffer[MOST_MESSAGES * MESSAGE];
};

static inline void fanout_begin(struct fanout *f)
{
    int listener = listen_here(0), asked[2];
    f->conductor = accept(listener, NULL, NULL);
    if (recv(f->conductor, asked, sizeof asked, MSG_WAITALL) != sizeof asked ||
        asked[0] > MOST_RECEIVERS || asked[1] > MOST_MESSAGES)
        die("what is asked?");
    f->receivers = asked[0];
    f->messages = asked[1];
    for (int i = 0; i < f->receivers; i++)
        if ((f->fds[i] = accept(listener, NULL, NULL)) < 0)
            die("accept");
}

static inline bool fanout_is_asked(struct fanout *f)
{
    char go;
    return recv(f->conductor, &go, 1, 0) == 1;
}

// The messages for one receiver, one after the other, as they come: how many bytes.
static inline size_t fanout_fill(const struct fanout *f, char *buffer)
{
    static const char message[MESSAGE] = "hello";
    for (int i = 0; i < f->messages; i++)
        memcpy(buffer + (size_t)i * MESSAGE, message, MESSAGE);
    return (size_t)f->messages * MESSAGE;
}

#endif
