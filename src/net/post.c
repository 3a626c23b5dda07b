// SPDX-License-Identifier: MIT
// post.c - the way out that never waits: a queue for each connection.
//
// A thread that posts sends at once. A fiber only queues, and the end of its loop's turn sends: all
// that was posted to a connection in that turn by one call, which costs a tenth of sixteen; and
// where the loop's engine makes transfers, those of all connections by one system call.
//
// A flight is that promise. While it lasts it holds the connection. Its bytes are with the loop
// from `take_off` to `land`, mostly in the same turn; meanwhile others add to the queue, and nobody
// else sends. What did not go out is put before what was added.
//
// A flight lends the connection's queue some room, about as much as it needed the last time. So
// what is posted to thousands touches one piece of memory a connection, and the same in each turn.
//
// `take_off` and `land` run on the loop's own stack, which must never wait for a lock: who is next
// to get it may be a fiber of this very loop. So they only try, and come again when the next turn
// ends.
#include <errno.h>
#include <sys/socket.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/park.h"
#include "exec/loop.h"
#include "net/call.h"
#include "os/block.h"
#include "os/prefetch.h"
#include "os/sanitizer.h"

enum { LIMIT_MAX = 1 << 30, ROOM_LEAST = 256 };

struct wf_flight {
    struct wf_turn_end turn_end;
    struct wf_io io;
    weft_conn *conn;
    struct wf_buffer bytes; // that are with the loop
    char room[];            // for those that are queued, and behind it for those that are held
};

void wf_conn_note_error(weft_conn *c, int error)
{
    c->out_error = error;
    wf_buffer_drop(&c->out, c->out.length); // nobody will ever take it
}

static bool awaits_landing(weft_conn *c)
{
    wf_guard(&c->mu);
    c->reads_end = c->flies && !c->closed;
    return c->reads_end;
}

// A socket tells its error once. If a send was told, what a reader then finds is no end, but a
// stream that was cut off; and of what is with a loop that is known when it has landed, which takes
// a moment. (-EPIPE is said after our own end, or the peer's; -ENOMEM is ours.)
int wf_call_read_end(const struct call *call)
{
    weft_conn *c = call->conn;
    struct wf_wait wait = {.what = call->name, .object = c, .fd = WF_NO_FD, .passes = true};
    int rc = wf_wait_begin(&wait);
    while (rc == 0 && awaits_landing(c))
        rc = wf_park(&wait, wf_patience(call->deadline));
    wf_wait_end(&wait);
    wf_guard(&c->mu);
    c->reads_end = false;
    bool is_end = c->out_error == -EPIPE || c->out_error == -ENOMEM;
    return rc < 0 || is_end ? rc : c->out_error;
}

// ---- at the end of a turn ---------------------------------------------------------------

// What it lent is its own from now on, or it has nothing left.
static int own(struct wf_buffer *b)
{
    int rc = wf_buffer_own(b);
    if (rc < 0)
        wf_buffer_drop(b, b->length);
    return rc;
}

// With mu held, which it gives back. Who waits in a call watches for room, if some is left.
static void end_flight(weft_conn *c)
{
    struct wf_flight *flight = c->flight;
    c->flight = NULL;
    c->flies = false;
    wf_conn_send_queued(c); // what was added meanwhile
    int rc = own(&c->out), rc_held = c->layer ? own(&c->layer->held) : 0;
    if (rc < 0 || rc_held < 0)
        wf_conn_note_error(c, -ENOMEM); // a hole in the stream: it ends
    if (c->out.length > 0 || c->writer || c->reads_end)
        wf_conn_wake_all(c);
    wf_block_give(flight);
    wf_conn_leave(c);
}

// What is left goes before what came later. Without memory for that the stream has a hole: it ends.
static void put_back(weft_conn *c, struct wf_buffer *left)
{
    const char *later = c->out.bytes ? c->out.bytes + c->out.head : "";
    if (wf_buffer_add(left, later, c->out.length) < 0) {
        wf_buffer_drop(left, left->length);
        wf_conn_note_error(c, -ENOMEM);
        return;
    }
    wf_buffer_drop(&c->out, c->out.length);
    c->out = wf_buffer_move(left);
}

static bool try_lock(struct wf_flight *flight, void (*again)(struct wf_turn_end *))
{
    if (weft_trylock(&flight->conn->mu))
        return true;
    flight->turn_end.call = again;
    wf_loop_at_turn_end(flight->conn->flies_from, &flight->turn_end);
    return false;
}

static void land(struct wf_turn_end *turn_end)
{
    struct wf_flight *flight = (struct wf_flight *)(void *)turn_end; // its first field
    weft_conn *c = flight->conn;
    int n = flight->io.result;
    if (!try_lock(flight, land))
        return;
    wf_buffer_drop(&flight->bytes, n > 0 ? (size_t)n : 0);
    if (n < 0 && n != -EAGAIN && n != -EINTR) {
        wf_buffer_drop(&flight->bytes, flight->bytes.length);
        wf_conn_note_error(c, n);
    }
    if (flight->bytes.length > 0)
        put_back(c, &flight->bytes);
    end_flight(c);
}

static void landed(struct wf_io *io)
{
    land(io->asker);
}

