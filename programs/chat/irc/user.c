// SPDX-License-Identifier: MIT
// user.c - AWAY, SETNAME, ISON and USERHOST: what people say and ask of themselves and each other.
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/limits.h"
#include "chat/irc/monitor.h"
#include "common/utf8.h"

enum { USERHOST_MAX = 5 };

void on_away(struct session *s, const struct line *line)
{
    char *why = line->count > 0 ? line->params[0] : NULL;
    bool was = s->user.away != NULL;
    if (why)
        why[utf8_cut(why, strlen(why), LIMIT_AWAY)] = '\0';
    if (user_set_text(&s->user.away, why) < 0) {
        reply(s, ERR_UNKNOWNERROR, "AWAY :Out of memory");
        return;
    }
    bool is = s->user.away != NULL;
    if (is || was) {
        struct event e = event_of(EVENT_AWAY, &s->user);
        e.text = s->user.away;
        peers_tell(&s->user, &e);
        watch_tell(&s->user, &e);
        event_end(&e);
    }
    if (is)
        reply(s, RPL_NOWAWAY, ":You have been marked as being away");
    else
        reply(s, RPL_UNAWAY, ":You are no longer marked as being away");
}

void on_setname(struct session *s, const struct line *line)
{
    const char *name = line->params[0];
    if (!*name || strlen(name) > LIMIT_REAL) {
        fail(s, "SETNAME", "INVALID_REALNAME", "", "Realname is not valid");
        return;
    }
    if (user_set_text(&s->user.real, name) < 0) {
        fail(s, "SETNAME", "CANNOT_CHANGE_REALNAME", "", "Out of memory");
        return;
    }
    struct event e = event_of(EVENT_NAME, &s->user);
    e.text = name;
    session_deliver(&s->user, &e);
    peers_tell(&s->user, &e);
    watch_tell(&s->user, &e);
    event_end(&e);
}

// ---- who is here ---------------------------------------------------------------------------

// The text so far and one more word, if it fits.
static void add_word(char *text, size_t room, const char *word)
{
    size_t size = strlen(text);
    if (size + 1 + strlen(word) < room)
        (void)snprintf(text + size, room - size, "%s%s", size > 0 ? " " : "", word);
}

static void add_those_here(struct session *s, char *names, char *text, size_t room)
{
    for (char *name; (name = strsep(&names, " "));) {
        const struct user *user = *name ? user_find(s->irc->hub, name) : NULL;
        if (user)
            add_word(text, room, user->name);
    }
}

void on_ison(struct session *s, const struct line *line)
{
    char text[LINE_BODY_MAX] = "";
    for (int i = 0; i < line->count; i++)
        add_those_here(s, line->params[i], text, reply_room(s));
    reply(s, RPL_ISON, ":%s", text);
}

void on_userhost(struct session *s, const struct line *line)
{
    char text[LINE_BODY_MAX] = "", word[NICK_MAX + LOGIN_MAX + HOST_MAX + 8];
    for (int i = 0; i < line->count && i < USERHOST_MAX; i++) {
        const struct user *user = user_find(s->irc->hub, line->params[i]);
        if (!user)
            continue;
        (void)snprintf(word, sizeof word, "%s%s=%c%s@%s", user->name,
                       user->modes & USER_OPERATOR ? "*" : "", user->away ? '-' : '+', user->login,
                       user->host);
        add_word(text, reply_room(s), word);
    }
    reply(s, RPL_USERHOST, ":%s", text);
}
