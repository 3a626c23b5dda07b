// SPDX-License-Identifier: MIT
// room.c - TOPIC, KICK and INVITE.
#include <string.h>

#include "chat/hub/event.h"
#include "chat/irc/handlers.h"
#include "chat/irc/limits.h"
#include "chat/irc/lists.h"
#include "common/utf8.h"

bool find_place(struct session *s, char *name, struct room **room, struct member **member)
{
    *room = room_find(s->irc->hub, name);
    *member = *room ? member_find(*room, &s->user) : NULL;
    if (!*room)
        reply(s, ERR_NOSUCHCHANNEL, "%s :No such channel", shown(name));
    else if (!*member)
        reply(s, ERR_NOTONCHANNEL, "%s :You're not on that channel", (*room)->name);
    return *member != NULL;
}

struct member *find_other(struct session *s, const struct room *room, char *nick)
{
    const struct user *user = user_find(s->irc->hub, nick);
    struct member *member = user ? member_find(room, user) : NULL;
    if (!user)
        reply(s, ERR_NOSUCHNICK, "%s :No such nick/channel", shown(nick));
    else if (!member)
        reply(s, ERR_USERNOTINCHANNEL, "%s %s :They aren't on that channel", user->name,
              room->name);
    return member;
}

static bool is_at_least(struct session *s, const struct member *member, enum rank rank)
{
    if (member_rank(member) >= rank)
        return true;
    reply(s, ERR_CHANOPRIVSNEEDED, "%s :You're not channel operator", member->room->name);
    return false;
}

// ---- topics --------------------------------------------------------------------------------

void send_topic(struct session *s, const struct room *room)
{
    if (!room->topic) {
        reply(s, RPL_NOTOPIC, "%s :No topic is set", room->name);
        return;
    }
    reply(s, RPL_TOPIC, "%s :%s", room->name, room->topic);
    reply(s, RPL_TOPICWHOTIME, "%s %s %lld", room->name, room->topic_by,
          (long long)(room->topic_at / 1000));
}

// Nobody is told of a topic that is what it was.
static void set_topic(struct session *s, struct room *room, char *topic)
{
    topic[utf8_cut(topic, strlen(topic), LIMIT_TOPIC)] = '\0';
    if (strcmp(topic, room->topic ? room->topic : "") == 0)
        return;
    struct event e = event_in(room, EVENT_TOPIC, &s->user);
    e.text = topic;
    if (room_set_topic(room, topic, s->user.source, e.at) < 0)
        reply(s, ERR_UNKNOWNERROR, "TOPIC :Out of memory");
    else
        room_tell(room, &e, NULL, 0);
    event_end(&e);
}

void on_topic(struct session *s, const struct line *line)
{
    struct room *room = room_find(s->irc->hub, line->params[0]);
    struct member *member = NULL;
    bool asks = line->count == 1;
    bool from_outside = asks && room && room_is_visible(room, &s->user);
    if (!from_outside && !find_place(s, line->params[0], &room, &member))
        return;
    if (asks)
        send_topic(s, room);
    else if (!(room->modes & ROOM_TOPIC_LOCK) || is_at_least(s, member, RANK_HALFOP))
        set_topic(s, room, line->params[1]);
}

// ---- out and in ----------------------------------------------------------------------------

// Nobody is put out by one of a lower rank, nor a half-operator by another.
static bool may_kick(const struct member *by, const struct member *whom)
{
    unsigned rank = member_rank(by), other = member_rank(whom);
    return by == whom || other < rank || (other == rank && rank > RANK_HALFOP);
}

static void kick(struct session *s, const struct member *by, char *nick, const char *why)
{
    struct room *room = by->room;
    struct member *member = find_other(s, room, nick);
    if (!member)
        return;
    if (!may_kick(by, member)) {
        reply(s, ERR_CHANOPRIVSNEEDED, "%s :Your rank is too low", room->name);
        return;
    }
    struct event e = event_in(room, EVENT_KICK, &s->user);
    e.whom = member->user->name;
    e.text = why;
    room_tell(room, &e, NULL, 0);
    event_end(&e);
    member_leave(s->irc->hub, member);
}

static void kick_from(struct session *s, char *name, char *nick, const char *why)
{
    struct room *room;
    struct member *member;
    if (find_place(s, name, &room, &member) && is_at_least(s, member, RANK_HALFOP))
        kick(s, member, nick, why);
}

// One room and several nicks, or as many of both, in pairs (RFC 2812).
void on_kick(struct session *s, const struct line *line)
{
    char *rooms = line->params[0], *nicks = line->params[1], *nick, *next;
    char *why = line->count > 2 ? line->params[2] : s->user.name;
    char *room = list_next(&rooms);
    if (!room || list_is_empty(nicks))
        reply(s, ERR_NEEDMOREPARAMS, "KICK :Not enough parameters");
    if (!*why)
        why = s->user.name;
    if (why != s->user.name)
        why[utf8_cut(why, strlen(why), LIMIT_KICK)] = '\0';
    for (int n = 0; room && n < LIMIT_TARGETS && (nick = list_next(&nicks)); n++) {
        kick_from(s, room, nick, why);
        if ((next = list_next(&rooms)))
            room = next;
    }
}

// Those in the room who may invite hear of it, if they asked to (invite-notify).
static void tell_inviters(const struct room *room, struct event *e)
{
    struct member *m;
    TAILQ_FOREACH (m, &room->members, in_room) {
        struct session *other = session_of(m->user);
        if (m->user != e->from && m->ranks >= RANK_HALFOP && other && (other->caps & CAP_INVITE))
            session_deliver(m->user, e);
    }
}

// It opens the room if it comes from one who keeps order there; from others it is a message.
static void invite(struct session *s, const struct member *by, struct user *user)
{
    struct room *room = by->room;
    if (member_rank(by) >= RANK_HALFOP && room_invite(room, user) < 0) {
        reply(s, ERR_UNKNOWNERROR, "INVITE :Out of memory");
        return;
    }
    struct event e = event_in(room, EVENT_INVITE, &s->user);
    e.whom = user->name;
    reply(s, RPL_INVITING, "%s %s", user->name, room->name);
    user->outlet->deliver(user, &e);
    tell_inviters(room, &e);
    event_end(&e);
    if (user->away)
        reply(s, RPL_AWAY, "%s :%s", user->name, user->away);
}

// Without parameters: to where the client is invited.
static void list_invitations(struct session *s)
{
    for (struct room *room = s->irc->hub->rooms; room; room = room->hh.next)
        if (room_is_asked(room, &s->user))
            reply(s, RPL_INVITELIST, "%s", room->name);
    reply(s, RPL_ENDOFINVITELIST, ":End of /INVITE list");
}

void on_invite(struct session *s, const struct line *line)
{
    struct room *room;
    struct member *member;
    if (line->count == 0) {
        list_invitations(s);
        return;
    }
    if (line->count == 1) {
        reply(s, ERR_NEEDMOREPARAMS, "INVITE :Not enough parameters");
        return;
    }
    struct user *user = user_find(s->irc->hub, line->params[0]);
    if (!user)
        reply(s, ERR_NOSUCHNICK, "%s :No such nick/channel", shown(line->params[0]));
    if (!user || !find_place(s, line->params[1], &room, &member))
        return;
    if ((room->modes & ROOM_INVITE_ONLY) && !is_at_least(s, member, RANK_HALFOP))
        return;
    if (member_find(room, user))
        reply(s, ERR_USERONCHANNEL, "%s %s :is already on channel", user->name, room->name);
    else
        invite(s, member, user);
}
