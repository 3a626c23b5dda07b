// SPDX-License-Identifier: MIT
// writer.c - the thread that writes history.db.
//
// It takes all that waits and commits it at once; meanwhile more comes together. So the price of a
// commit, and of its fsync, is shared by the more messages the slower the disk is. A message that
// somebody waits for is committed at once; what nobody waits for, a little later, with what has
// come by then: a transaction for each would cost more than all the rest of a message.
//
// A commit that fails for another reason than a message's own stops history: what waits fails with
// it. To go on, the store must first have written and deleted more than a message needs: otherwise
// a disk that is full to the last page would begin and stop with each of them.
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <weft/error.h>

#include "chat/store/parts.h"
#include "chat/store/schema.h"

enum { BATCH_MAX = 8192, LINGER_MS = 20 };

// While somebody reads, the log (WAL) grows, in a storm to hundreds of megabytes: afterwards it is
// cut back to so many bytes. Else it would stay on the disk until the server ends.
#define LOG_KEPT "16777216"

// ---- opening -----------------------------------------------------------------------

static int open_history(struct writer *w)
{
    struct store *s = w->store;
    int rc = sql_open(&w->db, s->history_path);
    if (rc == 0)
        rc = sql_exec(w->db, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -16384;"
                             "PRAGMA journal_size_limit = " LOG_KEPT);
    if (rc == 0)
        rc = sql_exec(w->db, s->set.full_sync ? "PRAGMA synchronous = FULL"
                                              : "PRAGMA synchronous = NORMAL");
    if (rc == 0)
        rc = schema_bring_up(w->db, s->history_path, &history_schema);
    return rc;
}

int writer_open(struct writer *w, struct store *store)
{
    *w = (struct writer){
        .store = store, .retry_at = WEFT_FOREVER, .empty_at = WEFT_FOREVER, .surplus = -1};
    int rc = open_history(w);
    if (rc == 0)
        rc = eras_open(w);
    if (rc == 0)
        rc = insert_prepare(w);
    if (rc == 0)
        rc = removal_resume(w);
    if (rc == 0)
        rc = sql_empty_log(w->db); // of a run that was killed: words that were to go may be in it
    store->last_id = w->last_id;
    w->sweep_at = store->set.keep_days || store->set.keep_count ? weft_now() : WEFT_FOREVER;
    return rc;
}

void writer_close(struct writer *w)
{
    insert_finish(w);
    sql_close(&w->db);
}

// ---- transactions ---------------------------------------------------------------------

// Where the chat has this core too, it goes first; unless somebody waits for the disk, or so many
// messages do that they cost memory.
static void give_way(const struct writer *w, unsigned written)
{
    enum { FEW = 4096 };
    struct store *s = w->store;
    if (written % STORE_ROWS_AT_ONCE != 0)
        return;
    weft_lock(&s->mu);
    bool has_time = s->hurried <= s->inbox.settled && s->inbox.waiting.count < FEW;
    weft_unlock(&s->mu);
    if (has_time)
        (void)sched_yield(); // cannot fail on Linux
}

static int insert_all(struct writer *w, struct notes *batch)
{
    unsigned written = 0;
    int rc = eras_write(w);
    if (rc < 0)
        return rc;
    for (struct note *note = batch->first; note; note = note->next) {
        rc = insert_message(w, &note->message);
        if (rc < 0 && rc != -EEXIST)
            return rc;
        note->code = rc;
        give_way(w, ++written);
    }
    sql_int(w->note_last, 1, w->last_id);
    return sql_run(w->note_last);
}

static int try_batch(struct writer *w, struct notes *batch)
{
    int64_t last_id = w->last_id, last_time = w->last_time;
    int rc = sql_begin(w->db);
    if (rc == 0)
        rc = sql_commit(w->db, insert_all(w, batch));
    if (rc < 0) {
        w->last_id = last_id;
        w->last_time = last_time;
        insert_forget(w);
    } else {
        eras_written(w);
    }
    return rc;
}

static void publish(struct writer *w, struct notes *batch)
{
    struct store *s = w->store;
    struct notes done;
    weft_lock(&s->mu);
    inbox_settle(&s->inbox, batch, &done);
    s->last_id = w->last_id;
    weft_cond_broadcast(&s->told);
    if (s->index_idle || s->index_waiters > 0) // else it looks when its time has come
        weft_cond_signal(&s->index_work);
    weft_unlock(&s->mu);
    notes_free(&done);
}

// Where only the log cannot grow, there may be room once it is in the file.
static void commit_batch(struct writer *w, struct notes *batch)
{
    int rc = try_batch(w, batch);
    if (rc < 0 && sql_empty_log(w->db) == 0)
        rc = try_batch(w, batch);
    if (rc < 0) {
        writer_stop(w, batch, rc);
        return;
    }
    publish(w, batch);
}

