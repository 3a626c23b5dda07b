// SPDX-License-Identifier: MIT
// record.c - see history.h: events on their way into the history.
//
// An event that happens in several rooms, a QUIT, is kept in each; ids are unique, so the later
// records add their number to it.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chat/irc/history.h"
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

static void append(struct irc *irc, const struct store_conversation *where, struct event *e)
{
    char id[STORE_MSGID_MAX + 1], text[LINE_BODY_MAX + 1];
    (void)snprintf(id, sizeof id, e->records > 0 ? "%s.%d" : "%s", e->id, e->records + 1);
    if (e->kind == EVENT_KICK) // two words of it, in one
        (void)snprintf(text, sizeof text, "%s %s", e->whom, e->text);
    const struct store_message message = {
        .msgid = id,
        .time_ms = e->at,
        .kind = (int)e->kind,
        .is_text = e->kind == EVENT_MESSAGE || e->kind == EVENT_NOTICE,
        .where = *where,
        .source = e->source,
        .account = e->from && *e->from->identity ? e->from->identity : NULL,
        .target = e->target ? e->target : "",
        .text = e->kind == EVENT_KICK ? text
                : e->text             ? e->text
                                      : "",
        .tags = e->client_tags,
    };
    e->records++;
    e->number = store_append(irc->set.history, &message);
    if (e->number > 0)
        irc->appended = e->number;
}

void history_record(struct hub *hub, const struct room *room, struct event *event)
{
    const struct store_conversation where = {.first = room->folded};
    if (is_worth_it(event))
        append(hub->owner, &where, event);
}

// As a standard reply to who knows those, else as a notice.
void history_tell_kept(struct session *s, const struct room *room)
{
    const struct irc_settings *set = &s->irc->set;
    const char *code = set->history ? "HISTORY_KEPT" : "HISTORY_NOT_KEPT";
    char text[128];
    if (!set->history)
        (void)snprintf(text, sizeof text, "This room keeps no history");
    else if (set->keep_days > 0 && set->keep_count > 0)
        (void)snprintf(text, sizeof text,
                       "This room keeps its last %d messages, for %d days at most", set->keep_count,
                       set->keep_days);
    else if (set->keep_days > 0)
        (void)snprintf(text, sizeof text, "This room keeps its messages for %d days",
                       set->keep_days);
    else if (set->keep_count > 0)
        (void)snprintf(text, sizeof text, "This room keeps its last %d messages", set->keep_count);
    else
        (void)snprintf(text, sizeof text, "This room keeps its messages, for ever");
    if (s->caps & CAP_STANDARD_REPLIES)
        tell(s, "NOTE JOIN %s %s :%s", code, room->name, text);
    else
        tell(s, "NOTICE %s :%s", room->name, text);
}

void history_record_private(struct user *from, struct user *to, struct event *event)
{
    struct irc *irc = from->hub->owner;
    const struct store_conversation where = {from->identity, to->identity};
    if (irc->set.history && is_worth_it(event))
        append(irc, &where, event);
}
