// SPDX-License-Identifier: MIT
// register.c - how a client becomes a user: PASS, NICK, USER, and CAP's end; and how it goes.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weft/base.h>

#include "chat/irc/handlers.h"
#include "chat/irc/history.h"
#include "chat/irc/limits.h"
#include "chat/irc/monitor.h"
#include "chat/irc/whowas.h"
#include "common/utf8.h"

static void greet(struct session *s)
{
    const char *name = s->irc->set.name, *nick = s->user.name;
    char created[32];
    time_t started = (time_t)(s->irc->started / 1000);
    struct tm t;
    (void)gmtime_r(&started, &t);
    (void)strftime(created, sizeof created, "%Y-%m-%d %H:%M:%S UTC", &t);
    reply(s, RPL_WELCOME, ":Welcome to the %s network, %s", s->irc->set.network, nick);
    reply(s, RPL_YOURHOST, ":Your host is %s, running version weft-%s", name, weft_version());
    reply(s, RPL_CREATED, ":This server was started %s", created);
    reply(s, RPL_MYINFO, "%s weft-%s Biow CITabehiklmnoqstv Iabehkloqv", name, weft_version());
    send_isupport(s);
    send_lusers(s);
    history_tell_all_kept(s);
    send_motd(s); // last: by its end clients know that all is said
}

bool irc_lets_in(const struct irc *irc, const char *password, size_t size)
{
    const char *wanted = irc->set.password;
    return !wanted || (strlen(wanted) == size && sodium_memcmp(password, wanted, size) == 0);
}

static bool password_is_right(const struct session *s)
{
    return !s->irc->set.password || (s->pass && irc_lets_in(s->irc, s->pass, strlen(s->pass)));
}

// Everything is there: the client becomes a user.
static void register_if_ready(struct session *s)
{
    if (s->registered || s->negotiating || !s->named || !s->user.real || s->ended)
        return;
    if (!password_is_right(s)) {
        reply(s, ERR_PASSWDMISMATCH, ":Password incorrect");
        session_drop(s, DROP_REFUSED, "Bad password");
        return;
    }
    char nick[NICK_MAX + 1];
    memcpy(nick, s->user.name, sizeof nick);
    int rc = user_enter(s->irc->hub, &s->user, nick);
    if (rc == -EEXIST) { // somebody was faster, between its NICK and now
        reply(s, ERR_NICKNAMEINUSE, "%s :Nickname is already in use", nick);
        s->named = false;
    } else if (rc < 0) {
        session_end(s, "Out of memory");
    } else {
        s->registered = true;
        s->irc->unknown--;
        greet(s);
    }
}

void on_cap_end(struct session *s)
{
    s->negotiating = false;
    register_if_ready(s);
}

void on_pass(struct session *s, const struct line *line)
{
    if (s->registered)
        reply(s, ERR_ALREADYREGISTERED, ":You may not reregister");
    else
        (void)user_set_text(&s->pass, line->params[0]); // without memory: a wrong password
}

// A login is plain text of the Internet's oldest kind: it stands in masks.
static bool login_is_valid(const char *login)
{
    for (; *login; login++)
        if (*login <= ' ' || *login >= 0x7F || strchr("!@:*?", *login))
            return false;
    return true;
}

void on_user(struct session *s, const struct line *line)
{
    char *real = line->params[3];
    if (s->registered) {
        reply(s, ERR_ALREADYREGISTERED, ":You may not reregister");
    } else if (!*line->params[0] || !*real) {
        reply(s, ERR_NEEDMOREPARAMS, "USER :Not enough parameters");
    } else if (!login_is_valid(line->params[0])) {
        reply(s, ERR_INVALIDUSERNAME, ":Invalid username");
    } else {
        // with a '~': nobody vouches for it
        (void)snprintf(s->user.login, sizeof s->user.login, "~%s", line->params[0]);
        real[utf8_cut(real, strlen(real), LIMIT_REAL)] = '\0';
        if (user_set_text(&s->user.real, real) < 0)
            session_end(s, "Out of memory");
        register_if_ready(s);
    }
}

// ---- names ---------------------------------------------------------------------------------

static void take_first_name(struct session *s, const char *nick)
{
    (void)snprintf(s->user.name, sizeof s->user.name, "%s", nick);
    s->named = true;
    register_if_ready(s);
}

static void rename_user(struct session *s, const char *nick)
{
    struct user *user = &s->user;
    if (strcmp(user->name, nick) == 0)
        return;
    struct event e = event_of(EVENT_NICK, user);
    char source[sizeof user->name + sizeof user->login + sizeof user->host + 2];
    (void)snprintf(source, sizeof source, "%s", user->source);
    if (!name_same(user->name, nick)) // else nobody went: MENTIONS would begin here
        whowas_add(s->irc, user);
    if (user_rename(user, nick) < 0) { // it was free a moment ago: for want of memory
        reply(s, ERR_UNKNOWNERROR, "NICK :Out of memory");
        return;
    }
    e.source = source;
    e.target = user->name;
    session_deliver(user, &e);
    peers_tell(user, &e);
    event_end(&e);
}

void on_nick(struct session *s, const struct line *line)
{
    const char *nick = line->count > 0 ? line->params[0] : "";
    struct user *other = user_find(s->irc->hub, nick);
    if (!*nick)
        reply(s, ERR_NONICKNAMEGIVEN, ":No nickname given");
    else if (!nick_is_valid(nick))
        reply(s, ERR_ERRONEUSNICKNAME, "%s :Erroneous nickname", shown(line->params[0]));
    else if (other && other != &s->user)
        reply(s, ERR_NICKNAMEINUSE, "%s :Nickname is already in use", nick);
    else if (s->registered)
        rename_user(s, nick);
    else
        take_first_name(s, nick);
}

// ---- the end, and whether the client is there ----------------------------------------------

void on_quit(struct session *s, const struct line *line)
{
    // The colon and the blank stand there without a reason as well, as Modern IRC wants it.
    session_end(s, "Quit: %s", line->count > 0 ? shortened(line->params[0], LIMIT_KICK) : "");
}

void on_ping(struct session *s, const struct line *line)
{
    if (line->count == 0 || !*line->params[0])
        reply(s, ERR_NOORIGIN, ":No origin specified");
    else
        tell(s, "PONG %s :%s", s->irc->set.name, line->params[0]);
}

void on_pong(struct session *s, const struct line *line)
{
    (void)s; // that something came is the answer
    (void)line;
}

void on_error(struct session *s, const struct line *line)
{
    (void)s; // servers say it, clients need not
    (void)line;
}
