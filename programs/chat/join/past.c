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
// What is older is asked for before the first message that we have, and again by its time if that
// brings nothing, as above. It is told as it comes, for the model has a place for it. A room may be
// joined again meanwhile and then waits for two answers: the one to the older question is first.
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

static bool is_for_older(const struct past_wait *w)
{
    return w->question >= PAST_BEFORE_ID;
}

// A room's wait, of one of the two kinds.
static struct past_wait *wait_of(struct session *s, const char *room, bool older)
{
    for (int i = 0; i < PAST_WAITS; i++) {
        struct past_wait *w = &s->past.waits[i];
        if (*w->room && is_for_older(w) == older && names_equal(s->casemap, w->room, room))
            return w;
    }
    return NULL;
}

// The one that an answer is for.
static struct past_wait *first_wait_of(struct session *s, const char *room)
{
    struct past_wait *entered = wait_of(s, room, false), *older = wait_of(s, room, true);
    return !older || (entered && entered->number < older->number) ? entered : older;
}

static struct past_wait *free_wait(struct session *s)
{
    int i = 0;
    while (i < PAST_WAITS && *s->past.waits[i].room)
        i++;
    return i < PAST_WAITS ? &s->past.waits[i] : NULL;
}

// "AFTER #room timestamp=...", or "LATEST #room *" for a time that no calendar has.
static void word_by_time(const struct past_wait *w, bool older, char *out, size_t size)
{
    char at[32];
    time_t when = (time_t)w->mark.time_s - (older ? 0 : 1); // after: what is of that second too
    int millis = older ? w->mark.millis : 999;
    struct tm tm;
    if (gmtime_r(&when, &tm) && strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S", &tm) > 0)
        (void)snprintf(out, size, "%s %s timestamp=%s.%03dZ", older ? "BEFORE" : "AFTER", w->room,
                       at, millis);
}

static void put_question(struct session *s, struct past_wait *w, enum past_question question)
{
    char text[SESSION_LINE];
    int most = s->history_most > 0 && s->history_most < PAST_LINES ? s->history_most : PAST_LINES;
    w->question = question;
    w->number = ++s->past.asked;
    (void)snprintf(text, sizeof text, "LATEST %s *", w->room);
    if (question == PAST_AFTER_ID || question == PAST_BEFORE_ID)
        (void)snprintf(text, sizeof text, "%s %s msgid=%s",
                       question == PAST_AFTER_ID ? "AFTER" : "BEFORE", w->room, w->mark.id);
    else if (question != PAST_LATEST)
        word_by_time(w, question == PAST_BEFORE_TIME, text, sizeof text);
    session_send(s, "CHATHISTORY %s %d", text, most);
    session_send(s, "PING :past-%lu", w->number);
}

void past_ask(struct session *s, const char *room)
{
    struct past_wait *w = wait_of(s, room, false);
    if (!s->history || !s->ops->last || !*room || strlen(room) >= sizeof w->room)
        return;
    w = w ? w : free_wait(s);
    if (!w)
        return;
    *w = (struct past_wait){.pages = 0};
    (void)snprintf(w->room, sizeof w->room, "%s", room);
    bool known = s->ops->last(s->ctx, room, &w->mark);
    put_question(s, w, !known ? PAST_LATEST : *w->mark.id ? PAST_AFTER_ID : PAST_AFTER_TIME);
}

bool past_ask_older(struct session *s, const char *room, const struct past_mark *first)
{
    struct past_wait *w = free_wait(s);
    bool can = s->history && s->registered && s->ops->last && *room && strlen(room) < NAME_ROOM;
    if (!can || !w || first_wait_of(s, room))
        return false;
    *w = (struct past_wait){.mark = *first};
    (void)snprintf(w->room, sizeof w->room, "%s", room);
    put_question(s, w, *first->id ? PAST_BEFORE_ID : PAST_BEFORE_TIME);
    return true;
}

static void end_wait(struct session *s, struct past_wait *w)
{
    char room[NAME_ROOM];
    memcpy(room, w->room, sizeof room);
    w->room[0] = '\0';
    if (!is_for_older(w))
        release(s, room);
}

static void tell_of(struct session *s, const char *room, enum news_kind kind, const char *text)
{
    s->ops->tell(s->ctx, &(struct news){.kind = kind,
                                        .time_s = s->ops->now_s(s->ctx),
                                        .room = room,
                                        .who = "",
                                        .other = "",
                                        .id = "",
                                        .text = text});
}

static void take_older(struct session *s, struct past_wait *w, int lines)
{
    if (lines == 0 && w->question == PAST_BEFORE_ID) {
        put_question(s, w, PAST_BEFORE_TIME);
        return;
    }
    if (lines == 0)
        tell_of(s, w->room, NEWS_BEGINNING, "");
    end_wait(s, w);
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
        tell_of(s, w->room, NEWS_TELL, "more was said meanwhile than is shown here");
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
    for (int k = 1; k + 1 < m->count; k++) {
        struct past_wait *named = first_wait_of(s, m->params[k]);
        if (named)
            return named;
    }
    for (int i = 0; i < PAST_WAITS; i++) {
        struct past_wait *w = &s->past.waits[i];
        if (*w->room && (!oldest || w->number < oldest->number))
            oldest = w;
    }
    return oldest;
}

// A talk of which the server has nothing, because nothing of it arrived or who talked has gone, is
// one that it does not know. Nothing of that is an error.
static bool is_empty_talk(struct session *s, const struct past_wait *w, const struct message *m)
{
    return w->question == PAST_BEFORE_TIME && !session_is_room(s, w->room) &&
           strcmp(message_param(m, 1), "INVALID_TARGET") == 0;
}

bool past_on_fail(struct session *s, const struct message *m)
{
    struct past_wait *w = failed_wait(s, m);
    bool older = w && w->question == PAST_BEFORE_ID;
    bool again = older || (w && w->question == PAST_AFTER_ID && w->pages == 0);
    bool empty = w && is_empty_talk(s, w, m);
    if (again)
        put_question(s, w, older ? PAST_BEFORE_TIME : PAST_AFTER_TIME);
    else if (empty)
        take_older(s, w, 0);
    else if (w)
        end_wait(s, w);
    return again || empty;
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

// A server that cannot be asked may tell by itself what was said in a room that is joined.
static enum past_way way_of(struct session *s, const char *type, const char *target)
{
    struct past_wait *w = strcmp(type, "chathistory") == 0 ? first_wait_of(s, target) : NULL;
    if (w && is_for_older(w))
        return PAST_OLDER;
    if (w)
        return w->question == PAST_LATEST ? PAST_OLD : PAST_MISSED;
    bool history = strcmp(type, "chathistory") == 0;
    if (history && !s->history && session_is_room(s, target))
        return PAST_OLD;
    bool found = history || strcmp(type, "soju.im/search") == 0 ||
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
    b->millis = message_millis(m);
    copy_id(b->id, m);
    bool answers = !inside && b->way != PAST_LIVE && b->way != PAST_FOUND;
    (void)snprintf(b->room, sizeof b->room, "%s", answers ? target : "");
    if (inside && b->one)
        outer->count++; // the message is a line of it
}

static void tell_count(struct session *s, int count)
{
    char text[32] = "nothing was found";
    if (count > 0)
        (void)snprintf(text, sizeof text, "found: %d", count);
    tell_of(s, "", NEWS_FOUND_END, text);
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
    bool older = ended.way == PAST_OLDER;
    struct past_wait *w = *ended.room ? wait_of(s, ended.room, older) : NULL;
    if (w && older)
        take_older(s, w, ended.count);
    else if (w)
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
        news->millis = b->millis;
        news->more = b->count > 0;
    }
    b->count++;
    struct past_wait *w = b->way == PAST_MISSED ? wait_of(s, news->room, false) : NULL;
    if (w && *s->past.id)
        (void)snprintf(w->mark.id, sizeof w->mark.id, "%s", s->past.id);
}

bool past_holds(struct session *s, const struct news *news)
{
    struct past *p = &s->past;
    bool speech = (news->kind >= NEWS_SAID && news->kind <= NEWS_NOTICE) ||
                  news->kind == NEWS_REDACTED;
    if (!speech || news->way != PAST_LIVE || !*news->room || !wait_of(s, news->room, false))
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
