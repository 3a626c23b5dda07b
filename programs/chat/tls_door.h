// SPDX-License-Identifier: MIT
// tls_door.h - TLS on the doors: the certificate, and the handshake with each client.
#ifndef WEFT_CHAT_TLS_DOOR_H
#define WEFT_CHAT_TLS_DOOR_H

#include <stdbool.h>
#include <weft/tls.h>

#include "chat/settings.h"

struct visitor;

// What the settings name, read from its files; *tls is NULL if they name nothing. False: one line
// on stderr says why. Blocks on files.
bool tls_open(const struct settings *set, weft_tls **tls);

// Within 10 s. False: it was no TLS, or too late, and v->why says so; then v->conn can only be
// closed. The task waits.
bool tls_shake_hands(struct visitor *v);

#endif
