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
#include "chat/linger.h"
#include "chat/stage.h"

enum {
    LINES = 64,           // that a client says at once, before it is the turn of others
    LOOK_MS = 250,        // how often we look after one that is not read from
    LAST_WORDS_MS = 1000, // at the end
    GOODBYE_MS = 200,
};

// The session has ended while its task may wait: it is to look.
static void wake(void *task)
{
    weft_cancel(((struct visitor *)task)->task);
}

// What a client's task lets an actor do.
struct turn {
    struct visitor *visitor;
    struct wire *wire;
    struct session *session;
    int rc;    // why there will be no more lines, or 0
    bool more; // there may be some already: others come first
};

// Where the limits of networks do not hold there may be many people behind one address, as behind a
// proxy on this machine.
static bool is_one_network(const struct visitor *v, const char *host)
{
    const struct networks *exempt = v->server->gate.rules.exempt;
    return !(exempt && networks_have(exempt, host));
}

static void arrive(void *ctx)
{
    struct turn *t = ctx;
    struct visitor *v = t->visitor;
    char host[HOST_MAX + 1];
    address_host(weft_peer(t->wire->conn), host, sizeof host);
    t->session = session_open(v->server->irc, t->wire, host, wake, v);
    if (t->session && networks_have(v->server->unhurried, host))
        session_exempt(t->session);
    if (t->session && is_one_network(v, host))
        session_join_party(t->session, &gate_account(&v->server->gate, v->neighbours)->talks);
}

// One line; if it was a message whose turn it is, the message is timed.
static void hear(const struct turn *t, char *line, size_t size)
{
    struct server *s = t->visitor->server;
    bool armed = s->tally.armed;
    const weft_time begun = armed ? weft_now() : (weft_time){0};
    const uint64_t before = s->hub.messages;
    session_line(t->session, line, size);
    if (armed && s->tally.armed && s->hub.messages != before)
        tally_message(&s->tally, begun);
}

static int take_line(const struct turn *t, char *line)
{
    ssize_t n = t->wire->ops->read(t->wire, line, SESSION_LINE, WEFT_POLL);
    if (n == -EMSGSIZE)
        session_too_long(t->session);
    else if (n == -EAGAIN)
        session_noise(t->session);
    else if (n >= 0)
        hear(t, line, (size_t)n);
    return n >= 0 || n == -EMSGSIZE ? 0 : (int)n;
}

// Lines that are there, as far as the client's budget goes; at most LINES, because all others wait
// meanwhile: what comes fast enough never ends.
static void act(void *ctx)
{
    struct turn *t = ctx;
    struct session *s = t->session;
    char *line = malloc(SESSION_LINE);
    int lines = 0, rc = line ? 0 : -ENOMEM;
    while (rc == 0 && lines < LINES && !session_ended(s) && session_delay(s) == 0) {
        rc = take_line(t, line);
        lines++;
    }
    free(line);
    t->more = lines == LINES || rc == -EAGAIN;
    t->rc = rc == -ETIMEDOUT || rc == -EAGAIN ? 0 : rc;
    if (session_delay(s) > 0)
        session_backlog(s, t->wire->ops->backlog(t->wire));
}

// ---- waiting -------------------------------------------------------------------------------

// In how many milliseconds the session wants to look at itself; none: now.
static int64_t due_ms(const struct turn *t)
{
    const struct hub *hub = &t->visitor->server->hub;
    return session_due(t->session) - hub->now(hub);
}

// The client's budget is used up: nothing is read, but what is for it goes out, in turns as in
// plain/handler.c. 0: time has passed; or the connection broke.
static int hold_off(const struct turn *t, int64_t ms)
{
    weft_conn *conn = t->wire->conn;
    weft_time end = weft_after_ms(ms);
    int rc = 0;
    while (rc == 0 && weft_now().ns < end.ns) {
        rc = weft_flush(conn, end);
        if (rc == 0)
            rc = weft_wait_fd(weft_conn_fd(conn), 0, weft_sooner(end, weft_after_ms(LOOK_MS)));
        if (rc > 0)
            rc = -ECONNRESET;
        else if (rc == -ETIMEDOUT)
            rc = 0;
    }
    return rc;
}

// 0: there may be lines that may be read; -ETIMEDOUT: the session is due; others: no more comes.
static int await(struct turn *t)
{
    int64_t delay = session_delay(t->session), due = due_ms(t);
    due = due > 0 ? due : 0;
    if (delay > 0)
        return hold_off(t, delay < due ? delay : due);
    if (t->more)
        weft_yield();
    t->more = false;
    return t->wire->ops->wait(t->wire, weft_after_ms(due));
}

static void tick(void *ctx)
{
    session_tick(((struct turn *)ctx)->session);
}

static const char *why(int rc)
{
    if (rc == -EPROTONOSUPPORT)
        return "TLS, where none is spoken";
    return rc == -EPIPE || rc == 0 ? "Connection closed" : strerror(-rc);
}

// What was said last goes out; then the stream ends.
static void say_goodbye(weft_conn *conn)
{
    if (weft_shutdown(conn, weft_after_ms(LAST_WORDS_MS)) == 0)
        linger(conn, weft_after_ms(GOODBYE_MS));
}

static void part(void *ctx)
{
    struct turn *t = ctx;
    struct visitor *v = t->visitor;
    bool ended = session_ended(t->session);
    v->why = session_dropped(t->session);
    v->drop = session_cause(t->session);
    if (v->drop == DROP_NONE && !ended && t->rc != 0 && t->rc != -EPIPE && t->rc != -ECANCELED) {
        v->drop = t->rc == -EPROTONOSUPPORT ? DROP_TLS : DROP_LOST;
        v->why = why(t->rc);
    }
    if (ended || t->rc == -EPIPE) // who says nothing more may still listen
        session_settle(t->session);
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
        v->drop = DROP_MEMORY;
        return;
    }
    while (t.rc == 0 && !session_ended(t.session)) {
        int rc = await(&t);
        if (rc == 0)
            stage_run(stage, act, &t);
        else if (rc != -ETIMEDOUT)
            t.rc = rc;
        if (t.rc == 0 && due_ms(&t) <= 0) // also of one that never stops talking
            stage_run(stage, tick, &t);
    }
    stage_run(stage, part, &t);
}
