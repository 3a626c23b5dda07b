// SPDX-License-Identifier: MIT
// layer.c - the calls on a connection that has a layer.
#include <errno.h>
#include <poll.h>

#include "core/misuse.h"
#include "core/mutex.h"
#include "core/park.h"
#include "net/call.h"
#include "os/atomic.h"

enum { RECORD = 16384 };

// The socket may have bytes of which the layer makes none yet, and the layer some of which the
// socket knows nothing.
int wf_layer_wait_readable(const struct call *call)
{
    weft_conn *c = call->conn;
    for (;;) {
        wf_lock(&c->mu);
        bool closed = c->closed, readable = !closed && c->layer->ops->readable(c->layer);
        wf_conn_send_queued(c);
        weft_unlock(&c->mu);
        int rc = closed ? -EPIPE : readable ? 0 : wf_call_wait(call, POLLIN, NULL);
        if (rc < 0 || readable)
            return rc;
    }
}

// With a layer the writer's bytes go through the queue as well, a record at a time, and what is
// posted meanwhile is held until he is through.
static int seal_all(const struct call *call, const char *bytes, size_t size)
{
    weft_conn *c = call->conn;
    for (int rc = 0; size > 0;) {
        size_t n = size < RECORD ? size : RECORD;
        wf_lock(&c->mu);
        c->sealing = true;
        rc = c->closed ? -EPIPE : c->layer->ops->write(c->layer, bytes, n);
        weft_unlock(&c->mu);
        if (rc == 0)
            rc = wf_call_flush(call);
        if (rc < 0)
            return rc;
        bytes += n;
        size -= n;
    }
    return 0;
}

// What was held goes out after all.
static void end_sealing(weft_conn *c)
{
    wf_guard(&c->mu);
    c->sealing = false;
    wf_conn_send_queued(c);
    if (c->out.length > 0)
        wf_conn_wake_all(c); // let them watch for room
}

// Between two pieces what is posted stays held.
int wf_layer_write(const struct call *call, struct wf_parts *parts)
{
    int rc = wf_call_flush(call);
    for (struct iovec piece; rc == 0 && wf_parts_take(parts, &piece);)
        rc = seal_all(call, piece.iov_base, piece.iov_len);
    if (rc == 0)
        end_sealing(call->conn);
    return rc;
}

// What others posted since the flush goes before the end. What they post from then on is too late,
// and refused.
int wf_layer_end(const struct call *call)
{
    weft_conn *c = call->conn;
    wf_lock(&c->mu);
    wf_conn_seal_posted(c);
    int rc = c->closed ? -EPIPE : c->layer->ops->end(c->layer);
    c->sealing = rc == 0;
    c->ends = c->ends || rc == 0;
    weft_unlock(&c->mu);
    if (rc == 0)
        rc = wf_call_flush(call);
    if (rc < 0)
        end_sealing(c);
    return rc;
}

// What was read ahead was meant for it. Posts are held until the hands are shaken.
static void attach(weft_conn *c, struct wf_layer *layer)
{
    wf_guard(&c->mu);
    wf_require(!c->layer, "weft_tls_start: connection %s is encrypted already", c->names);
    layer->conn = c;
    layer->fd = c->fd;
    layer->out = &c->out;
    layer->early = c->in;
    c->in = (struct wf_buffer){.bytes = NULL};
    c->layer = layer;
    c->sealing = true;
}

static int shake_hands(const struct call *call)
{
    weft_conn *c = call->conn;
    for (;;) {
        wf_lock(&c->mu);
        int rc = c->closed ? -EPIPE : c->layer->ops->handshake(c->layer);
        wf_conn_send_queued(c); // also the alert that says why not
        weft_unlock(&c->mu);
        if (rc == 0)
            return wf_call_flush(call);
        rc = rc == -EAGAIN ? wf_call_wait(call, POLLIN, NULL) : rc;
        if (rc < 0)
            return rc;
    }
}

void wf_conn_refuse_layer(weft_conn *c)
{
    wf_guard(&c->mu);
    wf_conn_make_unusable(c);
}

static int refuse(weft_conn *c, struct wf_layer *layer, int rc)
{
    wf_conn_refuse_layer(c);
    layer->ops->free(layer);
    return rc;
}

int wf_conn_put_layer(weft_conn *c, struct wf_layer *layer, const char *call, weft_time deadline)
{
    struct call reading = {c, call, &c->reader, deadline};
    struct call writing = {c, call, &c->writer, deadline};
    int rc = wf_call_begin(&reading);
    if (rc < 0)
        return refuse(c, layer, rc);
    rc = wf_call_begin(&writing);
    if (rc < 0) {
        (void)wf_call_end_unusable(&reading, rc);
        return refuse(c, layer, rc);
    }
    attach(c, layer);
    rc = shake_hands(&reading);
    if (rc == 0)
        end_sealing(c);
    (void)wf_call_end(&writing, 0); // the result is the other's
    return (int)(rc < 0 ? wf_call_end_unusable(&reading, rc) : wf_call_end(&reading, rc));
}

struct wf_layer *wf_conn_layer(const weft_conn *c)
{
    return c->layer;
}
