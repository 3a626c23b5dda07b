// SPDX-License-Identifier: MIT
// talk.c - see talk.h. The lecture's handler once more: read a line, act, go on.
//
// A task waits with a shallow stack and no buffer, so that a client that says nothing costs a page:
// what its lines need, of stack too, an actor has (stage.h).
// Nobody but its task ends a session: who finds in a broadcast that this client is too slow marks
// it and cancels the task, which wakes here.
#include "chat/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "chat/address.h"
#include "chat/door.h"
#include "chat/stage.h"

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

// What a client's task lets an actor do.
struct turn {
    struct visitor *visitor;
    struct wire *wire;
    struct session *session;
    int rc; // why there will be no more lines, or 0
};

static void arrive(void *ctx)
{
    struct turn *t = ctx;
    char host[HOST_MAX + 1];
    address_host(weft_peer(t->wire->conn), host, sizeof host);
    t->session = session_open(t->visitor->server->irc, t->wire, host, wake, t->visitor);
}

// All lines that are there.
static void act(void *ctx)
{
    struct turn *t = ctx;
    struct wire *wire = t->wire;
    ssize_t n = -ENOMEM;
    char *line = malloc(SESSION_LINE);
    while (line && !session_ended(t->session)) {
        n = wire->ops->read(wire, line, SESSION_LINE, WEFT_POLL);
        if (n == -EMSGSIZE)
            session_too_long(t->session);
        else if (n >= 0)
            session_line(t->session, line, (size_t)n);
        else
            break;
    }
    free(line);
    t->rc = n >= 0 || n == -ETIMEDOUT || n == -EMSGSIZE ? 0 : (int)n;
}

static void tick(void *ctx)
{
    session_tick(((struct turn *)ctx)->session);
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
    if (weft_shutdown(conn, weft_after_ms(LAST_WORDS_MS)) < 0)
        return;
    weft_time patience = weft_after_ms(GOODBYE_MS);
    while (weft_read(conn, rest, sizeof rest, patience) > 0)
        continue;
}

static void part(void *ctx)
{
    struct turn *t = ctx;
    bool ended = session_ended(t->session);
    session_close(&t->session, why(t->rc));
    if (!ended)
        return;
    t->wire->ops->close(t->wire, "");
    say_goodbye(t->wire->conn);
}

void talk(struct visitor *v, struct wire *wire)
{
    struct stage *stage = &v->server->stage;
    struct turn t = {.visitor = v, .wire = wire};
    stage_run(stage, arrive, &t);
    if (!t.session) {
        v->why = "out of memory";
        return;
    }
    while (t.rc == 0 && !session_ended(t.session)) {
        int rc = wire->ops->wait(wire, due(t.session, &v->server->hub));
        if (rc == 0)
            stage_run(stage, act, &t);
        else if (rc == -ETIMEDOUT)
            stage_run(stage, tick, &t);
        else
            t.rc = rc;
    }
    stage_run(stage, part, &t);
}
