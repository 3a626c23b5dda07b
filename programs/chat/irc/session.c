// SPDX-License-Identifier: MIT
// session.c - see irc.h: one client, from its first line to its last.
#include "chat/irc/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/flood.h"
#include "chat/irc/hold.h"
#include "chat/irc/labelled.h"
#include "chat/irc/monitor.h"
#include "chat/irc/multiline.h"
#include "chat/irc/whowas.h"
#include "common/utf8.h"

static void expel(struct user *user, const char *reason)
{
    struct session *s = (struct session *)user;
    if (s->ended)
        return;
    session_end(s, "%s", reason);
    s->dropped = "Killed"; // by whom, and his words, are no matter of the log
    s->drop = DROP_KILLED;
}

static const struct outlet irc_outlet = {session_deliver, session_expect, expel};

struct session *session_of(struct user *user)
{
    return user->outlet == &irc_outlet ? (struct session *)user : NULL;
}

struct session *session_open(struct irc *irc, struct wire *wire, const char *host,
                             void (*wake)(void *), void *task)
{
    struct session *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct session){.irc = irc, .wire = wire, .wake = wake, .task = task};
    s->user.outlet = &irc_outlet;
    s->user.hub = irc->hub;
    s->opened = s->heard = irc->hub->now(irc->hub);
    user_set_host(&s->user, host);
    TAILQ_INIT(&s->watching);
    s->party = &s->alone;
    LIST_INSERT_HEAD(&irc->sessions, s, link);
    irc->unknown++;
    return s;
}

void session_join_party(struct session *s, struct seats_party *party)
{
    s->party = party;
}

bool session_ended(const struct session *s)
{
    return s->ended;
}

enum drop session_cause(const struct session *s)
{
    return s->drop;
}

bool session_registered(const struct session *s)
{
    return s->registered;
}

const char *session_dropped(const struct session *s)
{
    return s->dropped;
}

void session_end(struct session *s, const char *fmt, ...)
{
    char reason[LINE_BODY_MAX];
    va_list args;
    if (s->ended)
        return;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    (void)user_set_text(&s->reason, reason); // without memory: the caller's reason
    char line[LINE_BODY_MAX];
    (void)snprintf(line, sizeof line, "ERROR :Closing link: %s (%.400s)", s->user.host, reason);
    struct labelled *held = answer_aside(s); // an end is no answer
    say(s, NULL, line);
    s->answer = held;
    s->ended = true;
    s->wake(s->task);
}

void session_drop(struct session *s, enum drop drop, const char *why)
{
    if (s->ended)
        return;
    s->dropped = why;
    s->drop = drop;
    session_end(s, "%s", why);
}

int64_t session_due(const struct session *s)
{
    const struct irc_settings *set = &s->irc->set;
    if (!s->registered)
        return s->opened + set->register_ms;
    return s->heard + set->ping_ms + (s->asked ? set->answer_ms : 0);
}

// Nothing has happened after now: the clock was set back.
static void follow_clock(struct session *s, int64_t now)
{
    s->opened = s->opened > now ? now : s->opened;
    s->heard = s->heard > now ? now : s->heard;
}

void session_tick(struct session *s)
{
    int64_t now = s->irc->hub->now(s->irc->hub);
    follow_clock(s, now);
    if (s->ended || now < session_due(s))
        return;
    if (!s->registered) {
        session_drop(s, DROP_SILENT, "Registration timeout");
    } else if (s->asked) {
        s->dropped = "Ping timeout";
        s->drop = DROP_SILENT;
        session_end(s, "Ping timeout: %lld seconds",
                    (long long)((s->irc->set.ping_ms + s->irc->set.answer_ms) / 1000));
    } else {
        char ping[LINE_BODY_MAX];
        (void)snprintf(ping, sizeof ping, "PING :%s", s->irc->set.name);
        say(s, NULL, ping);
        s->asked = true;
        s->heard = now - s->irc->set.ping_ms; // to answer it has its whole time, from now on
    }
}

void session_close(struct session **session, const char *reason)
{
    struct session *s = *session;
    if (!s)
        return;
    s->ended = true; // nothing is said to it any more
    if (s->user.present) {
        struct event quit = event_of(EVENT_QUIT, &s->user);
        quit.text = s->reason ? s->reason : reason;
        whowas_add(s->irc, &s->user);
        peers_tell(&s->user, &quit);
        event_end(&quit);
        user_leave(&s->user);
    }
    if (!s->registered)
        s->irc->unknown--;
    watch_clear(s);
    hold_clear(s);
    batch_clear(s);
    LIST_REMOVE(s, link);
    user_release(&s->user);
    free(s->pass);
    free(s->reason);
    free(s);
    *session = NULL;
}

