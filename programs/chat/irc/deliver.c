// SPDX-License-Identifier: MIT
// deliver.c - events of the hub as lines of IRC.
//
// The bytes depend on message-tags, server-time, and of a JOIN on extended-join, of a message of
// several lines on whether it may be a batch. So a message of one line is worded at most four
// times, those two eight, and each wording is sent to all whose capabilities ask for it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/irc/labelled.h"
#include "chat/irc/deliver.h"
#include "chat/irc/multiline.h"
#include "common/utf8.h"

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
    case EVENT_REDACTION:
        return CAP_REDACTION;
    default:
        return 0;
    }
}

static size_t add_tag(char *out, size_t room, size_t size, const char *name, const char *value)
{
    int more = snprintf(out + size, room - size, "%s%s%s", size > 0 ? ";" : "", name, value);
    return size + (size_t)more < room ? size + (size_t)more : room - 1;
}

size_t word_tags(const struct event *e, unsigned caps, char *out, size_t room)
{
    size_t size = 0;
    char at[TIME_TEXT];
    if (caps & CAP_TIME) {
        time_text(e->at, at);
        size = add_tag(out, room, size, "time=", at);
    }
    if (!(caps & CAP_TAGS))
        return size;
    if (*e->id)
        size = add_tag(out, room, size, "msgid=", e->id);
    if (e->from && (e->from->modes & USER_BOT))
        size = add_tag(out, room, size, "bot", "");
    if (e->client_tags)
        size = add_tag(out, room, size, e->client_tags, "");
    return size;
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
    case EVENT_REDACTION:
        return snprintf(out, room, ":%s REDACT %s %s%s%s", from, to, e->whom, colon, text);
    }
    return 0;
}

// A row of bytes that grows.
struct bytes {
    char *at;
    size_t size, room;
    bool failed;
};

static void add_bytes(struct bytes *b, const char *bytes, size_t size)
{
    if (b->size + size > b->room && !b->failed) {
        size_t room = 2 * (b->size + size);
        char *at = realloc(b->at, room);
        b->failed = !at;
        b->at = at ? at : b->at;
        b->room = at ? room : b->room;
    }
    if (b->failed)
        return;
    memcpy(b->at + b->size, bytes, size);
    b->size += size;
}

static void add_line(void *ctx, const char *tags, const char *body)
{
    struct bytes *b = ctx;
    if (*tags) {
        add_bytes(b, "@", 1);
        add_bytes(b, tags, strlen(tags));
        add_bytes(b, " ", 1);
    }
    add_bytes(b, body, utf8_cut(body, strlen(body), LINE_BODY_MAX));
    add_bytes(b, "\r\n", 2);
}

static const struct event_form *word_lines(struct irc *irc, struct event *e, unsigned caps)
{
    struct bytes b = {0};
    word_event(irc, e, caps, "", add_line, &b);
    if (!b.failed && b.size > 0)
        return event_form_add(e, caps, b.at, b.size);
    free(b.at);
    return NULL;
}

// The usual case, of one line, without any more memory than the bytes.
static const struct event_form *word_line(struct irc *irc, struct event *e, unsigned caps)
{
    char *line = irc->scratch;
    size_t size = 0;
    if (caps & (CAP_TAGS | CAP_TIME))
        size = word_tags(e, caps, line + 1, TAGS_ROOM);
    if (size > 0) {
        line[0] = '@';
        line[1 + size] = ' ';
        size += 2;
    }
    size_t body = (size_t)word_body(e, caps, line + size, LINE_BODY_MAX + 2); // one to look at
    size += utf8_cut(line + size, body, LINE_BODY_MAX);
    line[size++] = '\r';
    line[size++] = '\n';
    char *bytes = malloc(size);
    if (!bytes)
        return NULL;
    memcpy(bytes, line, size); // not a string: its size is kept
    return event_form_add(e, caps, bytes, size);
}

// ---- to one client -------------------------------------------------------------------------

static void add_to_answer(void *ctx, const char *tags, const char *body)
{
    struct session *s = ctx;
    (void)labelled_add(s->answer, *tags ? tags : NULL, body); // without memory it is missing there
}

// Which of the client's capabilities change the bytes.
static unsigned matters(const struct session *s, const struct event *e)
{
    unsigned caps = s->caps & (CAP_TAGS | CAP_TIME);
    const unsigned batches = CAP_MULTILINE | CAP_BATCH;
    if (e->kind == EVENT_JOIN)
        caps |= s->caps & CAP_EXTENDED_JOIN;
    if ((s->caps & batches) == batches && is_multiline(e))
        caps |= batches;
    return caps;
}

void session_expect(struct user *user, int after)
{
    const struct session *s = (struct session *)user;
    if (after == OUTLET_AHEAD) {
        __builtin_prefetch(&s->wire);
        __builtin_prefetch(&s->answer);
    } else if (after == OUTLET_AHEAD - 1) {
        __builtin_prefetch(s->wire);
    } else if (!s->ended && s->wire->conn) { // else its task may be about to free them
        weft_post_expect(s->wire->conn, after);
    }
}

void session_deliver(struct user *user, struct event *e)
{
    struct session *s = (struct session *)user;
    if (s->ended || (s->caps & needed(e)) != needed(e))
        return;
    unsigned caps = matters(s, e);
    if (s->answer && e->from == user) { // the answer of the command that made the event
        word_event(s->irc, e, caps, "", add_to_answer, s);
        return;
    }
    const struct event_form *form = event_form_find(e, caps);
    if (!form)
        form = is_multiline(e) ? word_lines(s->irc, e, caps) : word_line(s->irc, e, caps);
    if (form) // no memory for the words: this client misses them
        session_post(s, form->bytes, form->size);
}
