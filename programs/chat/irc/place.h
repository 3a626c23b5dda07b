// SPDX-License-Identifier: MIT
// place.h - the conversation that a client's question is about, as the history knows it.
#ifndef WEFT_CHAT_IRC_PLACE_H
#define WEFT_CHAT_IRC_PLACE_H

#include "chat/irc/session.h"
#include "chat/store/store.h"

// Not to be moved: `where` points into it.
struct place {
    struct store_conversation where;
    char first[ROOM_NAME_MAX + 1], second[NICK_MAX + 1];
};

// A room that the client is in, or somebody that is here; false: it is neither, or not for it.
bool place_find(const struct session *s, const char *target, struct place *place);
bool place_of_room(const struct room *room, struct place *place); // true

#endif
