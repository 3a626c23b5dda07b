// SPDX-License-Identifier: MIT
// flood.h - how much a client may ask of the server: a budget, which each line uses up by what its
// command costs (commands.c).
//
// Who has used it up is not put out but read later: session_delay (irc.h) says how long nobody is
// to read from it. So its lines stay with its own system, and cost us nothing. What is put out is
// a client of which more waits there than the settings allow.
#ifndef WEFT_CHAT_IRC_FLOOD_H
#define WEFT_CHAT_IRC_FLOOD_H

#include "chat/irc/session.h"

// Parts of a cost, so that something can cost less than 1.
enum { FLOOD_COST = 4, FLOOD_BATCH_LINE = 1 };

// A line that cost so many parts. One who asked for very much at once is put out.
void flood_charge(struct session *s, int parts);
// The budget is full again.
void flood_forgive(struct session *s);

#endif
