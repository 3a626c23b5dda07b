// SPDX-License-Identifier: MIT
// retention.c - what need not be kept goes, a little at a time.
//
// A sweep goes through the conversations; a step looks at one and marks at most STEP messages of
// each kind, which then go the way of all removals. Messages come between any two steps.
//
// What is too old goes by its time. What is too much goes by its id, the order in which messages
// came: after a clock that ran ahead was set right, those with the last times are not the last
// ones, and what has just been said would go at once.
//
// Each era of a room is counted by itself, so that no stranger can drive out what was said behind a
// key. One of which nothing is left goes, and with it what opens it.
#include <time.h>

#include "chat/store/parts.h"
#include "chat/store/place.h"

enum { STEP = 500 };

static const int64_t day_ms = 24LL * 60 * 60 * 1000;

static int64_t system_clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool retention_is_due(const struct writer *w)
{
    return w->store->code == 0 && w->sweep != 0;
}

static int next_conversation(struct writer *w, int64_t *id)
{
    const struct sql_value from = {.number = w->sweep};
    return sql_find(w->db, "SELECT id FROM conversations WHERE id >= ? ORDER BY id LIMIT 1", &from,
                    id);
}

// The last id of those that are too much; 0: none are.
static int too_much(struct writer *w, int64_t conversation, int64_t *last)
{
    int64_t keep = w->store->set.keep_count;
    *last = 0;
    if (keep == 0)
        return 0;
    const struct sql_value values[] = {{.number = conversation}, {.number = keep}};
    int rc = sql_find(w->db,
                      "SELECT id FROM messages INDEXED BY messages_order WHERE conversation = ?1"
                      " ORDER BY id DESC LIMIT 1 OFFSET ?2",
                      values, last);
    return rc < 0 ? rc : 0;
}

// The last time of those that are too old.
static int64_t too_old(const struct store_options *set)
{
    int64_t now = set->clock_ms ? set->clock_ms() : system_clock_ms();
    return now - set->keep_days * day_ms - 1;
}

// Of a conversation, those up to an id that are not after a time.
struct reach {
    int64_t conversation, id, time;
};

// How many rows it has changed, or an error.
static int run(struct writer *w, const char *text, const struct reach *reach)
{
    const struct sql_value values[] = {
        {.number = reach->conversation}, {.number = reach->id}, {.number = reach->time}};
    int rc = sql_run_with(w->db, text, values);
    return rc < 0 ? rc : (int)sqlite3_changes(w->db);
}

#define REACHED \
    " FROM messages INDEXED BY messages_order" \
    " WHERE conversation = ?1 AND id <= ?2 AND time <= ?3 AND removed = "

static const char whose_words_are_there[] = "INSERT INTO removals (id, expire) SELECT id, 1" REACHED
                                            "0 ORDER BY id LIMIT 500";
static const char whose_words_are_gone[] =
    "UPDATE removals SET expire = 1, done = 0 WHERE done = 1 AND id IN (SELECT id" REACHED "1)";

// Those whose words are gone already need not be forgotten again: their old removal serves.
static int mark(struct writer *w, const struct reach *reach)
{
    int fresh = run(w, whose_words_are_there, reach);
    int rc = fresh < 0 ? fresh : 0;
    if (fresh > 0)
        rc = sql_exec(w->db, "UPDATE messages SET removed = 1 WHERE removed = 0 AND id IN"
                             " (SELECT id FROM removals WHERE done = 0 AND expire = 1"
                             " ORDER BY seq DESC LIMIT 500)");
    int blank = rc < 0 ? rc : run(w, whose_words_are_gone, reach);
    if (blank > 0)
        w->deleted = 0; // before what was deleted last
    return blank < 0 ? blank : fresh + blank;
}

static int mark_old(struct writer *w, int64_t conversation)
{
    if (!w->store->set.keep_days)
        return 0;
    int64_t time = too_old(&w->store->set);
    struct place place;
    int rc = place_of_time(w->db, conversation, time, &place);
    return rc < 0 ? rc : mark(w, &(struct reach){conversation, place.last, time});
}

static int mark_all(struct writer *w, int64_t conversation)
{
    int old = mark_old(w, conversation), many = 0;
    if (old >= 0 && w->surplus > 0)
        many = mark(w, &(struct reach){conversation, w->surplus, INT64_MAX});
    return old < 0 ? old : many < 0 ? many : old + many;
}

// How many went; at STEP and more there may be more.
static int tidy(struct writer *w, int64_t conversation)
{
    const struct store_options *set = &w->store->set;
    int rc = w->surplus < 0 ? too_much(w, conversation, &w->surplus) : 0;
    if (rc < 0 || (w->surplus == 0 && !set->keep_days))
        return rc;
    rc = sql_begin(w->db);
    if (rc < 0)
        return rc;
    int count = mark_all(w, conversation);
    rc = count > 0
             ? sql_number(w->db, "SELECT max(seq) FROM removals WHERE done = 0 AND expire = 1",
                          &w->expired)
             : 0;
    rc = sql_commit(w->db, count < 0 ? count : rc);
    if (rc == 0 && count > 0)
        removal_publish(w, w->expired);
    return rc < 0 ? rc : count;
}

static int delete_era(struct writer *w, const struct sql_value values[2])
{
    int rc = sql_begin(w->db);
    if (rc < 0)
        return rc;
    rc = sql_run_with(w->db, "DELETE FROM conversations WHERE id = ?", values);
    if (rc == 0)
        rc = sql_run_with(w->db, "DELETE FROM eras WHERE id = ?", &values[1]);
    insert_forget(w); // that this one was known
    return sql_commit(w->db, rc);
}

static int forget_era(struct writer *w, int64_t conversation)
{
    struct sql_value values[] = {{.number = conversation}, {.number = 0}};
    int rc = sql_find(w->db,
                      "SELECT era FROM conversations WHERE id = ?1 AND era > 0 AND NOT EXISTS"
                      " (SELECT 1 FROM messages WHERE conversation = ?1)",
                      values, &values[1].number);
    return rc > 0 && eras_let_go(w, values[1].number) ? delete_era(w, values) : rc < 0 ? rc : 0;
}

void retention_step(struct writer *w)
{
    struct store *s = w->store;
    weft_lock(&s->mu);
    bool stopped = s->code < 0;
    weft_unlock(&s->mu);
    if (stopped || (w->sweep == 0 && weft_now().ns < w->sweep_at.ns))
        return;
    w->sweep = w->sweep ? w->sweep : 1;
    int64_t conversation = 0;
    int rc = next_conversation(w, &conversation);
    if (rc == 0) {
        w->sweep = 0;
        w->sweep_at = weft_after_ms(s->set.tidy_ms);
        return;
    }
    int count = rc < 0 ? rc : tidy(w, conversation);
    if (count == 0)
        count = forget_era(w, conversation);
    if (count < 0)
        writer_stop(w, NULL, count);
    if (count < STEP)
        w->surplus = -1;
    if (count >= 0)
        w->sweep = count < STEP ? conversation + 1 : conversation;
}
