// SPDX-License-Identifier: MIT
// record.c - see history.h: events on their way into the history.
//
// An event that happens in several rooms, a QUIT, is kept in each; ids are unique, so the later
// records add their number to it.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chat/irc/history.h"
#include "chat/irc/mode.h"
#include "chat/store/store.h"

// Tags alone are kept if they say something of a message: a reaction. Who types is forgotten.
static bool is_worth_it(const struct event *e)
{
    switch (e->kind) {
    case EVENT_TAGS:
        return e->client_tags &&
               (strstr(e->client_tags, "react=") || strstr(e->client_tags, "reply="));
    case EVENT_AWAY:
    case EVENT_HOST:
    case EVENT_NAME:
    case EVENT_INVITE:
    case EVENT_WALLOPS:
    case EVENT_REDACTION:
        return false;
    default:
        return true;
    }
}

// The words that are kept, most often the event's own.
static const char *text_of(const struct event *e, char text[LINE_BODY_MAX + 1])
{
    if (e->kind == EVENT_KICK) // two words of it, in one
        (void)snprintf(text, LINE_BODY_MAX + 1, "%s %s", e->whom, e->text);
    else if (e->kind == EVENT_MODE)
        mode_hide_key(e->text, text);
    else
        return e->text ? e->text : "";
    return text;
}

static void append(struct irc *irc, const struct store_conversation *where, struct event *e)
{
    char id[STORE_MSGID_MAX + 1], text[LINE_BODY_MAX + 1];
    (void)snprintf(id, sizeof id, e->records > 0 ? "%s.%d" : "%s", e->id, e->records + 1);
    const struct store_message message = {
        .msgid = id,
        .time_ms = e->at,
        .kind = (int)e->kind,
        .is_text = e->kind == EVENT_MESSAGE || e->kind == EVENT_NOTICE,
        .where = *where,
        .source = e->source,
        .account = e->from && *e->from->identity ? e->from->identity : NULL,
        .target = e->target ? e->target : "",
        .text = text_of(e, text),
        .tags = e->client_tags,
    };
    e->records++;
    e->number = store_append(irc->set.history, &message);
    if (e->number > 0)
        irc->appended = e->number;
}

static bool is_said(const struct event *e)
{
    return e->kind == EVENT_MESSAGE || e->kind == EVENT_NOTICE || e->kind == EVENT_TAGS;
}

// The answer to the command that did it, if it has a label, waits for it. Messages see to that
// themselves: acknowledge() in message.c. Nobody else appends in the middle of a command, so its
// numbers follow each other.
static void note_for_answer(const struct event *e)
{
    const struct session *s = e->from && !is_said(e) ? session_of(e->from) : NULL;
    struct labelled *answer = s ? s->answer : NULL;
    if (answer && e->number < 0) {
        answer->lost = true;
    } else if (answer) {
        answer->first = answer->first ? answer->first : e->number;
        answer->last = e->number;
    }
}

void history_record(struct hub *hub, const struct room *room, struct event *event)
{
    const struct store_conversation where = {.first = room->folded, .era = room->era};
    if (!is_worth_it(event))
        return;
    append(hub->owner, &where, event);
    note_for_answer(event);
}

// "This room keeps its last 500 messages".
static void word_kept(const struct irc_settings *set, const char *keeps, const char *its, char *out,
                      size_t size)
{
    int n = set->keep_count, days = set->keep_days;
    if (!set->history)
        (void)snprintf(out, size, "%s no history", keeps);
    else if (days > 0 && n > 0)
        (void)snprintf(out, size, "%s %s last %d messages, for %d days at most", keeps, its, n,
                       days);
    else if (days > 0)
        (void)snprintf(out, size, "%s %s messages for %d days", keeps, its, days);
    else if (n > 0)
        (void)snprintf(out, size, "%s %s last %d messages", keeps, its, n);
    else
        (void)snprintf(out, size, "%s %s messages, for ever", keeps, its);
}

enum { KEPT_SIZE = 128 };

void history_tell_all_kept(struct session *s)
{
    char text[KEPT_SIZE];
    if (s->caps & CAP_STANDARD_REPLIES)
        return;
    word_kept(&s->irc->set, "Rooms here keep", "their", text, sizeof text);
    tell(s, "NOTICE %s :%s", session_name(s), text);
}

void history_tell_kept(struct session *s, const struct room *room)
{
    char text[KEPT_SIZE];
    if (!(s->caps & CAP_STANDARD_REPLIES))
        return;
    word_kept(&s->irc->set, "This room keeps", "its", text, sizeof text);
    tell(s, "NOTE JOIN %s %s :%s", s->irc->set.history ? "HISTORY_KEPT" : "HISTORY_NOT_KEPT",
         room->name, text);
}

void history_record_private(struct user *from, struct user *to, struct event *event)
{
    struct irc *irc = from->hub->owner;
    const struct store_conversation where = {.first = from->identity, .second = to->identity};
    if (irc->set.history && is_worth_it(event))
        append(irc, &where, event);
}
