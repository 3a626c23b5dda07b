// SPDX-License-Identifier: MIT
// screen.h - the client on a terminal: a full screen.
#ifndef WEFT_CHAT_JOIN_SCREEN_H
#define WEFT_CHAT_JOIN_SCREEN_H

#include "chat/join/link.h"

// What both forms of the IRC client are told. The strings are the caller's.
struct irc_options {
    const struct place *place; // where `conn` leads
    const char *host, *ca_file;
    const char *room, *key; // the key "": none
    struct session_options session;
};

// Takes the connection, and makes others when it breaks, until the user or a signal ends it. What
// went wrong is told on standard error, when the terminal is itself again; the status to end with.
// *wants_password: it is the password that the server does not like. The signals that it watches
// stay blocked.
int screen_talk(weft_conn *conn, const struct irc_options *options, bool *wants_password);

#endif