static void take_off(struct wf_turn_end *turn_end)
{
    struct wf_flight *flight = (struct wf_flight *)(void *)turn_end;
    weft_conn *c = flight->conn;
    if (!try_lock(flight, take_off))
        return;
    wf_conn_seal_posted(c);
    bool flies = c->out.length > 0 && !c->writing && !c->closed;
    if (!flies || !wf_loop_transfers(c->flies_from)) {
        end_flight(c);
        return;
    }
    flight->bytes = wf_buffer_move(&c->out);
    c->flies = true;
    flight->io = (struct wf_io){.kind = WF_IO_SEND,
                                .fd = c->fd,
                                .bytes = flight->bytes.bytes + flight->bytes.head,
                                .size = flight->bytes.length,
                                .told = landed,
                                .asker = flight};
    struct wf_loop *loop = c->flies_from;
    weft_unlock(&c->mu);
    wf_loop_ask(loop, &flight->io);
}

static size_t room_for(const struct wf_buffer *b)
{
    return b->usual > ROOM_LEAST ? b->usual : ROOM_LEAST;
}

// True: the end of the turn sends. Another loop's turn may be long: then we had better send.
static bool fly_later(weft_conn *c, struct wf_loop *loop)
{
    if (c->flight)
        return c->flies_from == loop;
    size_t room = room_for(&c->out), aside = c->layer ? room_for(&c->layer->held) : 0;
    struct wf_flight *flight = wf_block_take(sizeof *flight + room + aside);
    if (!flight)
        return false;
    flight->turn_end.call = take_off;
    flight->turn_end.touches = c;
    flight->conn = c;
    flight->bytes = (struct wf_buffer){.bytes = NULL};
    c->flight = flight;
    c->flies_from = loop;
    c->users++;
    wf_buffer_lend(&c->out, flight->room, room);
    if (c->layer)
        wf_buffer_lend(&c->layer->held, flight->room + room, aside);
    wf_loop_at_turn_end(loop, &flight->turn_end);
    return true;
}

// ---- post -------------------------------------------------------------------------------

// Into the queue; or aside, until what was posted together is sealed together.
static int enqueue(weft_conn *c, const char *bytes, size_t size)
{
    return wf_buffer_add(c->layer ? &c->layer->held : &c->out, bytes, size);
}

static size_t queued(const weft_conn *c)
{
    size_t flying = c->flies ? c->flight->bytes.length : 0;
    return c->out.length + flying + (c->layer ? c->layer->held.length : 0);
}

static bool is_full(const weft_conn *c, size_t needed)
{
    return needed > c->out_limit || queued(c) > c->out_limit - needed;
}

// With mu held.
static int post(weft_conn *c, const char *bytes, size_t size)
{
    struct wf_loop *loop = wf_loop_here();
    size_t needed = c->layer ? wf_layer_sealed(size) : size;
    if (c->closed || c->ends)
        return -EPIPE;
    if (!loop || is_full(c, needed))
        wf_conn_send_queued(c);
    if (c->out_error < 0 || size == 0)
        return c->out_error;
    if (is_full(c, needed))
        return -ENOBUFS;
    size_t before = c->out.length;
    bool flies = loop && fly_later(c, loop);
    int rc = enqueue(c, bytes, size);
    if (rc < 0 || flies)
        return rc;
    wf_conn_send_queued(c);
    if (before == 0 && c->out.length > 0)
        wf_conn_wake_all(c); // let them watch for room
    return c->out_error;
}

int weft_post(weft_conn *c, const void *buf, size_t size)
{
    wf_require(c, "weft_post(NULL): closed, or never opened");
    wf_require(buf || size == 0, "weft_post(%p, NULL, %zu)", (void *)c, size);
    wf_guard(&c->mu);
    wf_conn_after_fork(c);
    return wf_failed("weft_post", post(c, buf, size));
}

enum { LINE = 64 }; // of the cache

static void fetch(const void *memory, size_t size)
{
    for (size_t at = 0; at <= size; at += LINE)
        wf_prefetch_to_write((const char *)memory + at);
}

// Without the lock: where the queue ends is a guess, and only named. A thread sanitizer would take
// it for more.
static void fetch_end(const weft_conn *c)
{
#ifdef WF_TSAN
    (void)c;
#else
    const struct wf_buffer *b = c->layer ? &c->layer->held : &c->out;
    if (b->bytes)
        fetch(b->bytes + b->head + b->length, (size_t)2 * LINE);
#endif
}

void weft_post_expect(weft_conn *c, int after)
{
    wf_require(c, "weft_post_expect(NULL)");
    if (after == 1)
        fetch_end(c);
    else
        fetch(c, offsetof(struct weft_conn, out_limit));
}

void weft_post_limit(weft_conn *c, size_t bytes)
{
    wf_require(c, "weft_post_limit(NULL)");
    wf_guard(&c->mu);
    c->out_limit = bytes < LIMIT_MAX ? bytes : LIMIT_MAX;
}

ssize_t weft_post_queued(weft_conn *c)
{
    wf_require(c, "weft_post_queued(NULL)");
    if (!weft_trylock(&c->mu))
        return -EAGAIN; // no message: it is nothing that failed
    size_t size = queued(c);
    weft_unlock(&c->mu);
    return (ssize_t)size;
}
