// SPDX-License-Identifier: MIT
// conn.c - a connection: who reads, who writes, and what is queued to go out.
//
// The socket never blocks; who finds it not ready parks on it. Nobody else is needed to empty the
// output queue: whoever waits on the connection for any reason also watches for room while
// something is queued, and a post wakes the one who waits, so that he begins to. (A thread that
// only flushes would double the threads of a server.)
//
// A call holds a reference while it lasts, so closing only marks the connection, wakes who is in a
// call, and leaves the rest to the last of them. No descriptor number is used after its close.
#define _GNU_SOURCE // POLLRDHUP
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/error.h>
#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/park.h"
#include "net/call.h"
#include "os/atomic.h"
#include "os/poll.h"

enum { POST_LIMIT = 1 << 20, READ_AHEAD = 4096, MOST_AT_ONCE = 1 << 30 };

static uint64_t last_number; // atomic

// ---- made and freed ---------------------------------------------------------------------

static void read_own_name(int fd, char *text)
{
    struct wf_address address = {.size = sizeof address.storage};
    if (getsockname(fd, &address.any, &address.size) < 0)
        address = (struct wf_address){.storage.ss_family = AF_UNIX}; // never: it is a socket
    wf_address_text(&address, text);
}

void wf_conn_set_options(int fd)
{
    const int on = 1; // all three fail only where they mean nothing: on Unix sockets
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

// The names lie in it: mostly they are short.
weft_conn *wf_conn_new(int fd, const struct wf_address *other)
{
    char peer[WF_ADDRESS_TEXT], local[WF_ADDRESS_TEXT];
    wf_address_text(other, peer);
    read_own_name(fd, local);
    size_t peer_size = strlen(peer) + 1, local_size = strlen(local) + 1;
    weft_conn *c = malloc(sizeof *c + peer_size + local_size);
    if (!c) {
        (void)close(fd);
        (void)weft_fail(-ENOMEM, "connection: out of memory");
        return NULL;
    }
    *c = (weft_conn){
        .fd = fd, .users = 1, .out_limit = POST_LIMIT, .local_at = (uint16_t)peer_size};
    memcpy(c->names, peer, peer_size);
    memcpy(c->names + peer_size, local, local_size);
    c->number = wf_add(&last_number, 1, WF_RELAXED) + 1;
    c->unsure = strncmp(peer, "unix:", 5) == 0; // there a read also stops at what came with bytes
    c->fork = wf_fork_count;
    return c;
}

// The tasks that were in a call on it, the loop that sends from it and what was queued stayed
// behind. A thread of the parent may have been in the middle of any of it: so buffers are left
// where they are, and not freed. As is a layer: its keys are the parent's, for two who count their
// records alike from the same key would give away what they say.
void wf_conn_after_fork(weft_conn *c)
{
    if (__builtin_expect(c->fork == wf_fork_count, 1))
        return;
    c->fork = wf_fork_count;
    c->users = 1;
    if (c->reader)
        c->in = (struct wf_buffer){.bytes = NULL};
    c->out = (struct wf_buffer){.bytes = NULL};
    c->reader = c->writer = NULL;
    c->flight = NULL;
    c->flies = c->reads_end = c->writing = c->sealing = c->drained = false;
    c->closed = c->closed || c->layer;
    c->layer = NULL;
}

static void conn_free(weft_conn *c)
{
    (void)close(c->fd); // what was sent is the kernel's; what was queued is lost, as announced
    wf_buffer_free(&c->in);
    wf_buffer_free(&c->out);
    if (c->layer)
        c->layer->ops->free(c->layer);
    free(c);
}

void wf_conn_leave(weft_conn *c)
{
    bool last = --c->users == 0;
    weft_unlock(&c->mu);
    if (last)
        conn_free(c);
}

void wf_conn_wake_all(weft_conn *c)
{
    if (c->reader)
        wf_unpark(c->reader);
    if (c->writer)
        wf_unpark(c->writer);
}

void wf_conn_make_unusable(weft_conn *c)
{
    c->closed = true;
    wf_conn_wake_all(c);
}

// The peer of a layer is told of the end, unless something that was to come before it is lost: then
// it sees a stream that was cut off.
static void say_end(weft_conn *c)
{
    wf_conn_send_queued(c); // what was posted in this turn
    if (!c->layer || c->closed || c->sealing || !wf_conn_is_sent(c) || c->out_error < 0)
        return;
    if (c->layer->ops->end(c->layer) == 0)
        wf_conn_send_queued(c);
}

void weft_conn_close(weft_conn **conn)
{
    wf_require(conn, "weft_conn_close(NULL): pass the address of the connection");
    weft_conn *c = *conn;
    *conn = NULL;
    if (!c)
        return;
    wf_lock(&c->mu);
    wf_conn_after_fork(c);
    say_end(c);
    wf_conn_make_unusable(c);
    wf_conn_leave(c);
}

// ---- calls ------------------------------------------------------------------------------

int wf_call_begin(const struct call *call)
{
    weft_conn *c = call->conn;
    wf_require(c, "%s(NULL): closed, or never opened", call->name);
    int rc = wf_interrupted();
    if (rc < 0)
        return wf_failed(call->name, rc);
    wf_lock(&c->mu);
    wf_conn_after_fork(c);
    bool taken = *call->seat != NULL, closed = c->closed;
    if (!taken && !closed) {
        *call->seat = wf_self();
        c->users++;
    }
    weft_unlock(&c->mu);
    wf_require(!taken, "%s: another task is in such a call on connection %s", call->name, c->names);
    return closed ? wf_failed(call->name, -EPIPE) : 0;
}

// With mu held, which it gives back.
static ssize_t leave_seat(const struct call *call, ssize_t result)
{
    *call->seat = NULL;
    wf_conn_leave(call->conn);
    wf_go_on(1);
    return result < 0 ? wf_failed(call->name, (int)result) : result;
}

ssize_t wf_call_end(const struct call *call, ssize_t result)
{
    wf_lock(&call->conn->mu);
    return leave_seat(call, result);
}

ssize_t wf_call_end_unusable(const struct call *call, ssize_t result)
{
    wf_lock(&call->conn->mu);
    wf_conn_make_unusable(call->conn);
    return leave_seat(call, result);
}

// What was posted goes through the layer into the queue: all of it as one, because a record for
// each line costs more than its encryption. Not in the middle of a writer's bytes.
void wf_conn_seal_posted(weft_conn *c)
{
    if (!c->layer || c->layer->held.length == 0 || c->sealing || c->closed)
        return;
    struct wf_buffer *held = &c->layer->held;
    int rc = c->out_error;
    if (rc == 0)
        rc = c->layer->ops->write(c->layer, held->bytes + held->head, held->length);
    if (rc < 0)
        c->out_error = rc; // the posts had said yes: the next one tells
    wf_buffer_drop(held, held->length);
}

void wf_conn_send_queued(weft_conn *c)
{
    wf_conn_seal_posted(c);
    bool sends = c->out.length > 0 && !c->writing && !c->closed && !c->flies;
    while (sends && c->out.length > 0) {
        ssize_t n = send(c->fd, c->out.bytes + c->out.head, c->out.length,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 && errno != EINTR)
            wf_conn_note_error(c, -errno);
        wf_buffer_drop(&c->out, n > 0 ? (size_t)n : 0);
    }
    if (sends && c->writer && c->writer != wf_self())
        wf_unpark(c->writer); // he may wait for just that
}

// The events to wait for, those of the queue among them; 0: it is empty, and that was all; -EAGAIN:
// for its flight, which will wake us; -EPIPE: the connection is closed.
static int events_now(weft_conn *c, short events)
{
    wf_guard(&c->mu);
    if (c->closed)
        return -EPIPE;
    wf_conn_seal_posted(c);
    if (c->out.length > 0 && !c->flies && !c->writing)
        return events | POLLOUT;
    return events == 0 && c->flies ? -EAGAIN : events;
}

static void on_room(weft_conn *c)
{
    wf_lock(&c->mu);
    wf_conn_send_queued(c);
    weft_unlock(&c->mu);
}

// A short read tells that the socket is empty, unless the end of the stream, an error or urgent
// bytes have come too: those stop a read, and no edge (engine.h) comes after theirs.
static void note_events(weft_conn *c, int events)
{
    c->drained = false;
    c->unsure = c->unsure || (events & ~(POLLIN | POLLOUT)) != 0;
}

static int that_end(short events)
{
    int ends = events | POLLERR | POLLHUP | POLLNVAL;
    return events & POLLIN ? ends | POLLRDHUP | POLLPRI : ends;
}

int wf_call_wait(const struct call *call, short events, struct wf_io *io)
{
    weft_conn *c = call->conn;
    struct wf_wait wait = {
        .what = call->name, .object = c, .fd = c->fd, .edges = c->number, .stops = true};
    bool transfers = io && wf_transfers();
    int rc = wf_wait_begin(&wait);
    while (rc == 0) {
        rc = events_now(c, events);
        if (rc == 0 || rc == -EPIPE)
            break;
        wait.fd = rc > 0 ? c->fd : WF_NO_FD;
        wait.events = (short)(rc > 0 ? rc : 0);
        wait.transfer = transfers && rc == events ? io : NULL; // else also for the queue
        rc = wf_interrupted();
        if (rc == 0)
            rc = wf_park(&wait, wf_patience(call->deadline));
        if (rc > 0 && wait.transfer)
            break;
        if (rc > 0 && (events & POLLIN))
            note_events(c, rc);
        if (rc > 0 && (rc & (POLLOUT | POLLERR | POLLHUP)))
            on_room(c);
        if (rc > 0 && (rc & that_end(events)))
            break;
        rc = rc < 0 ? rc : 0;
    }
    wf_wait_end(&wait);
    return rc < 0 ? rc : 0;
}

// What the loop may do by itself, if it can.
static struct wf_io transfer(enum wf_io_kind kind, const weft_conn *c, void *bytes, size_t size)
{
    return (struct wf_io){.kind = kind,
                          .fd = c->fd,
                          .bytes = bytes,
                          .size = size < MOST_AT_ONCE ? size : MOST_AT_ONCE};
}

// ---- read -------------------------------------------------------------------------------

// From the socket, or what the layer makes of that; never waits.
static ssize_t take(weft_conn *c, void *buf, size_t cap)
{
    if (!c->layer) {
        ssize_t n = recv(c->fd, buf, cap, MSG_DONTWAIT);
        return n < 0 ? -errno : n;
    }
    wf_guard(&c->mu);
    if (c->closed)
        return -EPIPE;
    ssize_t n = c->layer->ops->read(c->layer, buf, cap);
    wf_conn_send_queued(c); // an answer that the protocol asks for
    return n;
}

// Not if it would find nothing. With WEFT_POLL nobody else looks.
static bool must_look(const struct call *call)
{
    return !call->conn->drained || call->conn->layer || call->deadline.ns == 0;
}

// From the socket, waiting: bytes, 0 at the end, or an error.
static ssize_t receive(const struct call *call, void *buf, size_t cap)
{
    weft_conn *c = call->conn;
    for (;;) {
        struct wf_io io = transfer(WF_IO_RECEIVE, c, buf, cap);
        ssize_t n = must_look(call) ? take(c, buf, cap) : -EAGAIN;
        if (n == -EAGAIN) {
            int rc = wf_call_wait(call, POLLIN, c->layer ? NULL : &io);
            if (rc < 0)
                return rc;
            n = io.state == WF_IO_DONE ? io.result : -EINTR;
        }
        if (n == -EINTR || n == -EAGAIN)
            continue;
        c->drained = n > 0 && (size_t)n < cap && !c->unsure;
        return n == 0 && !c->layer ? wf_call_read_end(call) : n;
    }
}

ssize_t weft_read(weft_conn *c, void *buf, size_t cap, weft_time deadline)
{
    wf_require(buf && cap > 0, "weft_read(%p): no room for even a byte", (void *)c);
    struct call call = {c, "weft_read", c ? &c->reader : NULL, deadline};
    int rc = wf_call_begin(&call);
    if (rc < 0)
        return rc;
    ssize_t n = c->in.length > 0 ? (ssize_t)wf_buffer_take(&c->in, buf, cap)
                                 : receive(&call, buf, cap);
    return wf_call_end(&call, n);
}

// Whether the socket is drained must be known, before it is waited for by edges.
static int wait_readable(const struct call *call)
{
    weft_conn *c = call->conn;
    if (!c->drained) {
        int rc = wf_poll_alone(c->fd, POLLIN, 0);
        if (rc != -ETIMEDOUT)
            return rc < 0 ? rc : 0;
        c->drained = true;
    }
    return wf_call_wait(call, POLLIN, NULL);
}

int weft_wait_readable(weft_conn *c, weft_time deadline)
{
    struct call call = {c, "weft_wait_readable", c ? &c->reader : NULL, deadline};
    int rc = wf_call_begin(&call);
    if (rc < 0)
        return rc;
    if (c->in.length == 0)
        rc = c->layer ? wf_layer_wait_readable(&call) : wait_readable(&call);
    return (int)wf_call_end(&call, rc);
}

// The first line of the buffer into buf: its length, -EMSGSIZE, or -EAGAIN if it is not complete.
static ssize_t take_line(struct wf_buffer *in, bool is_end, char *buf, size_t cap)
{
    const char *begin = in->bytes + in->head;
    const char *newline = in->length > 0 ? memchr(begin, '\n', in->length) : NULL;
    size_t length = newline ? (size_t)(newline - begin) : in->length;
    size_t size = newline ? length + 1 : length;
    if (newline && length > 0 && begin[length - 1] == '\r')
        length--;
    bool may_end = length < cap || (length == cap && begin[length - 1] == '\r');
    if (!newline && !is_end && may_end)
        return -EAGAIN;
    if (length >= cap)
        return -EMSGSIZE;
    memcpy(buf, begin, length);
    buf[length] = '\0';
    wf_buffer_drop(in, size);
    return (ssize_t)length;
}

static ssize_t read_line(const struct call *call, char *buf, size_t cap)
{
    struct wf_buffer *in = &call->conn->in;
    for (;;) {
        ssize_t n = in->length > 0 ? take_line(in, false, buf, cap) : -EAGAIN;
        if (n != -EAGAIN)
            return n;
        int rc = wf_buffer_room(in, READ_AHEAD);
        if (rc < 0)
            return rc;
        n = receive(call, in->bytes + in->head + in->length, READ_AHEAD);
        if (n < 0)
            return n;
        if (n == 0)
            return in->length > 0 ? take_line(in, true, buf, cap) : -EPIPE;
        in->length += (uint32_t)n;
    }
}

ssize_t weft_read_line(weft_conn *c, char *buf, size_t cap, weft_time deadline)
{
    wf_require(buf && cap > 0, "weft_read_line(%p): no room for even a NUL", (void *)c);
    struct call call = {c, "weft_read_line", c ? &c->reader : NULL, deadline};
    ssize_t n = wf_call_begin(&call);
    if (n < 0)
        return n;
    n = read_line(&call, buf, cap);
    if (c->in.length == 0)
        wf_buffer_drop(&c->in, 0);
    return wf_call_end(&call, n);
}

// ---- write ------------------------------------------------------------------------------

enum then { THEN_RETURNS, THEN_WRITES, THEN_ENDS };

// With mu held: so a post is sent before, or refused.
static int say_no_more(weft_conn *c)
{
    if (shutdown(c->fd, SHUT_WR) < 0)
        return -errno;
    c->out_error = -EPIPE;
    return 0;
}

// Until the queue is empty; and nobody else sends from then on, if one is to write or to end.
static int flush(const struct call *call, enum then then)
{
    weft_conn *c = call->conn;
    for (;;) {
        wf_lock(&c->mu);
        wf_conn_send_queued(c);
        int rc = c->closed ? -EPIPE : c->out_error;
        bool sent = wf_conn_is_sent(c);
        c->writing = then == THEN_WRITES && sent && rc == 0;
        if (then == THEN_ENDS && sent && rc == 0)
            rc = say_no_more(c);
        weft_unlock(&c->mu);
        if (rc == 0 && !sent)
            rc = wf_call_wait(call, 0, NULL);
        if (rc < 0 || sent)
            return rc;
    }
}

int wf_call_flush(const struct call *call)
{
    return flush(call, THEN_RETURNS);
}

static int end_writing(const struct call *call, int rc)
{
    weft_conn *c = call->conn;
    wf_lock(&c->mu);
    c->writing = false;
    if (rc < 0)
        wf_conn_make_unusable(c);
    wf_conn_send_queued(c);
    if (c->out.length > 0 && c->reader)
        wf_unpark(c->reader); // let it watch for room
    return (int)leave_seat(call, rc);
}

// By the loop, if it can; else at once, if the socket can.
static ssize_t send_some(const struct call *call, const char *bytes, size_t size)
{
    weft_conn *c = call->conn;
    struct wf_io io = transfer(WF_IO_SEND, c, (char *)(uintptr_t)bytes, size); // only read
    ssize_t n;
    if (wf_transfers()) {
        int rc = wf_call_wait(call, POLLOUT, &io);
        n = rc < 0 ? rc : io.state == WF_IO_DONE ? io.result : -EINTR;
    } else {
        n = send(c->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        n = n < 0 ? -errno : n;
    }
    if (n != -EAGAIN)
        return n;
    int rc = wf_call_wait(call, POLLOUT, NULL);
    return rc < 0 ? rc : -EINTR;
}

static int send_all(const struct call *call, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send_some(call, bytes, size);
        if (n < 0 && n != -EINTR)
            return (int)n;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int write_parts(const struct call *call, struct wf_parts *parts)
{
    int rc = wf_call_begin(call);
    if (rc < 0)
        return rc;
    if (parts->left == 0) // nothing that what was posted could stand before
        return (int)wf_call_end(call, 0);
    if (call->conn->layer) {
        rc = wf_layer_write(call, parts);
        return (int)(rc < 0 ? wf_call_end_unusable(call, rc) : wf_call_end(call, rc));
    }
    rc = flush(call, THEN_WRITES);
    for (struct iovec piece; rc == 0 && wf_parts_take(parts, &piece);)
        rc = send_all(call, piece.iov_base, piece.iov_len);
    return end_writing(call, rc);
}

int weft_write(weft_conn *c, const void *buf, size_t size, weft_time deadline)
{
    wf_require(buf || size == 0, "weft_write(%p, NULL, %zu)", (void *)c, size);
    const struct call call = {c, "weft_write", c ? &c->writer : NULL, deadline};
    const struct iovec all = {(void *)(uintptr_t)buf, size}; // only read
    struct wf_parts parts = wf_parts_of(&all, 1);            // one part needs no memory
    return write_parts(&call, &parts);
}

int weft_writev(weft_conn *c, const struct iovec *parts, int count, weft_time deadline)
{
    wf_require(count >= 0 && (parts || count == 0), "weft_writev(%p, NULL, %d)", (void *)c, count);
    for (int i = 0; i < count; i++)
        wf_require(parts[i].iov_base || parts[i].iov_len == 0,
                   "weft_writev(%p): part %d is NULL, of %zu bytes", (void *)c, i,
                   parts[i].iov_len);
    const struct call call = {c, "weft_writev", c ? &c->writer : NULL, deadline};
    struct wf_parts left = wf_parts_of(parts, (size_t)count);
    int rc = write_parts(&call, &left);
    wf_parts_end(&left);
    return rc;
}

int weft_flush(weft_conn *c, weft_time deadline)
{
    struct call call = {c, "weft_flush", c ? &c->writer : NULL, deadline};
    int rc = wf_call_begin(&call);
    if (rc < 0)
        return rc;
    rc = wf_call_flush(&call);
    return (int)wf_call_end(&call, rc);
}

int weft_shutdown(weft_conn *c, weft_time deadline)
{
    struct call call = {c, "weft_shutdown", c ? &c->writer : NULL, deadline};
    int rc = wf_call_begin(&call);
    if (rc < 0)
        return rc;
    rc = wf_call_flush(&call);
    if (rc == 0 && c->layer)
        rc = wf_layer_end(&call);
    if (rc == 0)
        rc = flush(&call, THEN_ENDS);
    return (int)wf_call_end(&call, rc);
}

// ---- names ------------------------------------------------------------------------------

const char *weft_peer(const weft_conn *c)
{
    wf_require(c, "weft_peer(NULL)");
    return c->names;
}

const char *weft_conn_local(const weft_conn *c)
{
    wf_require(c, "weft_conn_local(NULL)");
    return c->names + c->local_at;
}

int weft_conn_fd(const weft_conn *c)
{
    wf_require(c, "weft_conn_fd(NULL)");
    return c->fd;
}
