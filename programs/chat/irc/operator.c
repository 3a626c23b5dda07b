// SPDX-License-Identifier: MIT
// operator.c - OPER, KILL, WALLOPS and REHASH: those who look after the server, and are told of it.
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/wait.h>

#include "chat/hub/event.h"
#include "chat/irc/handlers.h"
#include "chat/irc/multiline.h"

enum { REASON_MAX = 300 }; // of a KILL: it fits into a line with the names around it

// The hash is a copy: the settings may be read again meanwhile.
struct question {
    char hash[crypto_pwhash_STRBYTES];
    const char *password;
};

// Argon2 takes tens of milliseconds on purpose: on a helper thread, so that only who asks waits.
static int verify(const struct question *q, bool *right)
{
    *right = crypto_pwhash_str_verify(q->hash, q->password, strlen(q->password)) == 0;
    return 0;
}
WEFT_TASK(verify, struct question, bool);

static const struct irc_operator *find_operator(const struct irc *irc, const char *name)
{
    for (size_t i = 0; i < irc->set.operator_count; i++)
        if (strcmp(irc->set.operators[i].name, name) == 0)
            return &irc->set.operators[i];
    return NULL;
}

static void make_operator(struct session *s)
{
    char text[LINE_BODY_MAX];
    reply(s, RPL_YOUREOPER, ":You are now an IRC operator");
    if (s->user.modes & USER_OPERATOR)
        return;
    user_set_mode(&s->user, USER_OPERATOR, true);
    (void)snprintf(text, sizeof text, ":%s MODE %s +o", s->user.source, s->user.name);
    say(s, NULL, text);
}

void on_oper(struct session *s, const struct line *line)
{
    const struct irc_settings *set = &s->irc->set;
    if (set->operator_count == 0) {
        reply(s, ERR_NOOPERHOST, ":No O-lines for your host");
        return;
    }
    // an unknown name takes as long as a wrong password
    const struct irc_operator *who = find_operator(s->irc, line->params[0]);
    struct question q = {.password = line->params[1]};
    (void)snprintf(q.hash, sizeof q.hash, "%s", who ? who->hash : set->operators[0].hash);
    bool right = false;
    int rc = weft_block(verify, &right, &q);
    if (s->ended)
        return; // meanwhile
    if (rc == 0 && right && who)
        make_operator(s);
    else
        reply(s, ERR_PASSWDMISMATCH, ":Password incorrect");
}

// The client is told by whom, as IRC has it, before it is told that its connection ends. One of the
// plain door has no such words.
static void tell_killed(const struct session *by, struct user *user, const char *why)
{
    char text[LINE_BODY_MAX + 1];
    struct session *s = session_of(user);
    if (!s || s->ended)
        return;
    (void)snprintf(text, sizeof text, ":%s KILL %s :%s", by->user.source, user->name, why);
    struct labelled *held = answer_aside(s); // what it is asking has another answer
    say(s, NULL, text);
    s->answer = held;
}

void on_kill(struct session *s, const struct line *line)
{
    const char *nick = line->params[0], *why = "no reason";
    char reason[LINE_BODY_MAX];
    struct user *user = user_find(s->irc->hub, nick);
    if (!user) {
        reply(s, ERR_NOSUCHNICK, "%s :No such nick/channel", shown(line->params[0]));
        return;
    }
    if (line->count > 1)
        why = shortened(line->params[1], REASON_MAX);
    (void)snprintf(reason, sizeof reason, "Killed (%s (%s))", s->user.name, why);
    tell_killed(s, user, why);
    user->outlet->expel(user, reason);
}

void on_wallops(struct session *s, const struct line *line)
{
    if (!*line->params[0]) {
        reply(s, ERR_NEEDMOREPARAMS, "WALLOPS :Not enough parameters");
        return;
    }
    struct event e = event_of(EVENT_WALLOPS, &s->user);
    e.text = line->params[0];
    bool fits = event_fits(&e); // else its end would be cut off behind the operator's source
    if (!fits)
        session_too_long(s);
    for (struct user *user = s->irc->hub->users; user && fits; user = user->hh.next)
        if (user->modes & USER_WALLOPS)
            user->outlet->deliver(user, &e);
    event_end(&e);
}

void on_rehash(struct session *s, const struct line *line)
{
    const struct irc_settings *set = &s->irc->set;
    (void)line;
    reply(s, RPL_REHASHING, "weft.ini :Rehashing");
    if (set->rehash)
        set->rehash(set->owner);
}

void irc_tell_operators(struct irc *irc, const char *text)
{
    struct session *s;
    LIST_FOREACH (s, &irc->sessions, link) {
        struct labelled *answer = answer_aside(s); // what he is asking has another answer
        if (s->user.modes & USER_OPERATOR)
            tell(s, "NOTICE %s :%s", s->user.name, text);
        s->answer = answer;
    }
}
