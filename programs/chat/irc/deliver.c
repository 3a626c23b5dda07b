// SPDX-License-Identifier: MIT
// deliver.c - events of the hub as lines of IRC.
//
// The bytes depend on three capabilities: message-tags, server-time, and for a JOIN extended-join.
// So a message is worded at most four times, a JOIN eight, and each wording is sent to all whose
// capabilities ask for it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/irc/labelled.h"
#include "chat/irc/deliver.h"

void time_text(int64_t ms, char out[TIME_TEXT])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;
    (void)gmtime_r(&seconds, &t); // fails only for years beyond int
    size_t size = strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &t);
    (void)snprintf(out + size, TIME_TEXT - size, ".%03uZ", (unsigned)(ms % 1000) % 1000);
}

// What a client must have asked for, to be told of an event at all.
static unsigned needed(const struct event *e)
{
    switch (e->kind) {
    case EVENT_TAGS:
        return CAP_TAGS;
    case EVENT_AWAY:
        return CAP_AWAY;
    case EVENT_HOST:
        return CAP_CHGHOST;
    case EVENT_NAME:
        return CAP_SETNAME;
    default:
        return 0;
    }
}

size_t word_tags(const struct event *e, unsigned caps, char *out, size_t room)
{
    char at[TIME_TEXT];
    time_text(e->at, at);
    bool bot = e->from && (e->from->modes & USER_BOT);
    bool tags = caps & CAP_TAGS;
    int size = snprintf(out, room, "%s%s%s%s%s%s%s%s", caps & CAP_TIME ? "time=" : "",
                        caps & CAP_TIME ? at : "", caps & CAP_TIME && tags ? ";" : "",
                        tags ? "msgid=" : "", tags ? e->id : "", tags && bot ? ";bot" : "",
                        tags && e->client_tags ? ";" : "",
                        tags && e->client_tags ? e->client_tags : "");
    return (size_t)size < room ? (size_t)size : room - 1;
}

int word_body(const struct event *e, unsigned caps, char *out, size_t room)
{
    const char *from = e->source, *to = e->target, *text = e->text ? e->text : "";
    const char *colon = e->text ? " :" : "";
    switch (e->kind) {
    case EVENT_MESSAGE:
        return snprintf(out, room, ":%s PRIVMSG %s :%s", from, to, text);
    case EVENT_NOTICE:
        return snprintf(out, room, ":%s NOTICE %s :%s", from, to, text);
    case EVENT_TAGS:
        return snprintf(out, room, ":%s TAGMSG %s", from, to);
    case EVENT_JOIN:
        if (caps & CAP_EXTENDED_JOIN)
            return snprintf(out, room, ":%s JOIN %s * :%s", from, to, text);
        return snprintf(out, room, ":%s JOIN %s", from, to);
    case EVENT_PART:
        return snprintf(out, room, ":%s PART %s%s%s", from, to, colon, text);
    case EVENT_QUIT:
        return snprintf(out, room, ":%s QUIT :%s", from, text);
    case EVENT_KICK:
        return snprintf(out, room, ":%s KICK %s %s :%s", from, to, e->whom, text);
    case EVENT_TOPIC:
        return snprintf(out, room, ":%s TOPIC %s :%s", from, to, text);
    case EVENT_MODE:
        return snprintf(out, room, ":%s MODE %s %s", from, to, text);
    case EVENT_NICK:
        return snprintf(out, room, ":%s NICK %s", from, to);
    case EVENT_INVITE:
        return snprintf(out, room, ":%s INVITE %s %s", from, e->whom, to);
    case EVENT_AWAY:
        return snprintf(out, room, ":%s AWAY%s%s", from, colon, text);
    case EVENT_HOST:
        return snprintf(out, room, ":%s CHGHOST %s %s", from, e->whom, text);
    case EVENT_NAME:
        return snprintf(out, room, ":%s SETNAME :%s", from, text);
    case EVENT_WALLOPS:
        return snprintf(out, room, ":%s WALLOPS :%s", from, text);
    }
    return 0;
}

static const struct event_form *word(struct irc *irc, struct event *e, unsigned caps)
{
    char *line = irc->scratch;
    size_t size = 0;
    if (caps & (CAP_TAGS | CAP_TIME)) {
        line[size++] = '@';
        size += word_tags(e, caps, line + size, 1 + 8191);
        line[size++] = ' ';
    }
    size_t body = (size_t)word_body(e, caps, line + size, LINE_BODY_MAX + 2); // one to look at
    size += text_cut(line + size, body, LINE_BODY_MAX);
    memcpy(line + size, "\r\n", 2);
    size += 2;
    char *bytes = malloc(size);
    if (!bytes)
        return NULL;
    memcpy(bytes, line, size);
    return event_form_add(e, caps, bytes, size);
}

// Into the answer of the command that made the event.
static bool deliver_as_answer(struct session *s, const struct event *e, unsigned caps)
{
    char *tags = s->irc->scratch, *body = tags + 8192;
    tags[word_tags(e, caps, tags, 8192)] = '\0';
    (void)word_body(e, caps, body, LINE_BODY_MAX + 2); // cut where a line is
    return labelled_add(s->answer, *tags ? tags : NULL, body);
}

void session_deliver(struct user *user, struct event *e)
{
    struct session *s = (struct session *)user;
    if (s->ended || (s->caps & needed(e)) != needed(e))
        return;
    unsigned matters = CAP_TAGS | CAP_TIME | (e->kind == EVENT_JOIN ? CAP_EXTENDED_JOIN : 0u);
    unsigned caps = s->caps & matters;
    if (s->answer && e->from == user && deliver_as_answer(s, e, caps))
        return;
    const struct event_form *form = event_form_find(e, caps);
    if (!form)
        form = word(s->irc, e, caps);
    if (form) // no memory for the words: this client misses them
        session_post(s, form->bytes, form->size);
}
