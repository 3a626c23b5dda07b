// SPDX-License-Identifier: MIT
// news.c - see news.h. A row for each kind of news.
//
// Where an answer is shown: in the room that it is about if that is open, else where the user
// looks, because he asked there. What nobody asked for (the greeting, numbers) is the server's.
#include "chat/join/news.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TEXT_ROOM = 1024,
    FOUND_ROOM = MESSAGE_MAX,
    RPL_UMODEIS = 221,
    GREETING_FIRST = 1,
    GREETING_LAST = 5
};

static void event(struct model *m, struct room *r, const struct news *n, const char *text)
{
    model_add(m, r, &(struct speech){.kind = SAID_EVENT, .time_s = n->time_s, .text = text});
}

// "alice has left (reason)" to the room.
static void event_with_reason(struct model *m, struct room *r, const struct news *n,
                              const char *who, const char *what)
{
    char text[2 * TEXT_ROOM]; // `what` may have one
    bool why = *n->text != '\0';
    (void)snprintf(text, sizeof text, "%s %s%s%s%s", who, what, why ? " (" : "", n->text,
                   why ? ")" : ""); // cut on purpose
    event(m, r, n, text);
}

// ---- speech --------------------------------------------------------------------------------

// Where the user looks, as it was said long ago: "2026-01-31 23:59 #room <nick> text".
static void show_found(struct model *m, const struct session *s, const struct news *n)
{
    static const char *const heads[] = {
        [NEWS_SAID] = "<%s> ", [NEWS_ACTION] = "* %s ", [NEWS_NOTICE] = "-%s- "};
    char at[32] = "", head[2 * NAME_ROOM], text[FOUND_ROOM];
    struct tm tm;
    time_t when = (time_t)n->time_s;
    if (localtime_r(&when, &tm))
        (void)strftime(at, sizeof at, "%Y-%m-%d %H:%M", &tm);
    (void)snprintf(head, sizeof head, heads[n->kind], n->who); // these two are cut on purpose
    (void)snprintf(text, sizeof text, "%s %s %s%s", at, n->room, head, n->text);
    model_add(m, model_active(m),
              &(struct speech){.kind = SAID_EVENT, .time_s = s->ops->now_s(s->ctx), .text = text});
}

static void found_end(struct model *m, const struct session *s, const struct news *n)
{
    (void)s;
    event(m, model_active(m), n, n->text);
}

// Whether the room has the message already. Another line of one that has several is as the first.
static bool is_double(struct model *m, struct room *r, const struct news *n)
{
    if (!*n->id)
        return false;
    if (n->more)
        return r->doubled && strcmp(r->doubled, n->id) == 0;
    bool known = model_said(r, n->id) != NULL;
    free(r->doubled);
    r->doubled = known ? strdup(n->id) : NULL;
    m->short_of_memory |= known && !r->doubled;
    return known;
}

static void speak(struct model *m, const struct session *s, const struct news *n)
{
    static const enum said_kind kinds[] = {
        [NEWS_SAID] = SAID_TEXT, [NEWS_ACTION] = SAID_ACTION, [NEWS_NOTICE] = SAID_NOTICE};
    struct room *r = m->rooms[0];
    if (n->way == PAST_FOUND) {
        show_found(m, s, n);
        return;
    }
    if (n->way == PAST_OLDER)
        r = model_find(m, n->room); // NULL: it was closed meanwhile
    else if (*n->room && n->kind == NEWS_NOTICE && !session_is_room(s, n->room))
        r = model_active(m); // a private notice opens no talk
    else if (*n->room)
        r = model_room(m, n->room, session_is_room(s, n->room));
    if (!r || is_double(m, r, n))
        return;
    const struct speech speech = {.kind = kinds[n->kind],
                                  .time_s = n->time_s,
                                  .millis = n->millis,
                                  .who = n->who,
                                  .text = n->text,
                                  .id = n->id,
                                  .mine = n->mine,
                                  .old = n->way == PAST_OLD};
    if (n->way == PAST_OLDER)
        model_add_older(m, r, &speech);
    else
        model_add(m, r, &speech);
}

// In the place where older lines would be, of the day of those below it.
static void beginning(struct model *m, const struct session *s, const struct news *n)
{
    struct room *r = model_find(m, n->room);
    const struct said *first = r ? model_first(r) : NULL;
    (void)s;
    if (!first || r->begun)
        return;
    r->begun = true;
    model_begin_older(r);
    model_add_older(m, r,
                    &(struct speech){.kind = SAID_EVENT,
                                     .time_s = first->time_s,
                                     .text = "nothing older is kept"});
}

