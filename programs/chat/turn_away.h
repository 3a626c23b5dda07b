// SPDX-License-Identifier: MIT
// turn_away.h - a client that is not let in: told why in its door's own words, and closed.
#ifndef WEFT_CHAT_TURN_AWAY_H
#define WEFT_CHAT_TURN_AWAY_H

#include "chat/door.h"

// Takes the connection over; never waits. By TLS nothing is said: a handshake costs more than it is
// worth.
void turn_away(struct door *door, weft_conn **conn, enum gate_answer why);

#endif
