// SPDX-License-Identifier: MIT
// names.c - NAMES: who is in a room.
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/lists.h"

static bool is_listed(const struct member *m, const struct member *viewer)
{
    return viewer || !(m->user->modes & USER_INVISIBLE);
}

static int word_member(const struct session *s, const struct member *m, char *out, size_t room)
{
    char prefixes[RANKS + 1];
    (void)rank_prefixes(m->ranks, s->caps & CAP_MULTI_PREFIX, prefixes);
    bool full = s->caps & CAP_USERHOST_IN_NAMES;
    return snprintf(out, room, "%s%s", prefixes, full ? m->user->source : m->user->name);
}

static void send_members(struct session *s, const struct room *room, const struct member *viewer)
{
    char names[LINE_BODY_MAX], word[RANKS + NICK_MAX + LOGIN_MAX + HOST_MAX + 8];
    const char *symbol = room->modes & ROOM_SECRET ? "@" : "=";
    size_t before = strlen(s->irc->set.name) + strlen(session_name(s)) + strlen(room->name) +
                    sizeof ": 353  =  :" - 1;
    size_t size = 0;
    struct member *m;
    TAILQ_FOREACH (m, &room->members, in_room) {
        if (!is_listed(m, viewer))
            continue;
        int length = word_member(s, m, word, sizeof word);
        if (size > 0 && before + size + 1 + (size_t)length > LINE_BODY_MAX) {
            reply(s, RPL_NAMREPLY, "%s %s :%s", symbol, room->name, names);
            size = 0;
        }
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s", size > 0 ? " " : "",
                                 word);
    }
    if (size > 0)
        reply(s, RPL_NAMREPLY, "%s %s :%s", symbol, room->name, names);
}

void send_names(struct session *s, const struct room *room)
{
    const struct member *viewer = member_find(room, &s->user);
    if (room_is_visible(room, &s->user))
        send_members(s, room, viewer);
    reply(s, RPL_ENDOFNAMES, "%s :End of /NAMES list", room->name);
}

void on_names(struct session *s, const struct line *line)
{
    char *names = line->count > 0 ? line->params[0] : NULL;
    char *name = list_next(&names);
    struct room *room = name ? room_find(s->irc->hub, name) : NULL;
    if (room)
        send_names(s, room);
    else
        reply(s, RPL_ENDOFNAMES, "%.100s :End of /NAMES list", name ? name : "*");
}
