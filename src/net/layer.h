// SPDX-License-Identifier: MIT
// layer.h - what may stand between a connection's calls and its socket: encryption.
//
// Each operation is called with the connection's mutex held, and never waits: it takes what the
// socket has, and appends what has to go out to the connection's queue, from where whoever waits on
// the connection sends it. A table of operations, so that a program without TLS, linked with the
// static library, needs no libssl.
#ifndef WF_NET_LAYER_H
#define WF_NET_LAYER_H

#include <stdbool.h>
#include <sys/types.h>
#include <weft/net.h>

#include "net/buffer.h"

struct wf_layer;

struct wf_layer_ops {
    // 0; -EAGAIN: it needs more of the socket; or an error, with its message.
    int (*handshake)(struct wf_layer *layer);
    // As recv: bytes, 0 at the end, -EAGAIN (nothing yet), or an error, with its message.
    ssize_t (*read)(struct wf_layer *layer, void *buf, size_t cap);
    bool (*readable)(struct wf_layer *layer); // read would not say -EAGAIN
    // All of it, to the queue: 0, or an error, with its message but for -EPIPE.
    int (*write)(struct wf_layer *layer, const void *bytes, size_t size);
    int (*end)(struct wf_layer *layer); // say "no more", once: 0 or an error
    void (*free)(struct wf_layer *layer);
};

struct wf_layer {
    const struct wf_layer_ops *ops;
    weft_conn *conn;        // whose it is; for names
    int fd;                 // recv only
    struct wf_buffer *out;  // the connection's queue
    struct wf_buffer early; // read from the socket before the layer was there
    struct wf_buffer held;  // posted, and not yet sealed: wf_conn_seal_posted
};

// The most that `write` appends for that many bytes. tls.h promises it.
enum { WF_LAYER_RECORD = 16384, WF_LAYER_OVERHEAD = 64 };
static inline size_t wf_layer_sealed(size_t size)
{
    return size + (size / WF_LAYER_RECORD + 1) * WF_LAYER_OVERHEAD;
}

// Put it between and shake hands; it is the connection's from then on, also after a failure, which
// makes the connection unusable. 0, -ETIMEDOUT, -ECANCELED, -EPIPE (closed), or the layer's error.
int wf_conn_put_layer(weft_conn *c, struct wf_layer *layer, const char *call, weft_time deadline);
// There is none to put: unusable likewise, for what was to be secret must not go out plain.
void wf_conn_refuse_layer(weft_conn *c);
struct wf_layer *wf_conn_layer(const weft_conn *c); // NULL: plain

#endif
