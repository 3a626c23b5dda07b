// SPDX-License-Identifier: MIT
// lobby.h - #lobby, where the clients of the plain door meet those who speak IRC.
//
// A plain client sends bytes, others want messages, of characters, in lines. So what a plain client
// says ends at a newline, or when LOBBY_PAUSE_MS pass without another byte (the lecture's client
// sends no newline); bytes that are no UTF-8 become U+FFFD; long ones are split between characters.
// The other way round, what is said in the room reaches plain clients as "<nick> text".
//
// Everything here is the hub's loop's, and never waits.
#ifndef WEFT_CHAT_LOBBY_H
#define WEFT_CHAT_LOBBY_H

#include <stdbool.h>
#include <stddef.h>

#include "chat/hub/hub.h"
#include "chat/plain/crowd.h"

enum { LOBBY_PAUSE_MS = 20 };
#define LOBBY_ROOM "#lobby"

struct lobby_guest; // a plain client, as the hub sees it

// The room, kept whether somebody is in it or not. False: out of memory.
bool lobby_open(struct hub *hub);
// A plain client comes in; NULL: out of memory, then it only hears and is heard by plain ones.
struct lobby_guest *lobby_enter(struct hub *hub, struct client *client);
// It said something; more of the message may follow.
void lobby_hear(struct lobby_guest *guest, const void *bytes, size_t size);
bool lobby_holds(const struct lobby_guest *guest); // a message without its end
void lobby_pause(struct lobby_guest *guest);       // which has ended
bool lobby_has_expelled(const struct lobby_guest *guest);
void lobby_leave(struct lobby_guest **guest); // and says what is held

#endif