static void redacted(struct model *m, const struct session *s, const struct news *n)
{
    struct room *r = model_find(m, n->room);
    (void)s;
    if (r && model_blank(r, n->id))
        event_with_reason(m, r, n, n->mine ? "you" : n->who,
                          n->mine ? "have deleted a message" : "has deleted a message");
}

// Once for each room: it does not change often.
static void kept(struct model *m, const struct session *s, const struct news *n)
{
    struct room *r = model_find(m, n->room);
    (void)s;
    if (!r || r->kept_told)
        return;
    r->kept_told = true;
    event(m, r, n, n->text);
}

bool news_last(const struct model *m, const char *room, struct past_mark *mark)
{
    const struct room *r = model_find(m, room);
    const struct said *line = r ? model_said(r, NULL) : NULL;
    if (!r || r->since_s == 0)
        return false;
    *mark = (struct past_mark){.time_s = line ? line->time_s : r->since_s};
    (void)snprintf(mark->id, sizeof mark->id, "%s", line ? line->id : ""); // it fits: it came so
    return true;
}

bool news_first(const struct model *m, const struct room *r, struct past_mark *mark)
{
    bool there = r->channel ? r->joined : r != m->rooms[0];
    if (!there || r->begun || r->count == MODEL_LINES)
        return false;
    const struct said *line = model_first(r);
    if (!line)
        return false;
    *mark = (struct past_mark){.time_s = line->time_s, .millis = line->millis};
    (void)snprintf(mark->id, sizeof mark->id, "%s", line->id ? line->id : ""); // as above
    return true;
}

// ---- who is where --------------------------------------------------------------------------

static void join(struct model *m, const struct session *s, const struct news *n)
{
    bool is_new = !model_find(m, n->room);
    struct room *r = model_room(m, n->room, session_is_room(s, n->room));
    if (!r)
        return;
    if (n->mine) {
        r->joined = true;
        r->stale = true;
        if (r->since_s == 0)
            r->since_s = n->time_s;
        event(m, r, n, "you have joined");
        if (is_new)
            model_show(m, model_index(m, r));
        return;
    }
    model_enter(m, r, n->who, '\0');
    event_with_reason(m, r, n, n->who, "has joined");
}

static void leave(struct model *m, struct room *r, const struct news *n, const char *who)
{
    (void)model_leave(m, r, who);
    if (!n->mine)
        return;
    r->joined = false;
    model_empty(r);
}

static void part(struct model *m, const struct session *s, const struct news *n)
{
    struct room *r = model_find(m, n->room);
    (void)s;
    if (!r)
        return;
    event_with_reason(m, r, n, n->mine ? "you" : n->who, n->mine ? "have left" : "has left");
    leave(m, r, n, n->who);
}

static void kick(struct model *m, const struct session *s, const struct news *n)
{
    char what[TEXT_ROOM];
    struct room *r = model_find(m, n->room);
    (void)s;
    if (!r)
        return;
    (void)snprintf(what, sizeof what, "%s put out by %s", n->mine ? "were" : "was", n->who);
    event_with_reason(m, r, n, n->mine ? "you" : n->other, what);
    leave(m, r, n, n->other);
}

// Where the user looks: he is not in that room, and would not see it there, nor at the server's.
static void invite(struct model *m, const struct session *s, const struct news *n)
{
    char text[TEXT_ROOM];
    (void)s;
    (void)snprintf(text, sizeof text, "%s invites you to %s", n->who, n->room); // cut on purpose
    event(m, model_active(m), n, text);
}

static void quit(struct model *m, const struct session *s, const struct news *n)
{
    (void)s;
    for (int i = 1; i < m->count; i++)
        if (model_leave(m, m->rooms[i], n->who))
            event_with_reason(m, m->rooms[i], n, n->who, "has gone");
}

static void rename_in(struct model *m, struct room *r, const struct news *n)
{
    char text[TEXT_ROOM];
    model_rename(m, r, n->who, n->other);
    (void)snprintf(text, sizeof text, n->mine ? "you are called %s now" : "%s is called %s now",
                   n->mine ? n->other : n->who, n->other);
    event(m, r, n, text);
}

static void rename_all(struct model *m, const struct session *s, const struct news *n)
{
    bool told = false;
    if (n->mine)
        (void)snprintf(m->nick, sizeof m->nick, "%s", s->nick);
    for (int i = 1; i < m->count; i++)
        if (model_member(m, m->rooms[i], n->who)) {
            rename_in(m, m->rooms[i], n);
            told = true;
        }
    if (n->mine && !told)
        rename_in(m, model_active(m), n);
}

