// SPDX-License-Identifier: MIT
// retention.c - what need not be kept goes, a little at a time.
//
// A sweep goes through the conversations; a step looks at one and marks at most STEP messages,
// which then go the way of all removals. Messages come between any two steps. A conversation is
// ordered by time, so what is too old and what is too much are both its beginning, and one bound
// says how far.
#include <time.h>

#include "chat/store/parts.h"

enum { STEP = 500 };

static const int64_t day_ms = 24LL * 60 * 60 * 1000;

struct bound {
    int64_t time, id; // the last one that goes; time is INT64_MIN: none
};

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
    sqlite3_stmt *next;
    int rc = sql_prepare(w->db, "SELECT id FROM conversations WHERE id >= ? ORDER BY id LIMIT 1",
                         &next);
    if (rc == 0) {
        sql_int(next, 1, w->sweep);
        rc = sql_one(next, id);
    }
    (void)sqlite3_finalize(next);
    return rc;
}

static int too_much(struct writer *w, int64_t conversation, struct bound *bound)
{
    sqlite3_stmt *find;
    int rc = sql_prepare(w->db,
                         "SELECT time, id FROM messages WHERE conversation = ?"
                         " ORDER BY time DESC, id DESC LIMIT 1 OFFSET ?",
                         &find);
    if (rc == 0) {
        sql_int(find, 1, conversation);
        sql_int(find, 2, w->store->set.keep_count);
        rc = sql_step(find);
    }
    if (rc > 0)
        *bound = (struct bound){sqlite3_column_int64(find, 0), sqlite3_column_int64(find, 1)};
    (void)sqlite3_finalize(find);
    return rc < 0 ? rc : 0;
}

static int find_bound(struct writer *w, int64_t conversation, struct bound *bound)
{
    const struct store_options *set = &w->store->set;
    *bound = (struct bound){INT64_MIN, INT64_MAX};
    int rc = set->keep_count ? too_much(w, conversation, bound) : 0;
    if (rc < 0 || !set->keep_days)
        return rc;
    int64_t now = set->clock_ms ? set->clock_ms() : system_clock_ms();
    int64_t last = now - set->keep_days * day_ms - 1;
    if (last >= bound->time)
        *bound = (struct bound){last, INT64_MAX};
    return 0;
}

static int run(struct writer *w, const char *text, int64_t conversation, struct bound bound)
{
    sqlite3_stmt *statement;
    int rc = sql_prepare(w->db, text, &statement);
    if (rc == 0) {
        sql_int(statement, 1, conversation);
        sql_int(statement, 2, bound.time);
        sql_int(statement, 3, bound.id);
        rc = sql_run(statement);
    }
    (void)sqlite3_finalize(statement);
    return rc < 0 ? rc : (int)sqlite3_changes(w->db);
}

#define WITHIN " FROM messages WHERE conversation = ?1 AND time <= ?2 AND (time < ?2 OR id <= ?3)"

// Those whose words are gone already need not be forgotten again: their old removal serves.
static int mark(struct writer *w, int64_t conversation, struct bound bound)
{
    int fresh = run(w,
                    "INSERT INTO removals (id, expire) SELECT id, 1" WITHIN
                    " AND removed = 0 ORDER BY time, id LIMIT 500",
                    conversation, bound);
    int rc = fresh < 0 ? fresh : 0;
    if (fresh > 0)
        rc = sql_exec(w->db, "UPDATE messages SET removed = 1 WHERE removed = 0 AND id IN"
                             " (SELECT id FROM removals WHERE done = 0 AND expire = 1"
                             " ORDER BY seq DESC LIMIT 500)");
    int blank = rc < 0 ? rc
                       : run(w,
                             "UPDATE removals SET expire = 1, done = 0 WHERE done = 1 AND id IN"
                             " (SELECT id" WITHIN " AND removed = 1)",
                             conversation, bound);
    if (blank > 0)
        w->deleted = 0; // before what was deleted last
    return blank < 0 ? blank : fresh + blank;
}

static void publish(struct writer *w)
{
    struct store *s = w->store;
    weft_guard(&s->mu);
    if (w->expired > s->last_removal)
        s->last_removal = w->expired;
    if (s->set.no_index)
        s->forgotten = s->purged = s->last_removal;
    weft_cond_signal(&s->index_work);
}

// How many went; at STEP and more there may be more.
static int tidy(struct writer *w, int64_t conversation)
{
    struct bound bound;
    int rc = find_bound(w, conversation, &bound);
    if (rc < 0 || bound.time == INT64_MIN)
        return rc;
    rc = writer_begin(w);
    if (rc < 0)
        return rc;
    int count = mark(w, conversation, bound);
    rc = count > 0
             ? sql_number(w->db, "SELECT max(seq) FROM removals WHERE done = 0 AND expire = 1",
                          &w->expired)
             : 0;
    rc = writer_commit(w, count < 0 ? count : rc);
    if (rc == 0 && count > 0)
        publish(w);
    return rc < 0 ? rc : count;
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
    if (count < 0)
        writer_stop(w, NULL, count);
    else
        w->sweep = count < STEP ? conversation + 1 : conversation;
}