// ---- lines ---------------------------------------------------------------------------------

void session_too_long(struct session *s)
{
    reply(s, ERR_INPUTTOOLONG, ":Input line was too long");
    session_noise(s);
}

static bool has_rights(struct session *s, const struct command *command, const struct line *line)
{
    if (!s->registered && !(command->flags & COMMAND_EARLY))
        reply(s, ERR_NOTREGISTERED, ":You have not registered");
    else if (line->count < command->least)
        reply(s, ERR_NEEDMOREPARAMS, "%s :Not enough parameters", command->name);
    else if ((command->flags & COMMAND_OPERATOR) && !(s->user.modes & USER_OPERATOR))
        reply(s, ERR_NOPRIVILEGES, ":Permission Denied- You're not an IRC operator");
    else
        return true;
    return false;
}

// "POST / HTTP/1.1": a page in somebody's browser. Behind its head it can send lines of IRC, and
// must not speak here in his place.
static bool is_http(const struct session *s, const struct line *line)
{
    return !s->registered && line->count > 1 && strncmp(line->params[1], "HTTP/", 5) == 0;
}

// A line without a command is one that is too long.
static void run(struct session *s, const struct line *line, bool utf8)
{
    if (!line->command || !utf8)
        batch_spoil(s, line);
    if (!line->command) {
        session_too_long(s);
        return;
    }
    const struct command *command = command_find(line->command);
    bool was_registered = s->registered;
    int cost = command ? command->cost * FLOOD_COST : FLOOD_COST;
    if (!utf8)
        fail(s, command ? command->name : "*", "INVALID_UTF8", "",
             "Message rejected, your software must use UTF-8");
    else if (s->registered && batch_takes(s, line))
        cost = FLOOD_BATCH_LINE;
    else if (!command && is_http(s, line))
        session_drop(s, DROP_REFUSED, "This is no web server");
    else if (!command)
        reply(s, ERR_UNKNOWNCOMMAND, "%s :Unknown command", shown(line->command));
    else if (has_rights(s, command, line)) {
        s->irc->used[command - irc_commands]++;
        command->run(s, line);
    }
    flood_charge(s, cost); // afterwards: a client that is put out has its answer
    if (!was_registered && s->registered)
        flood_forgive(s); // it needs all of its budget, for its rooms and their history
}

// A copy of the label, or NULL: a label that is not UTF-8 must not come back in an answer either.
// An answer of several lines is a batch, so labels are for those who know batches.
static char *label_of(const struct session *s, const struct line *line)
{
    const unsigned needed = CAP_LABEL | CAP_BATCH;
    size_t size;
    if ((s->caps & needed) != needed)
        return NULL;
    const char *label = tag_find(line->tags, "label", &size);
    bool good = label && size > 0 && size <= LABEL_MAX && utf8_is_valid(label, size);
    return good ? strndup(label, size) : NULL;
}

static void run_labelled(struct session *s, const struct line *line, bool utf8, char *label)
{
    struct labelled answer = {.label = label};
    s->answer = &answer;
    run(s, line, utf8);
    s->answer = NULL;
    if (answer.late)
        free(answer.bytes);
    else
        labelled_send(s, &answer);
}

static void take_line(struct session *s, char *text, size_t size)
{
    struct line line;
    bool utf8 = utf8_is_valid(text, size);
    int rc = line_parse(&line, text, size);
    s->asked = false;
    s->heard = s->irc->hub->now(s->irc->hub);
    if (rc < 0 && rc != -EMSGSIZE) {
        session_noise(s); // an empty line means nothing
        return;
    }
    char *label = label_of(s, &line);
    if (label)
        run_labelled(s, &line, utf8, label);
    else
        run(s, &line, utf8);
    free(label);
}

// A carriage return alone ends a line too, as Modern IRC allows: none is ever passed on.
void session_line(struct session *s, char *line, size_t size)
{
    char *end = line + size;
    for (char *next; !s->ended; line = next + 1) {
        next = memchr(line, '\r', (size_t)(end - line));
        if (!next) {
            take_line(s, line, (size_t)(end - line));
            return;
        }
        *next = '\0';
        take_line(s, line, (size_t)(next - line));
    }
}
