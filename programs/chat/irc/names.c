// SPDX-License-Identifier: MIT
// names.c - NAMES: who is in a room.
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/limits.h"
#include "chat/irc/lists.h"

static bool is_listed(const struct member *m, const struct member *viewer)
{
    return viewer || !(m->user->modes & USER_INVISIBLE);
}

enum { WORD = RANKS + NICK_MAX + LOGIN_MAX + HOST_MAX + 8 };

// Copied, and not formatted: a thousand who join are told of half a million members.
static size_t word_member(const struct session *s, const struct member *m, char out[WORD])
{
    size_t size = strlen(rank_prefixes(m->ranks, s->caps & CAP_MULTI_PREFIX, out));
    const char *name = s->caps & CAP_USERHOST_IN_NAMES ? m->user->source : m->user->name;
    size_t length = strnlen(name, WORD - 1 - size);
    memcpy(out + size, name, length);
    return size + length;
}

static void send_members(struct session *s, const struct room *room, const struct member *viewer)
{
    char names[LINE_BODY_MAX + 1], word[WORD];
    const char *symbol = room->modes & ROOM_SECRET ? "@" : "=";
    size_t most = reply_room(s) - strlen(room->name) - (sizeof "=  :" - 1), size = 0;
    struct member *m;
    _Static_assert((int)WORD < (int)LINE_BODY_MAX, "an empty line takes a word");
    TAILQ_FOREACH (m, &room->members, in_room) {
        if (!is_listed(m, viewer))
            continue;
        size_t length = word_member(s, m, word);
        if (size > 0 && size + 1 + length > most) {
            reply(s, RPL_NAMREPLY, "%s %s :%s", symbol, room->name, names);
            size = 0;
        }
        if (size > 0)
            names[size++] = ' ';
        memcpy(names + size, word, length);
        size += length;
        names[size] = '\0';
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

// The room's own name, or NULL.
static const char *send_room(struct session *s, const char *name)
{
    const struct room *room = name ? room_find(s->irc->hub, name) : NULL;
    if (room && room_is_visible(room, &s->user))
        send_members(s, room, member_find(room, &s->user));
    return room ? room->name : NULL;
}

// Several rooms have one end, with all that was asked. What is beyond TARGMAX is passed over.
void on_names(struct session *s, const struct line *line)
{
    char *names = line->count > 0 ? line->params[0] : NULL, asked[LINE_BODY_MAX + 1];
    const char *first = names;
    (void)snprintf(asked, sizeof asked, "%s", names ? names : "*");
    const char *only = send_room(s, list_next(&names)), *name;
    for (int i = 1; i < LIMIT_TARGETS && (name = list_next(&names)); i++) {
        if (!list_repeats(first, name))
            (void)send_room(s, name);
        only = NULL;
    }
    reply(s, RPL_ENDOFNAMES, "%s :End of /NAMES list",
          only ? only : shown_up_to(asked, (LIMIT_ROOM_NAME + 1UL) * LIMIT_TARGETS));
}
