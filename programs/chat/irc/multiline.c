// SPDX-License-Identifier: MIT
// multiline.c - see multiline.h: events of several lines, put into words.
//
// Who knows of several lines gets a batch with the message's tags on its opening; others get the
// lines one by one, without the empty ones, the first with the message's id.
#include "chat/irc/multiline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/deliver.h"

bool is_multiline(const struct event *e)
{
    return e->text && (e->kind == EVENT_MESSAGE || e->kind == EVENT_NOTICE) &&
           (e->several || strpbrk(e->text, LINE_ENDS));
}

// One line of the text at *at, which is moved behind it; false at the end. *joined: it goes on the
// line before.
static bool next_line(const char **at, char line[LINE_BODY_MAX + 2], bool *joined)
{
    if (!*at)
        return false;
    const char *from = *at;
    *joined = *from == LINE_JOINT;
    from += *from == LINE_JOINT || *from == LINE_BREAK;
    size_t size = strcspn(from, LINE_ENDS);
    (void)snprintf(line, LINE_BODY_MAX + 2, "%.*s", (int)size, from);
    *at = from[size] ? from + size : NULL;
    return true;
}

// The text as next_line wants it: each line behind its separator. The first has none.
static const char *first_line(const struct event *e, char line[LINE_BODY_MAX + 2])
{
    size_t size = strcspn(e->text, LINE_ENDS);
    (void)snprintf(line, LINE_BODY_MAX + 2, "%.*s", (int)size, e->text);
    return e->text[size] ? e->text + size : NULL;
}

static void join_tags(char *out, size_t room, const char *a, const char *b)
{
    (void)snprintf(out, room, "%s%s%s", a, *a && *b ? ";" : "", b);
}

// Its opening and its end are in the batch that `more` names, its lines only in itself.
static void word_batch(struct irc *irc, const struct event *e, const char *tags, const char *more,
                       emit_line *emit, void *ctx)
{
    char line[LINE_BODY_MAX + 2], body[LINE_BODY_MAX + 2], inner[64];
    struct event one = *e;
    unsigned long reference = ++irc->last_batch;
    bool joined = false;
    one.text = line;
    (void)snprintf(body, sizeof body, ":%s BATCH +%lu draft/multiline %s", e->source, reference,
                   e->target);
    emit(ctx, tags, body);
    const char *at = first_line(e, line);
    do {
        (void)snprintf(inner, sizeof inner, "batch=%lu%s", reference,
                       joined ? ";draft/multiline-concat" : "");
        (void)word_body(&one, 0, body, sizeof body);
        emit(ctx, inner, body);
    } while (next_line(&at, line, &joined));
    (void)snprintf(body, sizeof body, ":%s BATCH -%lu", e->source, reference);
    emit(ctx, more, body);
}

static void word_apart(const struct event *e, unsigned caps, const char *tags, const char *more,
                       emit_line *emit, void *ctx)
{
    char line[LINE_BODY_MAX + 2], body[LINE_BODY_MAX + 2];
    char *later = malloc(TAGS_ROOM + 64), *with = malloc(TAGS_ROOM + 64);
    struct event one = *e;
    bool joined;
    one.text = line;
    one.id[0] = '\0'; // only the first line has it
    if (later && with) {
        later[word_tags(&one, caps, later, TAGS_ROOM)] = '\0';
        join_tags(with, TAGS_ROOM + 64, more, later);
        const char *at = first_line(e, line);
        do {
            if (!*line)
                continue;
            (void)word_body(&one, caps, body, sizeof body);
            emit(ctx, tags, body);
            tags = with;
        } while (next_line(&at, line, &joined));
    }
    free(later);
    free(with);
}

void word_event(struct irc *irc, const struct event *e, unsigned caps, const char *more,
                emit_line *emit, void *ctx)
{
    const unsigned batches = CAP_MULTILINE | CAP_BATCH;
    char *own = malloc(TAGS_ROOM), *tags = malloc(TAGS_ROOM + 64);
    if (own && tags) {
        own[word_tags(e, caps, own, TAGS_ROOM)] = '\0';
        join_tags(tags, TAGS_ROOM + 64, more, own);
        if (!is_multiline(e)) {
            char body[LINE_BODY_MAX + 2];
            (void)word_body(e, caps, body, sizeof body);
            emit(ctx, tags, body);
        } else if ((caps & batches) == batches) {
            word_batch(irc, e, tags, more, emit, ctx);
        } else {
            word_apart(e, caps, tags, more, emit, ctx);
        }
    }
    free(own);
    free(tags);
}

static void say_one(void *ctx, const char *tags, const char *body)
{
    say(ctx, *tags ? tags : NULL, body);
}

void say_event(struct session *s, const struct event *e, const char *more)
{
    word_event(s->irc, e, s->caps, more, say_one, s);
}

bool event_fits(const struct event *e)
{
    char nothing[1], line[LINE_BODY_MAX + 2];
    bool joined, fits = true;
    if (!is_multiline(e))
        return word_body(e, 0, nothing, sizeof nothing) <= LINE_BODY_MAX;
    struct event one = *e;
    one.text = line;
    const char *at = first_line(e, line);
    do
        fits = fits && word_body(&one, 0, nothing, sizeof nothing) <= LINE_BODY_MAX;
    while (next_line(&at, line, &joined));
    return fits;
}
