// SPDX-License-Identifier: MIT
// tcp_wire.c - see tcp_wire.h.
//
// Not weft_read_line: to wait without a buffer one must know whether a half line is held, because
// with one the connection is always readable. Here it is known; a client that says nothing holds
// no byte, one that stopped within a line holds PIECE.
#include "chat/tcp_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    PIECE = 8192, // read at once, and more than the longest line
    PIECES = 4,   // of a line that does not end, until it is the turn of others
    HELLO = 22,   // the first byte of a client that begins with TLS: RFC 8446, section 5.1
};

static struct tcp_wire *of(struct wire *wire)
{
    return (struct tcp_wire *)wire;
}

static char *find_newline(const struct tcp_wire *w)
{
    return w->begin < w->end ? memchr(w->held + w->begin, '\n', w->end - w->begin) : NULL;
}

static int tcp_wait(struct wire *wire, weft_time deadline)
{
    if (find_newline(of(wire)))
        return 0;
    return weft_wait_readable(wire->conn, deadline);
}

static void give_back_if_empty(struct tcp_wire *w)
{
    if (w->begin < w->end)
        return;
    free(w->held);
    w->held = NULL;
    w->begin = w->end = 0;
}

// More bytes behind those that are held: how many, 0 at the end, or an error.
static ssize_t read_more(struct tcp_wire *w, weft_time deadline)
{
    if (!w->held && !(w->held = malloc(PIECE)))
        return -ENOMEM;
    memmove(w->held, w->held + w->begin, w->end - w->begin);
    w->end -= w->begin;
    w->begin = 0;
    ssize_t n = weft_read(w->wire.conn, w->held + w->end, PIECE - w->end, deadline);
    if (n <= 0)
        return n;
    bool greets = !w->spoke && w->held[w->end] == HELLO;
    w->spoke = true;
    w->end += (size_t)n;
    wire_count(&w->wire, (size_t)n, 0);
    return greets ? -EPROTONOSUPPORT : n;
}

// The line up to `newline`: its length, or -EMSGSIZE.
static ssize_t take_line(struct tcp_wire *w, const char *newline, char *buf, size_t cap)
{
    const char *line = w->held + w->begin;
    size_t size = (size_t)(newline - line);
    bool was_cut = w->skips;
    w->begin += size + 1;
    w->skips = false;
    if (size > 0 && line[size - 1] == '\r')
        size--;
    if (was_cut || size >= cap)
        return -EMSGSIZE;
    memcpy(buf, line, size);
    buf[size] = '\0';
    return (ssize_t)size;
}

static ssize_t tcp_read(struct wire *wire, char *buf, size_t cap, weft_time deadline)
{
    struct tcp_wire *w = of(wire);
    for (int pieces = 0; pieces < PIECES; pieces++) {
        const char *newline = find_newline(w);
        ssize_t n = newline ? take_line(w, newline, buf, cap) : read_more(w, deadline);
        if (!newline && n > 0 && w->end == PIECE && !find_newline(w)) {
            w->skips = true; // it is thrown away until its end comes
            w->end = 0;
        }
        if (newline || n <= 0) {
            give_back_if_empty(w);
            return newline || n < 0 ? n : -EPIPE;
        }
    }
    return -EAGAIN;
}

static int tcp_post(struct wire *wire, const char *lines, size_t size)
{
    int rc = weft_post(wire->conn, lines, size);
    wire_count(wire, 0, rc == 0 ? size : 0);
    return rc;
}

size_t wire_unread(const weft_conn *conn)
{
    int bytes = 0;
    return ioctl(weft_conn_fd(conn), FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

static size_t tcp_backlog(const struct wire *wire)
{
    const struct tcp_wire *w = (const struct tcp_wire *)wire;
    return w->end - w->begin + wire_unread(wire->conn);
}

static void tcp_close(struct wire *wire, const char *reason)
{
    (void)wire; // a stream of bytes has no words of its own for the end
    (void)reason;
}

void tcp_wire_init(struct tcp_wire *w, weft_conn *conn)
{
    static const struct wire_ops ops = {tcp_wait, tcp_read, tcp_post, tcp_backlog, tcp_close};
    *w = (struct tcp_wire){.wire = {.ops = &ops, .conn = conn}};
}

void tcp_wire_release(struct tcp_wire *w)
{
    free(w->held);
    w->held = NULL;
}
