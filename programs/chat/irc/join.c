// SPDX-License-Identifier: MIT
// join.c - JOIN and PART.
#include <stdlib.h>
#include <string.h>

#include "chat/hub/event.h"
#include "chat/irc/era.h"
#include "chat/irc/handlers.h"
#include "chat/irc/history.h"
#include "chat/irc/lists.h"

static const unsigned fresh_modes = ROOM_NO_EXTERNAL | ROOM_TOPIC_LOCK;

// Whether the room lets the user in; if not, it was told why.
static bool may_enter(struct session *s, const struct room *room, const char *key)
{
    static const struct {
        char mode;
        enum numeric number;
    } refusals[] = {
        {'k', ERR_BADCHANNELKEY},
        {'i', ERR_INVITEONLYCHAN},
        {'b', ERR_BANNEDFROMCHAN},
        {'l', ERR_CHANNELISFULL},
    };
    char mode = room_bars(room, &s->user, key);
    for (size_t i = 0; mode && i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].mode == mode)
            reply(s, refusals[i].number, "%s :Cannot join channel (+%c)", room->name, mode);
    return mode == '\0';
}

static int rooms_of(const struct user *user)
{
    int n = 0;
    struct member *m;
    TAILQ_FOREACH (m, &user->rooms, of_user)
        n++;
    return n;
}

// The others who asked for it hear that who came is away.
static void tell_away(struct room *room, struct user *user)
{
    if (!user->away)
        return;
    struct event e = event_of(EVENT_AWAY, user);
    e.text = user->away;
    room_tell(room, &e, user, 0);
    event_end(&e);
}

static void tell_join(struct session *s, struct room *room)
{
    struct event e = event_in(room, EVENT_JOIN, &s->user);
    e.text = s->user.real;
    room_tell(room, &e, NULL, 0);
    event_end(&e);
    tell_away(room, &s->user);
    if (room->topic)
        send_topic(s, room);
    if (!(s->caps & CAP_NO_IMPLICIT_NAMES))
        send_names(s, room);
    history_tell_kept(s, room);
}

static void join(struct session *s, char *name, const char *key)
{
    struct hub *hub = s->irc->hub;
    struct room *room = room_find(hub, name);
    bool fresh = !room;
    if (!room_name_is_valid(name)) {
        reply(s, ERR_NOSUCHCHANNEL, "%s :No such channel", shown(name));
        return;
    }
    if (room && (member_find(room, &s->user) || !may_enter(s, room, key)))
        return;
    if (rooms_of(&s->user) >= s->irc->set.rooms_each) {
        reply(s, ERR_TOOMANYCHANNELS, "%s :You have joined too many channels", name);
        return;
    }
    room = room_make(hub, name);
    if (fresh && room) {
        room->modes = fresh_modes;
        era_enter(s->irc, room, key);
    }
    if (!room || !room_enter(room, &s->user, room->count == 0 && !room->kept ? RANK_OP : 0)) {
        reply(s, ERR_UNKNOWNERROR, "JOIN :Out of memory");
        if (room)
            room_close_if_empty(hub, room);
        return;
    }
    tell_join(s, room);
    if (!fresh) // else the key was tried
        era_warn(s, room, key);
}

static void part(struct session *s, char *name, const char *why)
{
    struct room *room;
    struct member *member;
    if (!find_place(s, name, &room, &member))
        return;
    struct event e = event_in(room, EVENT_PART, &s->user);
    e.text = why && *why ? why : NULL;
    room_tell(room, &e, NULL, 0);
    event_end(&e);
    member_leave(s->irc->hub, member);
}

static void part_all(struct session *s)
{
    while (!TAILQ_EMPTY(&s->user.rooms))
        part(s, TAILQ_FIRST(&s->user.rooms)->room->name, NULL);
}

void on_join(struct session *s, const struct line *line)
{
    static char none[] = "";
    char *names = line->params[0], *first = names, *keys = line->count > 1 ? line->params[1] : none;
    if (list_is_empty(names)) {
        reply(s, ERR_NEEDMOREPARAMS, "JOIN :Not enough parameters");
        return;
    }
    if (strcmp(names, "0") == 0) {
        part_all(s);
        return;
    }
    for (char *name; (name = strsep(&names, ",")) && !s->ended;) {
        const char *key = strsep(&keys, ","); // "" too: it stands for a room without one
        if (*name && !list_repeats(first, name))
            join(s, name, key ? key : "");
    }
}

void on_part(struct session *s, const struct line *line)
{
    char *names = line->params[0];
    if (list_is_empty(names))
        reply(s, ERR_NEEDMOREPARAMS, "PART :Not enough parameters");
    for (char *name; (name = list_next(&names));) {
        if (list_repeats(line->params[0], name))
            continue;
        part(s, name, line->count > 1 ? line->params[1] : NULL);
    }
}
