// SPDX-License-Identifier: MIT
// pace.h - a client's lines, not faster than the server takes them.
//
// A server reads a client that has used up its budget slowly, and puts it off once too much waits
// to be read: a few KiB. So a PING goes behind each KiB, and while two of them are not answered the
// lines wait here, in their order. Who types never notices.
#ifndef WEFT_CHAT_JOIN_PACE_H
#define WEFT_CHAT_JOIN_PACE_H

#include <stdbool.h>
#include <stddef.h>

#include "chat/join/message.h"

struct session;

struct pace {
    size_t since;                  // bytes that were sent behind the last PING
    unsigned long asked, answered; // PINGs
    char *held;                    // lines, each with its '\0'
    size_t from, size, room;       // the first that waits, the end, what there is memory for
};

// Sends it, or keeps it for later: a line without its end.
void pace_send(struct session *s, const char *line);
void pace_on_pong(struct session *s, const struct message *m);
// Whether lines wait.
bool pace_holds(const struct session *s);
// Nothing more is sent.
void pace_end(struct session *s);

#endif
