// SPDX-License-Identifier: MIT
// wire.h - a stream of lines to and from one client, whatever carries it: TCP, TLS or WebSocket.
//
// Who speaks IRC sees lines only. A carrier puts a struct wire first in a struct of its own, and
// its operations find that by the address. Whoever closes the connection is its owner, not the
// wire.
#ifndef WEFT_CHAT_WIRE_H
#define WEFT_CHAT_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <weft/net.h>

struct wire;

struct wire_ops {
    // Wait until read would not: 0 or an error; holds no buffer meanwhile. Bytes may turn out to be
    // half a line: then read waits on, and with WEFT_POLL says -ETIMEDOUT.
    int (*wait)(struct wire *w, weft_time deadline);
    // One line without its end, NUL-terminated; its length (bytes, NULs inside possible).
    // -EMSGSIZE: the line is longer than cap - 1 (it was thrown away up to its end); -EPIPE: the
    // end of the stream; -EPROTO: garbage, and the close frame was posted; -EPROTONOSUPPORT: it
    // begins with TLS, and there is none; others as weft_read.
    // After -ETIMEDOUT what came of a line is kept for the next call. -EAGAIN: much came that is no
    // line (yet); let others run, then call again.
    ssize_t (*read)(struct wire *w, char *buf, size_t cap, weft_time deadline);
    // Queue whole lines, each with its "\r\n"; never waits; from any task. -ENOBUFS: the peer is
    // too slow, and nothing was queued; -EPIPE: after close; others as weft_post.
    int (*post)(struct wire *w, const char *lines, size_t size);
    // How many bytes came, or wait in the system, that read has not given: about so many.
    size_t (*backlog)(const struct wire *w);
    // Say goodbye in the carrier's own way; flushes nothing. Once: later ones do nothing. reason
    // may be NULL.
    void (*close)(struct wire *w, const char *reason);
};

// Bytes of a carrier's: lines, and what it puts around them.
struct traffic {
    uint64_t in, out;
};

struct wire {
    const struct wire_ops *ops;
    weft_conn *conn;         // borrowed
    struct traffic *traffic; // where it is counted, on the loop of all its callers; NULL: nowhere
};

static inline void wire_count(struct wire *w, size_t in, size_t out)
{
    if (!w->traffic)
        return;
    w->traffic->in += in;
    w->traffic->out += out;
}

// What the system holds of a connection's input, as it came: inside TLS with what that adds.
size_t wire_unread(const weft_conn *conn);

#endif
