// SPDX-License-Identifier: MIT
// place.c - see place.h.
#include "chat/irc/place.h"

#include <stdio.h>

bool place_of_room(const struct room *room, struct place *place)
{
    (void)snprintf(place->first, sizeof place->first, "%s", room->folded);
    place->where = (struct store_conversation){.first = place->first, .era = room->era};
    return true;
}

bool place_find(const struct session *s, const char *target, struct place *place)
{
    const struct room *room = room_find(s->irc->hub, target);
    const struct user *other = user_find(s->irc->hub, target);
    if (room)
        return member_find(room, &s->user) && place_of_room(room, place);
    if (!other)
        return false;
    (void)snprintf(place->first, sizeof place->first, "%s", s->user.identity);
    (void)snprintf(place->second, sizeof place->second, "%s", other->identity);
    place->where = (struct store_conversation){.first = place->first, .second = place->second};
    return true;
}
