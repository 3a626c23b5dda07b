// SPDX-License-Identifier: MIT
// handler.c - one client's life: the lecture's handler, and what it takes to end well.
//
// A handler is a fiber: its stack costs the pages that it has touched. So that a client that says
// nothing costs one, what needs room (a piece to read into, a line for the log) is not on it while
// it waits.
//
//     the loop      reads and broadcasts
//     listen_on     the client ended its input, and may listen on: printf 'hi\n' | weft join
//     say_goodbye   the server ends
//     leave         off the list, closed, told
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "chat/address.h"
#include "chat/linger.h"
#include "chat/plain/http.h"
#include "chat/plain/lobby.h"
#include "chat/server.h"

enum {
    PIECE = 16384,    // read at once
    LOOK_MS = 250,    // a listener that says no more: how often we look after it
    GOODBYE_MS = 200, // at the end: for the client's own goodbye
};

// What comes next, to all others. How much, 0 at the end of the input; -ETIMEDOUT: nothing came by
// then, or nothing after all. Who speaks HTTP is told where to go, and nothing is passed on.
static ssize_t pass_on(const struct visit *v, weft_time deadline)
{
    struct client *c = v->client;
    int rc = weft_wait_readable(c->conn, deadline);
    if (rc < 0)
        return rc;
    char *data = malloc(PIECE);
    if (!data)
        return -ENOMEM;
    ssize_t n = weft_read(c->conn, data, PIECE, WEFT_POLL);
    c->lost = n > 0 && !c->spoke && answer_http(c->conn, data, (size_t)n, v->server->web);
    if (n > 0 && !c->lost) {
        crowd_broadcast(c->crowd, c, data, (size_t)n);
        lobby_hear(c->guest, data, (size_t)n);
    }
    c->spoke = c->spoke || n > 0;
    free(data);
    return c->lost ? 0 : n;
}

// Has a client that ended its input gone, or does it listen on? Its kernel says the same in both
// cases: no more bytes. So we send one byte of urgent data, which is not part of the stream: who
// reads the stream does not see it. A socket that was closed answers with a reset at once. (Asking
// with keepalives takes a minute on Linux, whose closed sockets answer them for so long; we do that
// as well, for a listener that goes away later while nobody speaks.)
// On a Unix socket the difference is seen at once, and urgent data may not be there at all.
static void knock(const weft_conn *conn)
{
    int fd = weft_conn_fd(conn);
    if (strncmp(weft_peer(conn), "unix:", 5) == 0)
        return;
    const int on = 1, idle_s = 60, every_s = 15, times = 4;
    (void)send(fd, "\n", 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL); // failing, it will be noticed
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); // likewise, only later
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

// Send to a client that has said its last until it goes away: 0, or an error. What was posted goes
// out while somebody waits in weft_flush, which returns as soon as all is out; hence the turns.
static int listen_on(struct client *c)
{
    int fd = weft_conn_fd(c->conn);
    crowd_reader_done(c);
    knock(c->conn);
    for (;;) {
        int rc = weft_flush(c->conn, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        rc = weft_wait_fd(fd, 0, weft_after_ms(LOOK_MS)); // 0: hang-up and errors only
        if (rc != -ETIMEDOUT)
            return rc > 0 ? 0 : rc;
    }
}

// The server ends. What this client had said already is passed on; when no handler will pass on
// any more, what is left for this client goes out: 0, or why not all of it did.
static int say_goodbye(const struct visit *v, weft_time grace)
{
    struct client *c = v->client;
    (void)weft_shield(true); // to the task's end
    while (weft_now().ns < grace.ns && pass_on(v, WEFT_POLL) > 0)
        weft_yield(); // to the goodbyes of others
    crowd_reader_done(c);
    (void)weft_waitgroup_wait(&c->crowd->readers, grace); // late: then we go with what there is
    int rc = weft_shutdown(c->conn, grace);
    if (rc < 0)
        return rc == -ETIMEDOUT ? -ENOBUFS : rc;
    linger(c->conn, weft_sooner(grace, weft_after_ms(GOODBYE_MS)));
    return 0;
}

// To a client that was dropped the stream must not look as if it ended well. Nor should what the
// system still holds for it stay in memory until it reads on.
static void reset_at_close(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); // else a common close
}

