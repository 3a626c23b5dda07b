// SPDX-License-Identifier: MIT
// tcp_wire.h - lines on a connection as they are, plain or inside TLS (wire.h).
#ifndef WEFT_CHAT_TCP_WIRE_H
#define WEFT_CHAT_TCP_WIRE_H

#include <stdbool.h>

#include "chat/wire.h"

struct tcp_wire {
    struct wire wire;
    char *held; // bytes that came and were not taken: only while there are some, or a half line
    size_t begin, end;
    bool skips; // the rest of a line that was too long
    bool spoke; // something has come
};

// On a connection that stays the caller's.
void tcp_wire_init(struct tcp_wire *w, weft_conn *conn);
void tcp_wire_release(struct tcp_wire *w);

#endif
