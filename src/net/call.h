// SPDX-License-Identifier: MIT
// call.h - a connection, and a call that waits on it: for conn.c, post.c and layer.c alone.
#ifndef WF_NET_CALL_H
#define WF_NET_CALL_H

#include <weft/sync.h>

#include "net/conn.h"
#include "net/layer.h"
#include "net/parts.h"

struct weft_conn {
    // What a post touches comes first, and close together: a broadcast touches thousands of them.
    weft_mutex mu;  // guards all down to the writer
    uint32_t users; // the owner, each call, a flight: the last one frees it
    int fd;
    bool closed;              // by its owner, or unusable after a failed write
    bool writing;             // the writer is in the middle of his bytes: the queue has to wait
    bool sealing;             // likewise, with a layer
    bool ends;                // its end is on the way: what is posted from now on would come after
    bool flies;               // bytes of the queue are with a loop, which sends them
    bool reads_end;           // the reader waits until they are not
    int out_error;            // the socket took no more: what a post or flush returns from then on
    struct wf_layer *layer;   // NULL: plain. Set once, by who has both seats
    struct wf_flight *flight; // post.c: the end of a turn will send, or sends; NULL: none
    struct wf_loop *flies_from; // whose turn
    struct wf_buffer out;       // with a layer: encrypted
    size_t out_limit;
    struct wf_parker *reader, *writer; // who is in such a call, or NULL
    // ---- the reader's own
    struct wf_buffer in; // read ahead by weft_read_line
    bool drained;        // the socket had no more bytes, and has told of none since
    bool unsure;         // fewer bytes than asked for do not prove that: there is more than bytes
    // ---- never changes
    uint16_t local_at; // in names
    uint32_t fork;     // wf_fork_count of the process that it is used in
    uint64_t number;   // no other connection's: for edges (park.h)
    char names[];      // the peer's, and the local one
};

// A call that waits on the connection: as its reader or its writer.
struct call {
    weft_conn *conn;
    const char *name;
    struct wf_parker **seat;
    weft_time deadline;
};

// 0, or why not to begin: the call is over then. Aborts if somebody sits in the seat.
int wf_call_begin(const struct call *call);
// Gives it back, and what the call returns. The second: the connection can only be closed now.
ssize_t wf_call_end(const struct call *call, ssize_t result);
ssize_t wf_call_end_unusable(const struct call *call, ssize_t result);
// Until the socket reports one of `events` (0: until the queue is empty), or io is DONE, a
// transfer that would do as well; NULL: none. Who waits for events has found the socket not
// ready. 0, -EPIPE, -ETIMEDOUT, -ECANCELED...
int wf_call_wait(const struct call *call, short events, struct wf_io *io);
int wf_call_flush(const struct call *call); // until the queue is empty; the writer's
// What a reader gets who has found the end of the socket: 0, or the error that it ended by.
int wf_call_read_end(const struct call *call);

// Each with mu held.
void wf_conn_after_fork(weft_conn *c);  // first in each call: in a forked child nobody else uses it
void wf_conn_seal_posted(weft_conn *c); // by the layer, if there is one, into the queue
void wf_conn_send_queued(weft_conn *c); // the same, and as far as the socket takes it
static inline bool wf_conn_is_sent(const weft_conn *c) // all that was queued
{
    return c->out.length == 0 && !c->flies;
}
void wf_conn_note_error(weft_conn *c, int error); // the socket takes no more, ever
void wf_conn_wake_all(weft_conn *c);              // who is in a call looks again

void wf_conn_make_unusable(weft_conn *c); // every call on it ends, and gives -EPIPE from now on
void wf_conn_leave(weft_conn *c);         // one user less; gives mu back

// What the calls of the same names do on a connection with a layer.
int wf_layer_wait_readable(const struct call *call);
int wf_layer_write(const struct call *call, struct wf_parts *parts);
int wf_layer_end(const struct call *call); // before the socket's own half close

#endif
