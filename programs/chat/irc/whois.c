// SPDX-License-Identifier: MIT
// whois.c - WHOIS: all that may be known of somebody.
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"

// Whether the viewer may know that the member is in that room.
static bool may_know(const struct member *m, const struct user *viewer)
{
    bool hides = (m->room->modes & ROOM_SECRET) || (m->user->modes & USER_INVISIBLE);
    return m->user == viewer || !hides || member_find(m->room, viewer);
}

static void send_rooms(struct session *s, const struct user *user)
{
    char text[LINE_BODY_MAX + 1], word[ROOM_NAME_MAX + RANKS + 2], prefix[RANKS + 1];
    size_t most = reply_room(s) - strlen(user->name) - (sizeof " :" - 1), size = 0;
    struct member *m;
    TAILQ_FOREACH (m, &user->rooms, of_user) {
        if (!may_know(m, &s->user))
            continue;
        (void)snprintf(word, sizeof word, "%s%s",
                       rank_prefixes(m->ranks, s->caps & CAP_MULTI_PREFIX, prefix), m->room->name);
        if (size > 0 && size + 1 + strlen(word) > most) {
            reply(s, RPL_WHOISCHANNELS, "%s :%s", user->name, text);
            size = 0;
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size > 0 ? " " : "",
                                 word);
    }
    if (size > 0)
        reply(s, RPL_WHOISCHANNELS, "%s :%s", user->name, text);
}

static void send_whois(struct session *s, const struct user *user)
{
    const struct irc *irc = s->irc;
    const char *name = user->name;
    reply(s, RPL_WHOISUSER, "%s %s %s * :%s", name, user->login, user->host,
          user->real ? user->real : name);
    send_rooms(s, user);
    reply(s, RPL_WHOISSERVER, "%s %s :%s", name, irc->set.name, irc->set.description);
    if (user->away)
        reply(s, RPL_AWAY, "%s :%s", name, user->away);
    if (user->modes & USER_OPERATOR)
        reply(s, RPL_WHOISOPERATOR, "%s :is an IRC operator", name);
    if (user->modes & USER_BOT)
        reply(s, RPL_WHOISBOT, "%s :is a bot", name);
    reply(s, RPL_WHOISIDLE, "%s %lld %lld :seconds idle, signon time", name,
          (long long)((irc->hub->now(irc->hub) - user->spoke) / 1000),
          (long long)(user->since / 1000));
}

void on_whois(struct session *s, const struct line *line)
{
    if (line->count == 0 || !*line->params[line->count > 1]) {
        reply(s, ERR_NONICKNAMEGIVEN, ":No nickname given");
        return;
    }
    if (line->count > 1 && !names_this_server(s, line->params[0]))
        return;
    char *nick = line->params[line->count > 1];
    nick[strcspn(nick, ",")] = '\0'; // one at a time: TARGMAX says so
    const struct user *user = user_find(s->irc->hub, nick);
    const char *asked = user ? user->name : *nick ? shown(nick) : "*";
    if (user)
        send_whois(s, user);
    else
        reply(s, ERR_NOSUCHNICK, "%s :No such nick/channel", asked);
    reply(s, RPL_ENDOFWHOIS, "%s :End of /WHOIS list", asked);
}
