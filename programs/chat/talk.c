// SPDX-License-Identifier: MIT
// talk.c - see talk.h. The lecture's handler once more: read a line, act, go on.
//
// A task waits with an empty stack and no buffer, so that a client that says nothing costs a page.
// Nobody but its task ends a session: who finds in a broadcast that this client is too slow marks
// it and cancels the task, which wakes here.
#include "chat/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "chat/address.h"
#include "chat/door.h"

enum { LAST_WORDS_MS = 1000, GOODBYE_MS = 200 };

// The session has ended while its task may wait: it is to look.
static void wake(void *task)
{
    weft_cancel(((struct visitor *)task)->task);
}

static weft_time due(const struct session *s, const struct hub *hub)
{
    int64_t ms = session_due(s) - hub->now(hub);
    return weft_after_ms(ms > 0 ? ms : 0);
}

// All lines that are there. 0, or why there will be no more.
static int act(struct session *s, struct wire *wire)
{
    ssize_t n = -ENOMEM;
    char *line = malloc(SESSION_LINE);
    while (line && !session_ended(s)) {
        n = wire->ops->read(wire, line, SESSION_LINE, WEFT_POLL);
        if (n == -EMSGSIZE)
            session_too_long(s);
        else if (n >= 0)
            session_line(s, line, (size_t)n);
        else
            break;
    }
    free(line);
    return n >= 0 || n == -ETIMEDOUT || n == -EMSGSIZE ? 0 : (int)n;
}

static const char *why(int rc)
{
    return rc == -EPIPE || rc == 0 ? "Connection closed" : strerror(-rc);
}

// What was said last goes out; then the stream ends, and what the client still sends is thrown
// away: closing with unread bytes would reset the connection, and might overtake our last words.
static void say_goodbye(weft_conn *conn)
{
    char rest[256];
    (void)weft_shield(true); // to the task's end
    if (weft_shutdown(conn, weft_after_ms(LAST_WORDS_MS)) < 0)
        return;
    weft_time patience = weft_after_ms(GOODBYE_MS);
    while (weft_read(conn, rest, sizeof rest, patience) > 0)
        continue;
}

static int serve_lines(struct session *s, struct wire *wire, const struct hub *hub)
{
    int rc = 0;
    while (rc == 0 && !session_ended(s)) {
        rc = wire->ops->wait(wire, due(s, hub));
        if (rc == 0)
            rc = act(s, wire);
        if (rc == -ETIMEDOUT) {
            session_tick(s);
            rc = 0;
        }
    }
    return rc;
}

void talk(struct visitor *v, struct wire *wire)
{
    struct server *server = v->server;
    char host[HOST_MAX + 1];
    address_host(weft_peer(wire->conn), host, sizeof host);
    struct session *s = session_open(server->irc, wire, host, wake, v);
    if (!s) {
        v->why = "out of memory";
        return;
    }
    int rc = serve_lines(s, wire, &server->hub);
    bool ended = session_ended(s);
    session_close(&s, why(rc));
    if (ended) {
        wire->ops->close(wire, "");
        say_goodbye(wire->conn);
    }
}