static const char *why_dropped(int rc)
{
    return rc == -ENOBUFS ? "too slow" : strerror(-rc); // it did not read what waits for it
}

// The end of a client: rc is what its last call returned.
static void leave(const struct visit *v, int rc)
{
    struct client *c = v->client;
    struct journal *events = &v->server->events;
    char address[CHAT_ADDRESS_MAX];
    size_t left;
    weft_time grace;
    if (rc == -ECANCELED && crowd_is_closing(c, &grace))
        rc = say_goodbye(v, grace);
    bool killed = lobby_has_expelled(c->guest);
    lobby_leave(&c->guest);
    int why = crowd_leave(c, &left);
    if (why == 0 && rc != -ECANCELED)
        why = rc;
    killed = killed && why == 0;
    if (why < 0 || killed)
        v->server->tally.drops[killed ? DROP_KILLED : why == -ENOBUFS ? DROP_SLOW : DROP_LOST]++;
    if (why < 0)
        reset_at_close(weft_conn_fd(c->conn));
    (void)snprintf(address, sizeof address, "%s", weft_peer(c->conn));
    weft_conn_close(&c->conn); // before the log, which may be slow
    gate_leave(&v->server->gate, &c->neighbours);
    if (why < 0 || killed)
        journal_event(events, "drop", log_number("id", c->id), log_text("addr", address),
                      log_number("n", (long long)left),
                      log_text("reason", killed ? "Killed" : why_dropped(why)));
    else
        journal_event(events, "leave", log_number("id", c->id), log_text("addr", address),
                      log_number("n", (long long)left));
}

static int handler(const struct visit *v, weft_none *none)
{
    struct client *c = v->client;
    struct crowd *crowd = c->crowd;
    (void)none;
    bool before = weft_shield(true);
    (void)weft_event_wait(&c->announced, WEFT_FOREVER); // shielded, for ever: cannot fail
    (void)weft_shield(before);
    c->guest = v->server->irc ? lobby_enter(&v->server->hub, c) : NULL;
    ssize_t n;
    do {
        n = pass_on(v, lobby_holds(c->guest) ? weft_after_ms(LOBBY_PAUSE_MS) : WEFT_FOREVER);
        if (n == -ETIMEDOUT)
            lobby_pause(c->guest);
        else if (n == PIECE)
            weft_yield(); // there is more: what comes fast enough never ends
    } while (n > 0 || n == -ETIMEDOUT);
    lobby_pause(c->guest);
    if (n == 0 && c->lost)
        n = weft_shutdown(c->conn, weft_after_ms(GOODBYE_MS)); // the page goes out
    else if (n == 0)
        n = listen_on(c);
    leave(v, (int)n);
    weft_drop(&c->task); // our own: nobody will join it
    client_free(&c);
    weft_waitgroup_done(&crowd->handlers);
    return 0;
}
WEFT_TASK(handler, struct visit, weft_none);

int handler_start(const struct visit *v)
{
    struct client *c = v->client;
    struct crowd *crowd = c->crowd;
    char name[32];
    weft_guard(&crowd->mu); // until the task is known: who sees the client may cancel it
    crowd_add(crowd, c);
    (void)snprintf(name, sizeof name, "client-%ld", c->id);
    c->task = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = name), handler, v);
    if (c->task)
        return 0;
    int rc = weft_error_code();
    crowd_remove(crowd, c);
    crowd_reader_done(c);
    weft_waitgroup_done(&crowd->handlers);
    return rc;
}
