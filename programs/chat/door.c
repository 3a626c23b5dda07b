// SPDX-License-Identifier: MIT
// door.c - see door.h: accepting, and the life of a client of the doors that speak IRC.
#include "chat/door.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/address.h"
#include "chat/plain/lecture.h"
#include "chat/talk.h"
#include "chat/tcp_wire.h"
#include "chat/tls_door.h"
#include "chat/turn_away.h"
#include "common/output.h"

enum {
    RETRY_MS = 100, // when none can be accepted: until one looks again
    ASK_MIN_S = 3,  // of silence, that the system takes
    ASK_MAX_S = 32767,
};

static void refuse(const struct door *door, const weft_conn *conn, const char *why)
{
    journal_event(&door->server->events, "refuse", log_text("addr", weft_peer(conn)),
                  log_text("reason", why));
}

// ---- plain clients -------------------------------------------------------------------------

static void print_list(struct server *s)
{
    size_t size;
    char *list = lecture_list(&s->crowd, &size);
    if (list)
        journal_text(&s->lists, list, size);
    else
        complain("weft serve", "the list of connections: out of memory");
    free(list);
}

// A plain client may say nothing for days. So nobody but its system can tell whether it is there.
static void ask_now_and_then(const struct server *s, weft_conn *conn)
{
    int64_t idle_s = s->ask_ms / 1000;
    idle_s = idle_s > ASK_MIN_S ? idle_s : ASK_MIN_S;
    // failing, it is asked after the system's two hours
    (void)weft_conn_keepalive(conn, (int)(idle_s < ASK_MAX_S ? idle_s : ASK_MAX_S));
}

static int admit_plain(struct door *door, weft_conn **conn, struct neighbours *neighbours)
{
    struct server *s = door->server;
    struct client *client = client_new(&s->crowd, conn);
    if (!client)
        return -ENOMEM;
    client->neighbours = neighbours;
    ask_now_and_then(s, client->conn);
    int rc = handler_start(&(struct visit){.server = s, .client = client});
    if (rc < 0) {
        *conn = client->conn;
        client->conn = NULL;
        client_free(&client);
        return rc;
    }
    journal_event(&s->events, "join", log_number("id", client->id),
                  log_text("addr", weft_peer(client->conn)),
                  log_number("n", (long long)client->count));
    weft_event_set(&client->announced); // the client is its handler's now
    if (s->lecture)
        print_list(s);
    return 0;
}

// ---- the others ----------------------------------------------------------------------------

static void leave(void *visitor)
{
    struct visitor *v = visitor;
    struct journal *events = &v->server->events;
    char address[CHAT_ADDRESS_MAX];
    (void)snprintf(address, sizeof address, "%s", weft_peer(v->conn));
    weft_conn_close(&v->conn); // before the log, which may be slow
    gate_leave(&v->server->gate, &v->neighbours);
    v->server->tally.drops[v->drop]++;
    v->door->here--;
    tidy_moved(&v->server->tidy);
    if (v->why)
        journal_event(events, "drop", log_number("id", v->id), log_text("door", v->door->name),
                      log_text("addr", address), log_text("reason", v->why));
    else
        journal_event(events, "leave", log_number("id", v->id), log_text("door", v->door->name),
                      log_text("addr", address));
}

static void shake_hands(void *visitor)
{
    (void)tls_shake_hands(visitor); // failing, it has said why
}

static int visit(struct visitor *const *arg, weft_none *none)
{
    struct visitor *v = *arg;
    struct server *s = v->server;
    (void)none;
    if (v->door->tls)
        stage_run(&s->stage, shake_hands, v);
    if (!v->why)
        v->door->serve(v);
    stage_run(&s->stage, leave, v);
    LIST_REMOVE(v, link);
    weft_drop(&v->task); // our own: nobody will join it
    free(v);
    weft_waitgroup_done(&s->visitors);
    return 0;
}
WEFT_TASK(visit, struct visitor *, weft_none);

