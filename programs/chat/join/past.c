// SPDX-License-Identifier: MIT
// past.c - see past.h.
//
// On a first join the question is for the latest lines. Later it is for all that came after the
// last message that we have, page by page until one is empty: what a server takes for "some"
// differs, and an empty page is the one sure end. If the first page is empty, the message may be
// unknown - it was deleted, or is too old - so the same is asked by its time; what comes twice then
// is told apart by its id.
//
// The wait for an answer ends with its batch, with a FAIL, or with the PONG to a PING that was sent
// behind the question: servers answer in order, and one that said nothing until then never will.
// What is held when the connection breaks is dropped: told, it would be the last that we know, and
// what was missed before it would not be asked for the next time.
//
// Our own lines must come back (echo-message): without their ids they would be shown twice.
#include "chat/join/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/irc/line.h"
#include "chat/join/session.h"

// ---- what is held --------------------------------------------------------------------------

struct held {
    struct held *next;
    struct news news;
    char texts[]; // its strings
};

static const char *put_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static struct held *held_new(const struct news *n)
{
    const char *const texts[] = {n->room, n->who, n->other, n->text, n->id};
    size_t size = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        size += strlen(texts[i]) + 1;
    struct held *h = malloc(sizeof *h + size);
    if (!h)
        return NULL;
    char *at = h->texts;
    h->next = NULL;
    h->news = *n;
    h->news.room = put_text(&at, n->room);
    h->news.who = put_text(&at, n->who);
    h->news.other = put_text(&at, n->other);
    h->news.text = put_text(&at, n->text);
    h->news.id = put_text(&at, n->id);
    return h;
}

// Tell what is held of a room.
static void release(struct session *s, const char *room)
{
    struct past *p = &s->past;
    struct held **at = &p->first, *h, *before = NULL;
    while ((h = *at) != NULL) {
        if (!names_equal(s->casemap, h->news.room, room)) {
            before = h;
            at = &h->next;
            continue;
        }
        *at = h->next;
        if (p->last == h)
            p->last = before;
        p->held_count--;
        s->ops->tell(s->ctx, &h->news);
        free(h);
    }
}

// ---- questions -----------------------------------------------------------------------------

static struct past_wait *wait_of(struct session *s, const char *room)
{
    for (int i = 0; i < PAST_WAITS; i++)
        if (names_equal(s->casemap, s->past.waits[i].room, room))
            return &s->past.waits[i];
    return NULL;
}

