// SPDX-License-Identifier: MIT
// message.c - PRIVMSG, NOTICE and TAGMSG: what people say.
//
// A line that fits when the client sends it may not when it goes on with the client's own source in
// front. It is refused then: what was said arrives whole, or its author knows that it did not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/history.h"
#include "chat/irc/hold.h"
#include "chat/irc/limits.h"
#include "chat/irc/lists.h"
#include "chat/irc/multiline.h"

struct message {
    enum event_kind kind;
    const char *text;        // NULL: only tags
    const char *client_tags; // or NULL
    bool several;            // came as a batch of lines
};

static bool is_name(const char *tag, size_t size, const char *name, size_t name_size)
{
    return name_size == size && memcmp(tag, name, size) == 0;
}

// Whether the setting lets this tag pass: "*,-typing" refuses all but one, "typing" one.
static bool tag_is_refused(const char *setting, const char *tag, size_t size)
{
    bool all = false, named = false, excepted = false;
    for (const char *at = setting ? setting : ""; *at; at += strspn(at, ",")) {
        size_t word = strcspn(at, ",");
        all = all || is_name("*", 1, at, word);
        named = named || is_name(tag, size, at, word);
        excepted = excepted || (*at == '-' && is_name(tag, size, at + 1, word - 1));
        at += word;
    }
    return named || (all && !excepted);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

static bool is_all_of(const char *allowed, const char *from, const char *end)
{
    while (from < end && strchr(allowed, *from))
        from++;
    return from == end;
}

// "+[host/]name", as IRCv3 has it: others would read another key, or none.
static bool is_client_key(const char *key, size_t size)
{
    if (size == 0 || *key != '+')
        return false;
    const char *end = key + size, *host = key + 1, *slash = memchr(key, '/', size);
    const char *name = slash ? slash + 1 : host;
    if (slash && (slash == host || !is_all_of(LETTERS ".", host, slash)))
        return false;
    return name < end && is_all_of(LETTERS, name, end);
}

// A tag that clients pass to each other, and no later one has its name.
static bool passes(const struct session *s, const char *tag, size_t size, const char *rest)
{
    const char *later;
    size_t later_size, key = 0;
    while (key < size && tag[key] != '=')
        key++;
    if (!is_client_key(tag, key) || tag_is_refused(s->irc->set.tags_refused, tag + 1, key - 1))
        return false;
    while (tag_next(&rest, &later, &later_size))
        if (later_size >= key && memcmp(later, tag, key) == 0 &&
            (later_size == key || later[key] == '='))
            return false;
    return true;
}

// Those of the line that go on to others. NULL: none, or no memory for them.
static char *client_tags_of(const struct session *s, const char *tags)
{
    const char *at = tags, *tag;
    size_t size, length = 0;
    char *out = (s->caps & CAP_TAGS) && strchr(at, '+') ? malloc(strlen(at) + 1) : NULL;
    while (out && tag_next(&at, &tag, &size)) {
        if (!passes(s, tag, size, at))
            continue;
        if (length > 0)
            out[length++] = ';';
        memcpy(out + length, tag, size);
        length += size;
    }
    if (out)
        out[length] = '\0';
    if (length > 0)
        return out;
    free(out);
    return NULL;
}

// To a NOTICE nobody answers by machine.
static void refuse(struct session *s, const struct message *m, enum numeric number, char *target,
                   const char *why)
{
    if (m->kind != EVENT_NOTICE)
        reply(s, number, "%s :%s", shown(target), why);
}

static struct event event_of_message(struct session *s, const struct message *m, const char *target)
{
    struct event e = event_of(m->kind, &s->user);
    e.target = target;
    e.text = m->text;
    e.client_tags = m->client_tags;
    e.several = m->several;
    return e;
}

// The sender's own echo, and its labelled answer, wait until the message is kept. An answer may be
// to several, and of each is told if it is not, so this is not left to labelled_send().
static void acknowledge(struct session *s, struct event *e)
{
    if (e->number < 0)
        hold_fail(s, DEED_MESSAGE);
    else if ((s->caps & CAP_ECHO) || s->answer)
        hold(s, DEED_MESSAGE, e->number, e->number);
    if (s->caps & CAP_ECHO)
        session_deliver(&s->user, e);
}

// The mode by which the room does not take it, or 0.
static char mode_against(const struct room *room, const struct user *user, const struct message *m)
{
    char mode = room_mutes(room, user);
    if (mode)
        return mode;
    if ((room->modes & ROOM_NO_NOTICE) && m->kind == EVENT_NOTICE)
        return 'T';
    return (room->modes & ROOM_NO_CTCP) && event_has_ctcp(m->text) ? 'C' : '\0';
}

// Of several prefixes in front of a room's name the lowest counts, as the ranks above it are told
// too (Modern IRC). '\0': there is none.
static char lowest_prefix(const char *target)
{
    size_t prefixes = strspn(target, RANK_PREFIXES);
    for (const char *at = RANK_PREFIXES; *at; at++)
        if (memchr(target, *at, prefixes))
            return *at;
    return '\0';
}

// The ranks from this prefix on, or 0: it is none.
static unsigned ranks_from(char prefix)
{
    const char *at = prefix ? strchr(RANK_PREFIXES, prefix) : NULL;
    return at ? ~0u << (at - RANK_PREFIXES) & ((1u << RANKS) - 1) : 0;
}

static void say_in_room(struct session *s, const struct message *m, char *target)
{
    const char prefix = lowest_prefix(target);
    unsigned ranks = ranks_from(prefix);
    struct room *room = room_find(s->irc->hub, target + strspn(target, RANK_PREFIXES));
    if (!room) {
        refuse(s, m, ERR_NOSUCHCHANNEL, target, "No such channel");
        return;
    }
    char mode = mode_against(room, &s->user, m);
    if (mode) {
        char why[32];
        (void)snprintf(why, sizeof why, "Cannot send to channel (+%c)", mode);
        refuse(s, m, ERR_CANNOTSENDTOCHAN, target, why);
        return;
    }
    char to[ROOM_NAME_MAX + 2];
    (void)snprintf(to, sizeof to, "%.*s%s", ranks != 0, &prefix, room->name);
    struct event e = event_of_message(s, m, to);
    e.room = room;
    if (!event_fits(&e)) {
        session_too_long(s);
    } else {
        s->irc->hub->messages++;
        room_tell(room, &e, &s->user, ranks);
        acknowledge(s, &e);
    }
    event_end(&e);
}

static void say_to_user(struct session *s, const struct message *m, char *target)
{
    struct user *to = user_find(s->irc->hub, target);
    if (!to) {
        refuse(s, m, ERR_NOSUCHNICK, target, "No such nick/channel");
        return;
    }
    struct event e = event_of_message(s, m, to->name);
    if (!event_fits(&e)) {
        session_too_long(s);
    } else {
        struct labelled *answer = s->answer;
        history_record_private(&s->user, to, &e);
        if (to == &s->user && (s->caps & CAP_ECHO))
            s->answer = NULL; // of the two, the echo is the answer
        to->outlet->deliver(to, &e);
        s->answer = answer;
        acknowledge(s, &e);
        if (to->away && m->kind == EVENT_MESSAGE)
            reply(s, RPL_AWAY, "%s :%s", to->name, to->away);
    }
    event_end(&e);
}

static bool is_room_name(const char *target)
{
    return target[strspn(target, RANK_PREFIXES)] == '#';
}

static int count_list(const char *list)
{
    int n = 0;
    for (; *list; list += strspn(list, ",")) {
        n += *list != ',';
        list += strcspn(list, ",");
    }
    return n;
}

static void say_to_all(struct session *s, const struct message *m, char *targets)
{
    if (count_list(targets) > LIMIT_TARGETS) {
        refuse(s, m, ERR_TOOMANYTARGETS, targets, "Too many targets, nothing was sent");
        return;
    }
    for (char *target; (target = list_next(&targets)) && !s->ended;) {
        if (is_room_name(target))
            say_in_room(s, m, target);
        else
            say_to_user(s, m, target);
    }
}

static void say_tagged(struct session *s, struct message *m, char *targets, const char *tags)
{
    char *passed = client_tags_of(s, tags);
    m->client_tags = passed;
    s->user.spoke = s->irc->hub->now(s->irc->hub);
    if (m->text || passed) // a TAGMSG without a tag says nothing
        say_to_all(s, m, targets);
    free(passed);
}

void say_message(struct session *s, enum event_kind kind, char *target, const char *text,
                 const char *tags)
{
    struct message m = {.kind = kind, .text = text, .several = true};
    say_tagged(s, &m, target, tags);
}

static void say_text(struct session *s, const struct line *line, enum event_kind kind)
{
    struct message m = {.kind = kind, .text = line->count > 1 ? line->params[1] : ""};
    bool silent = kind == EVENT_NOTICE;
    const char *command = silent ? "NOTICE" : "PRIVMSG";
    if (line->count == 0 || list_is_empty(line->params[0])) {
        if (!silent)
            reply(s, ERR_NORECIPIENT, ":No recipient given (%s)", command);
    } else if (!*m.text) {
        if (!silent)
            reply(s, ERR_NOTEXTTOSEND, ":No text to send");
    } else {
        say_tagged(s, &m, line->params[0], line->tags);
    }
}

void on_privmsg(struct session *s, const struct line *line)
{
    say_text(s, line, EVENT_MESSAGE);
}

void on_notice(struct session *s, const struct line *line)
{
    say_text(s, line, EVENT_NOTICE);
}

void on_tagmsg(struct session *s, const struct line *line)
{
    struct message m = {.kind = EVENT_TAGS};
    if (list_is_empty(line->params[0]))
        reply(s, ERR_NORECIPIENT, ":No recipient given (TAGMSG)");
    else
        say_tagged(s, &m, line->params[0], line->tags);
}
