// SPDX-License-Identifier: MIT
// server.h - what the doors and the clients of one server share.
#ifndef WEFT_CHAT_SERVER_H
#define WEFT_CHAT_SERVER_H

#include <stdbool.h>
#include <weft/weft.h>

#include "chat/seats.h"
#include "chat/gate.h"
#include "chat/hub/hub.h"
#include "chat/irc/irc.h"
#include "chat/journal.h"
#include "chat/lan.h"
#include "chat/plain/crowd.h"
#include "chat/stage.h"
#include "chat/tally.h"
#include "chat/tidy.h"

struct door;
struct visitor;

struct server {
    bool lecture;                     // print the list of connections after each accept
    struct crowd crowd;               // of the plain door's clients
    struct hub hub;                   // of everybody, if there is another door than the plain one
    struct irc *irc;                  // NULL: there is none
    struct store *history;            // NULL: none is kept
    weft_future *keeper;              // passes on what has become of messages: keep.h
    const char *web;                  // the address of the web door, "http://..."; NULL: it is shut
    char made_password[LAN_PASSWORD]; // for --lan, where none is set; "": none
    struct stage stage;               // where the visitors' work is done
    weft_waitgroup visitors;          // clients of the other doors whose tasks have not ended
    LIST_HEAD(, visitor) all_visitors;
    long last_visitor;
    struct gate gate;                 // how many may come in, at all doors
    struct seats searches;            // for who has no session: api.h
    int farewells;                    // to those who may not, under way: turn_away.c
    const struct networks *unhurried; // whose clients flood control is not for
    int64_t ask_ms; // of silence, before the system of a plain client is asked whether it lives
    struct tally tally;
    struct tidy tidy;
    const struct door *doors; // all of them, for their counts
    int door_count;
    struct journal events; // who came, who left, who was dropped and why
    struct journal lists;  // of the lecture
};

// What the handler of a plain client (plain/crowd.h) is given.
struct visit {
    struct server *server;
    struct client *client;
};

// Register the client and start its handler, which waits until the client is announced. On failure
// the client is still the caller's: -EAGAIN, -ENOMEM.
int handler_start(const struct visit *v);

#endif
