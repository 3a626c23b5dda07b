// SPDX-License-Identifier: MIT
// link.h - the connection to a server: made, encrypted, listened to.
#ifndef WEFT_CHAT_JOIN_LINK_H
#define WEFT_CHAT_JOIN_LINK_H

#include <weft/net.h>

#include "chat/join/session.h"
#include "chat/join/where.h"

// To the first of these places where somebody answers, within some seconds each, TLS included.
// *place tells which. NULL: the error is the first's, which was meant most.
// ca_file: whose certificates we trust; NULL: whom the system does.
weft_conn *link_open(const struct place *places, int count, const char *host, const char *ca_file,
                     const struct place **place) __attribute__((warn_unused_result));

// Wait for the next line and let the session hear it: 0, or an error: the connection is over, with
// a reason in weft_error(). A server that is silent for a minute is asked whether it is there.
int link_hear(weft_conn *conn, struct session *session);

#endif