// ---- stopping and going on ---------------------------------------------------------------

static void tell_change(struct store *s, int code, const char *reason)
{
    if (s->set.on_change)
        s->set.on_change(code, reason, s->set.ctx);
}

void writer_stop(struct writer *w, struct notes *taken, int code)
{
    struct store *s = w->store;
    char reason[sizeof s->reason] = "";
    strncpy(reason, weft_error(), sizeof reason - 1);
    if (s->code == 0) // only this thread changes it
        tell_change(s, code, reason);
    weft_lock(&s->mu);
    s->code = code;
    memcpy(s->reason, reason, sizeof reason);
    if (taken)
        inbox_fail(&s->inbox, taken, code);
    if (taken && s->ended)
        s->lost = code;
    weft_cond_broadcast(&s->told);
    weft_unlock(&s->mu);
    w->retry_at = weft_after_ms(s->set.retry_ms);
}

// The log may go into the file, and what was freed there be used again.
static int try_to_write(struct writer *w)
{
    (void)sql_empty_log(w->db); // if it cannot be, the next line tells
    int rc = sql_begin(w->db);
    if (rc == 0)
        rc = sql_commit(
            w->db, sql_exec(w->db, "INSERT OR REPLACE INTO meta VALUES ('room', zeroblob(65536))"));
    return rc < 0 ? rc : sql_exec(w->db, "DELETE FROM meta WHERE name = 'room'");
}

static void go_on(struct writer *w)
{
    struct store *s = w->store;
    int rc = try_to_write(w);
    if (rc < 0) {
        writer_stop(w, NULL, rc);
        return;
    }
    weft_lock(&s->mu);
    s->code = 0;
    s->reason[0] = '\0';
    weft_unlock(&s->mu);
    w->retry_at = WEFT_FOREVER;
    tell_change(s, 0, "");
}

// ---- the thread --------------------------------------------------------------------------

// Something else than messages.
static bool has_duty(const struct writer *w)
{
    const struct store *s = w->store;
    return s->ended || s->wishes || s->retry_now || removal_is_due(w) || retention_is_due(w);
}

static bool has_work(const struct writer *w)
{
    return w->store->inbox.waiting.count > 0 || has_duty(w);
}

// Nobody waits for any of the messages: those that somebody waited for are settled.
static bool may_linger(const struct writer *w)
{
    const struct store *s = w->store;
    return !has_duty(w) && s->code == 0 && s->hurried <= s->inbox.settled &&
           !inbox_is_filling(&s->inbox);
}

// The first of the messages has just come, or was not in the commit before.
static void linger(struct writer *w)
{
    weft_time end = weft_after_ms(LINGER_MS);
    int rc = 0;
    while (rc == 0 && may_linger(w))
        rc = weft_cond_wait(&w->store->work, &w->store->mu, end);
}

// While history is stopped only that is due: the rest could not be written.
static weft_time next_look(const struct writer *w)
{
    if (w->store->code < 0)
        return w->retry_at;
    return weft_sooner(weft_sooner(w->retry_at, w->sweep_at), w->empty_at);
}

struct turn {
    struct notes batch;
    bool retry, last;
};

static void lose_all(struct store *s)
{
    struct notes none;
    notes_init(&none);
    if (s->inbox.waiting.count > 0)
        s->lost = -ECANCELED;
    inbox_fail(&s->inbox, &none, -ECANCELED);
}

static void wait_for_work(struct writer *w, struct turn *turn)
{
    struct store *s = w->store;
    weft_guard(&s->mu);
    while (!has_work(w))
        if (weft_cond_wait(&s->work, &s->mu, next_look(w)) < 0)
            break;
    if (s->inbox.waiting.count > 0)
        linger(w);
    if (s->abandoned)
        lose_all(s);
    inbox_take(&s->inbox, BATCH_MAX, &turn->batch);
    if (turn->batch.first)
        eras_take(w);
    turn->last = s->ended && s->inbox.waiting.count == 0;
    turn->retry = s->code < 0 && (s->retry_now || weft_now().ns >= w->retry_at.ns);
    s->retry_now = false;
}

int write_history(struct writer *const *arg, weft_none *none)
{
    (void)none;
    struct writer *w = *arg;
    struct turn turn = {.last = false};
    while (!turn.last) {
        wait_for_work(w, &turn);
        if (turn.retry)
            go_on(w);
        if (turn.batch.first)
            commit_batch(w, &turn.batch);
        removal_begin(w);
        removal_finish(w);
        retention_step(w);
    }
    removal_give_up(w);
    weft_guard(&w->store->mu);
    weft_cond_broadcast(&w->store->told);
    return 0;
}
