// SPDX-License-Identifier: MIT
// hold.c - see hold.h.
//
// One row of bytes for each client that waits, with marks in it: here begins what waits for those
// records. The history settles records in order, so what is told of goes out up to the first mark
// that is not settled.
#include "chat/irc/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/labelled.h"
#include "chat/store/store.h"

enum { HOLD_MAX = 4 << 20, MARKS = 16, SETTLE_MS = 1000 };

struct mark {
    int64_t first, last; // records
    size_t at;           // where in the bytes
    enum deed deed;
    bool failed; // one of the records could not be kept
};

struct hold {
    char *bytes;
    size_t size, room;
    struct mark *marks;
    size_t mark_count, mark_room;
};

static struct hold *hold_of(struct session *s)
{
    if (!s->hold && (s->hold = calloc(1, sizeof *s->hold)))
        TAILQ_INSERT_TAIL(&s->irc->holding, s, in_holding);
    return s->hold;
}

// Without memory nothing waits: the client is told too early, which is better than never.
void hold(struct session *s, enum deed deed, int64_t first, int64_t last)
{
    struct hold *h = last > 0 && !s->ended ? hold_of(s) : NULL;
    if (!h)
        return;
    if (h->mark_count == h->mark_room) {
        size_t room = h->mark_room ? 2 * h->mark_room : MARKS;
        struct mark *marks = realloc(h->marks, room * sizeof *marks);
        if (!marks && h->mark_count == 0)
            hold_clear(s); // nothing would ever let go of what came into it
        if (!marks)
            return;
        h->marks = marks;
        h->mark_room = room;
    }
    h->marks[h->mark_count++] = (struct mark){
        .first = first, .last = last, .at = h->size, .deed = deed};
    store_hurry(s->irc->set.history, last);
}

int hold_add(struct session *s, const char *lines, size_t size)
{
    struct hold *h = s->hold;
    size_t wanted = h->size + size;
    if (wanted > HOLD_MAX)
        return -ENOBUFS;
    if (wanted > h->room) {
        char *bytes = realloc(h->bytes, 2 * wanted);
        if (!bytes)
            return -ENOBUFS;
        h->bytes = bytes;
        h->room = 2 * wanted;
    }
    memcpy(h->bytes + h->size, lines, size);
    h->size = wanted;
    return 0;
}

void hold_clear(struct session *s)
{
    struct hold *h = s->hold;
    if (!h)
        return;
    s->hold = NULL;
    TAILQ_REMOVE(&s->irc->holding, s, in_holding);
    free(h->bytes);
    free(h->marks);
    free(h);
}

// ---- what has become of it -----------------------------------------------------------------

void hold_fail(struct session *s, enum deed deed)
{
    fail(s, "HISTORY", "NOT_STORED", "",
         deed == DEED_MESSAGE ? "Your message was delivered, but history cannot keep it"
                              : "Your command was carried out, but history cannot keep it");
}

// The first `size` bytes go out.
static void let_go(struct session *s, const char *bytes, size_t size)
{
    if (size > 0 && !s->ended)
        session_post(s, bytes, size);
    else if (size > 0)
        (void)s->wire->ops->post(s->wire, bytes, size); // it may have gone already
}

// Who has ended hears nothing of a failure any more, but takes no echo for kept either.
static void let_go_failed(struct session *s, const char *bytes, size_t size, enum deed deed)
{
    struct labelled *answer = answer_aside(s);
    hold_fail(s, deed);
    s->answer = answer;
    if (!s->ended)
        let_go(s, bytes, size);
}

// What failed is told one by one, each before its echo: else the others would count as kept.
static void let_go_all(struct session *s, const struct hold *h, size_t settled, size_t upto,
                       bool failed)
{
    if (!failed) {
        let_go(s, h->bytes, upto);
        return;
    }
    for (size_t i = 0; i < settled; i++) {
        const struct mark *m = &h->marks[i];
        size_t size = (i + 1 < settled ? m[1].at : upto) - m->at;
        if (m->failed)
            let_go_failed(s, h->bytes + m->at, size, m->deed);
        else
            let_go(s, h->bytes + m->at, size);
    }
}

// Whether all its records are settled now. They may be so in several runs.
static bool settle(struct mark *m, const struct store_progress *p)
{
    m->failed = m->failed || (p->code < 0 && m->first <= p->last);
    return m->last <= p->last;
}

// Lets go what stands before the first mark that is not settled. The first one stands at 0.
static void release(struct session *s, const struct store_progress *p)
{
    struct hold *h = s->hold;
    size_t settled = 0;
    bool failed = false;
    while (settled < h->mark_count && settle(&h->marks[settled], p))
        failed = h->marks[settled++].failed || failed;
    if (settled == 0)
        return;
    bool all = settled == h->mark_count;
    size_t upto = all ? h->size : h->marks[settled].at;
    struct hold rest = *h;
    s->hold = NULL; // so that it is said now
    let_go_all(s, &rest, settled, upto, failed);
    s->hold = h;
    if (all) {
        hold_clear(s);
        return;
    }
    memmove(h->bytes, h->bytes + upto, h->size - upto);
    h->size -= upto;
    h->mark_count -= settled;
    memmove(h->marks, h->marks + settled, h->mark_count * sizeof *h->marks);
    for (size_t i = 0; i < h->mark_count; i++)
        h->marks[i].at -= upto;
}

void irc_progress(struct irc *irc, const struct store_progress *progress)
{
    struct session *s, *next;
    weft_lock(&irc->settled_mu);
    irc->settled = progress->last;
    weft_cond_broadcast(&irc->settled_moved);
    weft_unlock(&irc->settled_mu);
    for (s = TAILQ_FIRST(&irc->holding); s; s = next) {
        next = TAILQ_NEXT(s, in_holding);
        release(s, progress);
    }
    bool failed = progress->code < 0;
    if (failed == irc->history_failed)
        return;
    irc->history_failed = failed;
    const char *stopped = "History has stopped: the disk does not take it. The chat goes on.";
    irc_tell_operators(irc, failed ? stopped : "History goes on.");
}

void session_settle(struct session *s)
{
    struct irc *irc = s->irc;
    const struct hold *h = s->hold;
    if (!h || h->mark_count == 0 || s->drop == DROP_SLOW || s->drop == DROP_LOST)
        return;
    int64_t wanted = h->marks[h->mark_count - 1].last;
    weft_time patience = weft_after_ms(SETTLE_MS);
    weft_guard(&irc->settled_mu);
    while (irc->settled < wanted) // then release() was there
        if (weft_cond_wait(&irc->settled_moved, &irc->settled_mu, patience) < 0)
            return;
}