// ---- topics, members -----------------------------------------------------------------------

static void topic(struct model *m, const struct session *s, const struct news *n)
{
    char text[TEXT_ROOM];
    struct room *r = model_find(m, n->room);
    (void)s;
    if (!r)
        return;
    model_set_topic(m, r, n->text);
    if (*n->who)
        (void)snprintf(text, sizeof text, "%s set the topic: %s", n->who, n->text);
    else
        (void)snprintf(text, sizeof text, "topic: %s", n->text);
    event(m, r, n, text);
}

static void members(struct model *m, const struct session *s, const struct news *n)
{
    struct room *r = model_find(m, n->room);
    const char *at = n->text;
    char nick[NAME_ROOM];
    if (r && r->lists)
        event(m, r, n, n->text);
    if (!r || !r->joined)
        return;
    if (r->stale)
        model_empty(r);
    r->stale = false;
    while (*(at += strspn(at, " "))) {
        size_t size = strcspn(at, " "), ranks = strspn(at, s->ranks);
        if (ranks < size && size - ranks < sizeof nick) {
            memcpy(nick, at + ranks, size - ranks);
            nick[size - ranks] = '\0';
            nick[strcspn(nick, "!")] = '\0'; // userhost-in-names
            model_enter(m, r, nick, (char)(ranks > 0 ? *at : '\0'));
        }
        at += size;
    }
}

static void members_end(struct model *m, const struct session *s, const struct news *n)
{
    char text[64];
    struct room *r = model_find(m, n->room);
    (void)s;
    if (!r)
        return;
    (void)snprintf(text, sizeof text, "%zu here", r->member_count);
    if (r->joined || r->lists)
        event(m, r, n, text);
    r->lists = false;
    r->stale = true; // the next list is a whole one too
}

// ---- the server ----------------------------------------------------------------------------

static void welcome(struct model *m, const struct session *s, const struct news *n)
{
    (void)snprintf(m->nick, sizeof m->nick, "%s", s->nick);
    m->state[0] = '\0';
    event(m, m->rooms[0], n, n->text);
}

static bool is_asked_for(const struct news *n)
{
    bool greeting = n->numeric >= GREETING_FIRST && n->numeric <= GREETING_LAST;
    bool numbers = (n->numeric >= 250 && n->numeric <= 266) || n->numeric == RPL_UMODEIS;
    bool motd = n->numeric == 372 || n->numeric == 375 || n->numeric == 376 || n->numeric == 422;
    return !greeting && !numbers && !motd && n->numeric > 0;
}

static void answer(struct model *m, const struct session *s, const struct news *n)
{
    if (n->way == PAST_OLDER || n->way == PAST_FOUND)
        return; // what a program asked then is no news
    bool wrong = n->kind == NEWS_ERROR || n->kind == NEWS_CLOSING;
    bool asked = wrong ? n->numeric != 422 : is_asked_for(n);
    struct room *about = *n->room ? model_find(m, n->room) : NULL;
    struct room *r = about ? about : asked ? model_active(m) : m->rooms[0];
    (void)s;
    model_add(m, r,
              &(struct speech){.kind = n->kind == NEWS_TELL ? SAID_EVENT : SAID_ERROR,
                               .time_s = n->time_s,
                               .text = n->text});
}

void news_take(struct model *m, const struct session *s, const struct news *news)
{
    static void (*const rows[])(struct model *, const struct session *, const struct news *) = {
        [NEWS_WELCOME] = welcome,     [NEWS_REFUSED] = answer,
        [NEWS_SAID] = speak,          [NEWS_ACTION] = speak,
        [NEWS_NOTICE] = speak,        [NEWS_JOIN] = join,
        [NEWS_PART] = part,           [NEWS_KICK] = kick,
        [NEWS_QUIT] = quit,           [NEWS_NICK] = rename_all,
        [NEWS_TOPIC] = topic,         [NEWS_MEMBERS] = members,
        [NEWS_TELL] = answer,         [NEWS_MEMBERS_END] = members_end,
        [NEWS_ERROR] = answer,        [NEWS_KEPT] = kept,
        [NEWS_REDACTED] = redacted,   [NEWS_FOUND_END] = found_end,
        [NEWS_BEGINNING] = beginning, [NEWS_INVITE] = invite,
        [NEWS_CLOSING] = answer,
    };
    m->casemap = s->casemap;
    rows[news->kind](m, s, news);
}