static void put_question(struct session *s, struct past_wait *w, enum past_question question)
{
    char since[32];
    int most = s->history_most > 0 && s->history_most < PAST_LINES ? s->history_most : PAST_LINES;
    time_t when = (time_t)w->mark.time_s - 1; // what is of that second comes too
    struct tm tm;
    w->question = question;
    w->number = ++s->past.asked;
    if (question == PAST_AFTER_ID)
        session_send(s, "CHATHISTORY AFTER %s msgid=%s %d", w->room, w->mark.id, most);
    else if (question == PAST_AFTER_TIME && gmtime_r(&when, &tm) &&
             strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%S", &tm) > 0)
        session_send(s, "CHATHISTORY AFTER %s timestamp=%s.999Z %d", w->room, since, most);
    else
        session_send(s, "CHATHISTORY LATEST %s * %d", w->room, most);
    session_send(s, "PING :past-%lu", w->number);
}

void past_ask(struct session *s, const char *room)
{
    struct past_wait *w = wait_of(s, room);
    if (!s->history || !s->ops->last || !*room || strlen(room) >= sizeof w->room)
        return;
    w = w ? w : wait_of(s, "");
    if (!w)
        return;
    *w = (struct past_wait){.pages = 0};
    (void)snprintf(w->room, sizeof w->room, "%s", room);
    bool known = s->ops->last(s->ctx, room, &w->mark);
    put_question(s, w, !known ? PAST_LATEST : *w->mark.id ? PAST_AFTER_ID : PAST_AFTER_TIME);
}

static void end_wait(struct session *s, struct past_wait *w)
{
    char room[NAME_ROOM];
    memcpy(room, w->room, sizeof room);
    w->room[0] = '\0';
    release(s, room);
}

static void tell_of_gap(struct session *s, const char *room)
{
    s->ops->tell(s->ctx, &(struct news){.kind = NEWS_TELL,
                                        .time_s = s->ops->now_s(s->ctx),
                                        .room = room,
                                        .who = "",
                                        .other = "",
                                        .id = "",
                                        .text = "more was said meanwhile than is shown here"});
}

static void take_answer(struct session *s, struct past_wait *w, int lines)
{
    bool first = w->pages++ == 0;
    if (lines == 0 && first && w->question == PAST_AFTER_ID) {
        put_question(s, w, PAST_AFTER_TIME);
    } else if (lines == 0 || w->question == PAST_LATEST || !*w->mark.id) {
        end_wait(s, w);
    } else if (w->pages < PAST_PAGES) {
        put_question(s, w, PAST_AFTER_ID);
    } else {
        tell_of_gap(s, w->room);
        end_wait(s, w);
    }
}

void past_on_pong(struct session *s, const struct message *m)
{
    unsigned long number;
    if (sscanf(message_last(m), "past-%lu", &number) != 1)
        return;
    for (int i = 0; i < PAST_WAITS; i++)
        if (*s->past.waits[i].room && s->past.waits[i].number == number)
            end_wait(s, &s->past.waits[i]);
}

// Of the room that it names, else the oldest.
static struct past_wait *failed_wait(struct session *s, const struct message *m)
{
    struct past_wait *oldest = NULL;
    for (int i = 0; i < PAST_WAITS; i++) {
        struct past_wait *w = &s->past.waits[i];
        if (!*w->room)
            continue;
        for (int k = 1; k + 1 < m->count; k++)
            if (names_equal(s->casemap, w->room, m->params[k]))
                return w;
        oldest = !oldest || w->number < oldest->number ? w : oldest;
    }
    return oldest;
}

bool past_on_fail(struct session *s, const struct message *m)
{
    struct past_wait *w = failed_wait(s, m);
    bool again = w && w->question == PAST_AFTER_ID && w->pages == 0;
    if (again)
        put_question(s, w, PAST_AFTER_TIME);
    else if (w)
        end_wait(s, w);
    return again;
}

// ---- batches -------------------------------------------------------------------------------

static struct past_batch *batch_find(struct session *s, const char *reference, size_t size)
{
    struct past *p = &s->past;
    for (int i = 0; size > 0 && i < PAST_BATCHES; i++)
        if (strlen(p->batches[i].reference) == size &&
            memcmp(p->batches[i].reference, reference, size) == 0)
            return &p->batches[i];
    return NULL;
}

static struct past_batch *batch_of(struct session *s, const struct message *m)
{
    size_t size;
    const char *reference = tag_find(m->tags, "batch", &size);
    return reference ? batch_find(s, reference, size) : NULL;
}

static void copy_id(char out[PAST_ID], const struct message *m)
{
    size_t size;
    const char *id = tag_find(m->tags, "msgid", &size);
    bool fits = id && size < PAST_ID;
    (void)snprintf(out, PAST_ID, "%.*s", fits ? (int)size : 0, fits ? id : "");
}

static enum past_way way_of(struct session *s, const char *type, const char *target)
{
    struct past_wait *w = strcmp(type, "chathistory") == 0 ? wait_of(s, target) : NULL;
    if (w && *w->room)
        return w->question == PAST_LATEST ? PAST_OLD : PAST_MISSED;
    bool found = strcmp(type, "chathistory") == 0 || strcmp(type, "soju.im/search") == 0 ||
                 strcmp(type, "weft/mentions") == 0;
    return found ? PAST_FOUND : PAST_LIVE;
}

static void begin(struct session *s, const struct message *m, const char *reference)
{
    struct past_batch *outer = batch_of(s, m);
    const char *type = message_param(m, 1), *target = message_param(m, 2);
    struct past_batch *b = s->past.batches;
    while (b < s->past.batches + PAST_BATCHES && *b->reference)
        b++;
    if (b == s->past.batches + PAST_BATCHES || strlen(reference) >= sizeof b->reference)
        return;
    bool inside = outer && outer->way != PAST_LIVE;
    *b = (struct past_batch){.top = !inside, .one = strcmp(type, "draft/multiline") == 0};
    (void)snprintf(b->reference, sizeof b->reference, "%s", reference);
    b->way = inside ? outer->way : way_of(s, type, target);
    b->time_s = message_time(m, s->ops->now_s(s->ctx));
    copy_id(b->id, m);
    bool answers = !inside && (b->way == PAST_OLD || b->way == PAST_MISSED);
    (void)snprintf(b->room, sizeof b->room, "%s", answers ? target : "");
    if (inside && b->one)
        outer->count++; // the message is a line of it
}

static void tell_count(struct session *s, int count)
{
    char text[32] = "nothing was found";
    if (count > 0)
        (void)snprintf(text, sizeof text, "found: %d", count);
    s->ops->tell(s->ctx, &(struct news){.kind = NEWS_FOUND_END,
                                        .time_s = s->ops->now_s(s->ctx),
                                        .room = "",
                                        .who = "",
                                        .other = "",
                                        .id = "",
                                        .text = text});
}

void past_on_batch(struct session *s, const struct message *m)
{
    const char *word = message_param(m, 0);
    struct past_batch *b = *word ? batch_find(s, word + 1, strlen(word + 1)) : NULL;
    if (*word == '+' && word[1] && !b)
        begin(s, m, word + 1);
    if (*word != '-' || !b)
        return;
    const struct past_batch ended = *b;
    b->reference[0] = '\0';
    struct past_wait *w = *ended.room ? wait_of(s, ended.room) : NULL;
    if (w)
        take_answer(s, w, ended.count);
    else if (ended.top && ended.way == PAST_FOUND)
        tell_count(s, ended.count);
}

// ---- lines ---------------------------------------------------------------------------------

bool past_skips(struct session *s, const struct message *m)
{
    const struct past_batch *b = batch_of(s, m);
    return b && b->way != PAST_LIVE && strcmp(m->command, "PRIVMSG") != 0 &&
           strcmp(m->command, "NOTICE") != 0 && strcmp(m->command, "BATCH") != 0;
}

void past_describe(struct session *s, const struct message *m, struct news *news)
{
    struct past_batch *b = batch_of(s, m);
    copy_id(s->past.id, m);
    news->id = news->id ? news->id : s->past.id;
    if (!b)
        return;
    news->way = b->way;
    if (b->one) {
        (void)snprintf(s->past.id, sizeof s->past.id, "%s", b->id);
        news->time_s = b->time_s;
        news->more = b->count > 0;
    }
    b->count++;
    struct past_wait *w = b->way == PAST_MISSED ? wait_of(s, news->room) : NULL;
    if (w && *w->room && *s->past.id)
        (void)snprintf(w->mark.id, sizeof w->mark.id, "%s", s->past.id);
}

bool past_holds(struct session *s, const struct news *news)
{
    struct past *p = &s->past;
    bool speech = (news->kind >= NEWS_SAID && news->kind <= NEWS_NOTICE) ||
                  news->kind == NEWS_REDACTED;
    if (!speech || news->way != PAST_LIVE || !*news->room || !wait_of(s, news->room))
        return false;
    if (p->held_count >= PAST_HELD)
        release(s, news->room);
    struct held *h = p->held_count < PAST_HELD ? held_new(news) : NULL;
    if (!h)
        return false; // too early is better than not at all
    if (p->last)
        p->last->next = h;
    else
        p->first = h;
    p->last = h;
    p->held_count++;
    return true;
}

void past_end(struct session *s)
{
    for (struct held *h; (h = s->past.first) != NULL; free(h))
        s->past.first = h->next;
    memset(&s->past, 0, sizeof s->past);
}
