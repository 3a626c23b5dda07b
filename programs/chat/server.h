// SPDX-License-Identifier: MIT
// server.h - what the acceptor and the handlers of one server share.
#ifndef WEFT_CHAT_SERVER_H
#define WEFT_CHAT_SERVER_H

#include <stdbool.h>
#include <weft/weft.h>

#include "chat/journal.h"
#include "chat/room.h"

struct server {
    weft_listener *listener;
    bool lecture; // print the list of connections after each accept
    struct room room;
    struct journal events; // who came, who left, who was dropped and why
    struct journal lists;  // of the lecture
};

// Whose the client is: room.h.
struct visit {
    struct server *server;
    struct client *client;
};

// Register the client and start its handler, which waits until the client is announced. On failure
// the client is still the caller's: -EAGAIN, -ENOMEM.
int handler_start(const struct visit *v);

#endif
