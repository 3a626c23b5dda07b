// SPDX-License-Identifier: MIT
// era.c - see era.h. What opens an era, the store remembers: store.h.
#include "chat/irc/era.h"

#include <stdio.h>
#include <string.h>

#include "chat/store/store.h"

static void move(struct irc *irc, struct room *room, int64_t era)
{
    if (room->era && room->era != era)
        store_era_end(irc->set.history, room->era);
    room->era = era;
}

// Without memory for the key this becomes an era that nothing opens again.
void era_follow(struct irc *irc, struct room *room)
{
    struct store *store = irc->set.history;
    bool invited = room->modes & ROOM_INVITE_ONLY, keyed = *room->key && !invited;
    if (!store)
        return;
    int64_t known = keyed ? store_era_find(store, room->folded, room->key) : 0;
    if (known || (!*room->key && !invited)) {
        move(irc, room, known);
        return;
    }
    if (!room->era)
        room->era = store_era_new(store);
    if (store_era_set(store, room->era, room->folded, keyed ? room->key : NULL) < 0)
        move(irc, room, store_era_new(store));
}

void era_enter(struct irc *irc, struct room *room, const char *key)
{
    if (!irc->set.history || !*key || strlen(key) > KEY_MAX)
        return;
    room->era = store_era_find(irc->set.history, room->folded, key);
    if (room->era)
        (void)snprintf(room->key, sizeof room->key, "%s", key);
}

void era_warn(struct session *s, const struct room *room, const char *key)
{
    static const char text[] = "is open now. What was said behind this key is there when the key "
                               "is set again";
    struct store *store = s->irc->set.history;
    if (!store || !*key || room->era || !store_era_is_there(store, room->folded, key))
        return;
    if (s->caps & CAP_STANDARD_REPLIES)
        tell(s, "NOTE JOIN ROOM_IS_OPEN %s :This room %s", room->name, text);
    else
        tell(s, "NOTICE %s :%s %s", session_name(s), room->name, text);
}

void era_close(struct hub *hub, const struct room *room)
{
    struct irc *irc = hub->owner;
    if (room->era)
        store_era_end(irc->set.history, room->era);
}