static int admit_visitor(struct door *door, weft_conn **conn, struct neighbours *neighbours)
{
    struct server *s = door->server;
    struct visitor *v = malloc(sizeof *v);
    char name[32];
    if (!v)
        return -ENOMEM;
    *v = (struct visitor){.door = door,
                          .server = s,
                          .conn = *conn,
                          .id = ++s->last_visitor,
                          .neighbours = neighbours};
    weft_post_limit(v->conn, s->crowd.queue_limit);
    (void)snprintf(name, sizeof name, "%s-%ld", door->name, v->id);
    weft_waitgroup_add(&s->visitors, 1);
    // it runs once this fiber waits, and so sees its own future
    v->task = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = name), visit, &v);
    if (v->task) {
        LIST_INSERT_HEAD(&s->all_visitors, v, link);
        door->came++;
        door->here++;
        // told here, and not there, where it would touch a page of stack more
        journal_event(&s->events, "join", log_number("id", v->id), log_text("door", door->name),
                      log_text("addr", weft_peer(*conn)));
        *conn = NULL;
        return 0;
    }
    weft_waitgroup_done(&s->visitors);
    free(v);
    return weft_error_code();
}

void serve_irc(struct visitor *v)
{
    struct tcp_wire wire;
    tcp_wire_init(&wire, v->conn);
    wire.wire.traffic = &v->server->tally.lines;
    talk(v, &wire.wire);
    tcp_wire_release(&wire);
}

// ---- accepting -----------------------------------------------------------------------------

// May it come in? If not, it is turned away.
static bool pass_gate(struct door *door, weft_conn **conn, struct neighbours **neighbours)
{
    char host[CHAT_ADDRESS_MAX];
    bool first;
    address_host(weft_peer(*conn), host, sizeof host);
    enum gate_answer answer = gate_enter(&door->server->gate, host, weft_now().ns / 1000000,
                                         neighbours, &first);
    if (answer == GATE_OPEN)
        return true;
    if (first) // who is turned away again and again must not fill the log
        refuse(door, *conn, gate_reason(answer));
    turn_away(door, conn, answer);
    return false;
}

// Take one client in, or turn it away. 0, or why none can be accepted now.
static int accept_one(struct door *door)
{
    struct neighbours *neighbours;
    weft_conn *conn = weft_accept(door->listener, WEFT_FOREVER);
    if (!conn)
        return weft_error_code();
    if (!pass_gate(door, &conn, &neighbours)) {
        weft_yield(); // a storm of them never ends
        return 0;
    }
    int rc = door->serve ? admit_visitor(door, &conn, neighbours)
                         : admit_plain(door, &conn, neighbours);
    if (rc == 0)
        tidy_moved(&door->server->tidy);
    if (rc < 0) {
        gate_leave(&door->server->gate, &neighbours);
        door->server->tally.drops[DROP_MEMORY]++;
        if (conn)
            refuse(door, conn, strerror(-rc));
    }
    weft_conn_close(&conn);
    return 0;
}

// Why no client can be accepted now, or 0: it works again. Only a change is logged.
static void note_trouble(struct server *s, int rc, int before)
{
    if (rc < 0 && rc != before)
        journal_event(&s->events, "wait", log_text("reason", strerror(-rc)));
    else if (rc == 0 && before < 0)
        journal_event(&s->events, "resume");
}

// Until it is cancelled. Every other error passes: no descriptors, no memory, a firewall's refusal.
static int accept_clients(struct door *const *arg, weft_none *none)
{
    struct door *door = *arg;
    int rc, before = 0;
    (void)none;
    for (; (rc = accept_one(door)) != -ECANCELED; before = rc) {
        note_trouble(door->server, rc, before);
        if (rc < 0)
            (void)weft_sleep(weft_after_ms(RETRY_MS)); // cancelled, the next accept says so too
    }
    return 0;
}
WEFT_TASK(accept_clients, struct door *, weft_none);

int door_open(struct door *door)
{
    char name[32];
    (void)snprintf(name, sizeof name, "acceptor-%s", door->name);
    door->acceptor = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = name), accept_clients,
                                   &door);
    return door->acceptor ? 0 : weft_error_code();
}

void door_close(struct door *door)
{
    if (door->acceptor) {
        weft_cancel(door->acceptor);
        (void)weft_join(&door->acceptor, NULL, 0); // it returns nothing but 0
    }
    weft_listener_close(&door->listener);
}
