// SPDX-License-Identifier: MIT
// wire.h - a stream of lines to and from one client, whatever carries it: TCP, TLS or WebSocket.
#ifndef WEFT_CHAT_WIRE_H
#define WEFT_CHAT_WIRE_H

#include <sys/types.h>
#include <weft/net.h>

struct wire;

struct wire_ops {
    // Wait until read would not: 0 or an error. Holds no buffer meanwhile.
    int (*wait)(struct wire *w, weft_time deadline);
    // One line without its end, NUL-terminated; its length (NULs may be inside). -EMSGSIZE: the
    // line is longer than cap - 1 (it was thrown away up to its end). -EPIPE: the end of the
    // stream. -EPROTO: garbage; the carrier has said goodbye. Others as weft_read.
    ssize_t (*read)(struct wire *w, char *buf, size_t cap, weft_time deadline);
    // Queue whole lines, each with its "\r\n"; never waits. -ENOBUFS: the peer is too slow.
    int (*post)(struct wire *w, const char *lines, size_t size);
    // Say goodbye in the carrier's own way; flushes nothing.
    void (*close)(struct wire *w, const char *reason);
};

// A carrier has this first in a struct of its own.
struct wire {
    const struct wire_ops *ops;
    weft_conn *conn; // NULL in tests that need no socket
};

#endif
