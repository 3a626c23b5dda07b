// SPDX-License-Identifier: MIT
// door.h - a place where clients come in: a listener, and what its clients speak.
//
// An acceptor for each door is a fiber; so is each client. All of them are on one loop, the hub's,
// because what a fiber starts runs beside it.
#ifndef WEFT_CHAT_DOOR_H
#define WEFT_CHAT_DOOR_H

#include <weft/weft.h>

#include "chat/server.h"

struct visitor;

struct door {
    const char *name; // "irc", in the log and on the first screen
    struct server *server;
    weft_listener *listener; // NULL: the door is shut
    // Serves one client until it is gone; its own task. NULL: the plain door, whose clients are in
    // plain/crowd.h.
    void (*serve)(struct visitor *);
    const struct web_site *site; // of the web door
    weft_tls *tls;               // borrowed; NULL: its clients come without TLS
    weft_future *acceptor;
    uint64_t came; // its visitors, ever
    size_t here;   // and now
};

// A client of a door other than the plain one; its task's.
struct visitor {
    struct door *door;
    struct server *server;
    weft_conn *conn;
    weft_future *task;
    long id;
    struct neighbours *neighbours; // that it is counted among: gate.h
    const char *why;               // it went; for the log. NULL: of its own
    enum drop drop;                // likewise, to be counted
    LIST_ENTRY(visitor) link;
};

// Start to accept: 0, or an error with weft_error().
int door_open(struct door *door);
// Accept no more, and wait until the acceptor has ended.
void door_close(struct door *door);

void serve_irc(struct visitor *v); // the IRC door's
void serve_web(struct visitor *v); // the web door's

// What the web door needs to know, but for its rules. The site is the server's.
void site_init(struct web_site *site, struct server *server);
// Who may read the metrics: of enum metrics_for (setting_kinds.h).
void site_let_watch(struct web_site *site, int who);

#endif
