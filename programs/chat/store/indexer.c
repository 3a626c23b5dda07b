// SPDX-License-Identifier: MIT
// indexer.c - the thread by which words.db follows history.db.
//
// A turn looks at one moment of history.db: it forgets what was removed since the last turn, takes
// in the next messages, and notes how far it is, all in one transaction of words.db. Because it
// first goes through all removals of that moment, what it then skips as removed was never taken in,
// and what it forgets was: FTS5 must not be told to forget what it does not know.
//
// Forgetting leaves the words behind: FTS5 writes that they do not count, and merges one day; freed
// pages are cleared, but a rebuilt page may keep what lay in its gap. So where somebody asked for a
// removal, all is merged and the file is written anew (VACUUM). Each on its own is not enough.
#include <errno.h>
#include <sched.h>
#include <weft/error.h>

#include "chat/store/parts.h"

enum { STEP = 16000, FORGET_STEP = 1000, PACE_MS = 500, LOG_PATIENCE_MS = 20 };

static int prepare(struct indexer *x)
{
    int rc = sql_prepare(x->history,
                         "SELECT r.seq, m.id, m.text FROM removals r JOIN messages m ON m.id = r.id"
                         " WHERE r.seq > ? AND r.done = 0 AND m.words AND m.id <= ?"
                         " ORDER BY r.seq LIMIT ?",
                         &x->removed);
    if (rc == 0)
        rc = sql_prepare(x->history,
                         "SELECT id, text FROM messages WHERE id > ? AND words AND NOT removed"
                         " ORDER BY id LIMIT ?",
                         &x->fresh);
    if (rc == 0)
        rc = sql_prepare(x->words, "INSERT INTO words (rowid, text) VALUES (?, ?)", &x->add);
    if (rc == 0)
        rc = sql_prepare(x->words, "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
                         &x->forget);
    if (rc == 0)
        rc = sql_prepare(x->words, "UPDATE mark SET indexed = ?, forgotten = ?", &x->note);
    return rc;
}

int indexer_open(struct indexer *x, struct store *store)
{
    *x = (struct indexer){.store = store};
    int rc = sql_open(&x->history, store->history_path);
    if (rc == 0)
        rc = sql_exec(x->history, "PRAGMA query_only = ON");
    if (rc == 0)
        rc = index_file_open(store, x->history, &x->words);
    if (rc == 0)
        rc = prepare(x);
    if (rc == 0)
        rc = sql_number(x->words, "SELECT indexed FROM mark", &x->indexed);
    if (rc == 0)
        rc = sql_number(x->words, "SELECT forgotten FROM mark", &x->forgotten);
    store->indexed = x->indexed;
    store->forgotten = x->forgotten;
    store->index_db = x->words;
    return rc;
}

void indexer_close(struct indexer *x)
{
    (void)sqlite3_finalize(x->removed);
    (void)sqlite3_finalize(x->fresh);
    (void)sqlite3_finalize(x->add);
    (void)sqlite3_finalize(x->forget);
    (void)sqlite3_finalize(x->note);
    sql_close(&x->words);
    sql_close(&x->history);
}

// ---- a turn ----------------------------------------------------------------------------

struct turn {
    int64_t indexed, forgotten; // after it
    int64_t to_purge;           // the last removal that somebody asked for, and that is not done
    bool more;
};

// Hand over id and text, which begin at column `at`.
static int pass_on(sqlite3_stmt *from, int at, sqlite3_stmt *to)
{
    sql_int(to, 1, sqlite3_column_int64(from, at));
    (void)sqlite3_bind_value(to, 2, sqlite3_column_value(from, at + 1));
    return sql_run(to);
}

// How many. turn->forgotten is where it stopped.
static int forget_some(struct indexer *x, struct turn *turn)
{
    sql_int(x->removed, 1, x->forgotten);
    sql_int(x->removed, 2, x->indexed);
    sql_int(x->removed, 3, FORGET_STEP);
    int rc, count = 0;
    while ((rc = sql_step(x->removed)) > 0 && (rc = pass_on(x->removed, 1, x->forget)) == 0) {
        turn->forgotten = sqlite3_column_int64(x->removed, 0);
        count++;
    }
    (void)sqlite3_reset(x->removed);
    return rc < 0 ? rc : count;
}

static int take_some(struct indexer *x, struct turn *turn)
{
    sql_int(x->fresh, 1, x->indexed);
    sql_int(x->fresh, 2, STEP);
    int rc, count = 0;
    while ((rc = sql_step(x->fresh)) > 0 && (rc = pass_on(x->fresh, 0, x->add)) == 0) {
        turn->indexed = sqlite3_column_int64(x->fresh, 0);
        if (++count % STORE_ROWS_AT_ONCE == 0)
            (void)sched_yield(); // the chat goes first, see writer.c; cannot fail on Linux
    }
    (void)sqlite3_reset(x->fresh);
    return rc < 0 ? rc : count;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int look_and_write(struct indexer *x, struct turn *turn)
{
    int64_t last_removal = 0, last_id = 0;
    int rc = sql_number(x->history, "SELECT max(seq) FROM removals", &last_removal);
    if (rc == 0)
        rc = sql_number(x->history, "SELECT value FROM meta WHERE name = 'last_id'", &last_id);
    if (rc == 0)
        rc = sql_number(x->history, "SELECT max(seq) FROM removals WHERE done = 0 AND expire = 0",
                        &turn->to_purge);
    int forgot = rc < 0 ? rc : forget_some(x, turn);
    turn->more = forgot == FORGET_STEP;
    if (forgot < 0 || turn->more)
        return forgot < 0 ? forgot : 0;
    turn->forgotten = most(x->forgotten, last_removal);
    int took = take_some(x, turn);
    turn->more = took == STEP;
    if (took >= 0 && !turn->more)
        turn->indexed = most(x->indexed, last_id); // what lies between is no text
    return took < 0 ? took : 0;
}

static int write_turn(struct indexer *x, struct turn *turn)
{
    int rc = sql_begin(x->words);
    if (rc == 0)
        rc = look_and_write(x, turn);
    if (rc == 0) {
        sql_int(x->note, 1, turn->indexed);
        sql_int(x->note, 2, turn->forgotten);
        rc = sql_run(x->note);
    }
    return sql_commit(x->words, rc);
}

static int take_turn(struct indexer *x, struct turn *turn)
{
    *turn = (struct turn){.indexed = x->indexed, .forgotten = x->forgotten};
    int rc = sql_exec(x->history, "BEGIN");
    if (rc == 0)
        rc = write_turn(x, turn);
    if (!sqlite3_get_autocommit(x->history))
        (void)sqlite3_exec(x->history, "COMMIT", NULL, NULL, NULL); // it was only read
    if (rc == 0) {
        x->indexed = turn->indexed;
        x->forgotten = turn->forgotten;
    }
    return rc;
}

// ---- the file without what was forgotten --------------------------------------------------

static bool is_ended(struct store *s)
{
    weft_guard(&s->mu);
    return s->ended;
}

static int purge(struct indexer *x)
{
    int rc = sql_exec(x->words, "INSERT INTO words (words) VALUES ('optimize')");
    if (rc == 0)
        rc = sql_exec(x->words, "VACUUM");
    while (rc == 0 && (rc = sql_empty_log(x->words)) == -EBUSY && !is_ended(x->store))
        rc = weft_sleep(weft_after_ms(LOG_PATIENCE_MS)); // a search is at work
    return rc;
}

// ---- the thread ------------------------------------------------------------------------------

static void publish(struct indexer *x, int rc, int64_t purged)
{
    struct store *s = x->store;
    weft_guard(&s->mu);
    s->index_code = rc;
    s->indexed = x->indexed;
    s->forgotten = x->forgotten;
    s->purged = most(s->purged, purged);
    weft_cond_broadcast(&s->moved);
    weft_cond_signal(&s->work);
}

// A damaged index is made anew by the next store_open.
static void give_up_on_file(struct indexer *x, int rc)
{
    if (rc == -EUCLEAN)
        (void)sqlite3_exec(x->words, "PRAGMA user_version = 0", NULL, NULL, NULL); // or it is found
}

static int64_t purged_so_far(struct store *s)
{
    weft_guard(&s->mu);
    return s->purged;
}

// 0, 1 (there is more) or an error, which is told.
static int do_turn(struct indexer *x)
{
    struct turn turn;
    int rc = take_turn(x, &turn);
    int64_t purged = 0;
    if (rc == 0)
        publish(x, 0, 0);
    if (rc == 0 && !turn.more && turn.to_purge > purged_so_far(x->store) && (rc = purge(x)) == 0)
        purged = turn.forgotten;
    if (rc < 0)
        give_up_on_file(x, rc);
    publish(x, rc, purged);
    return rc < 0 ? rc : turn.more;
}

static bool has_work(const struct indexer *x)
{
    const struct store *s = x->store;
    return x->again || s->last_id > s->indexed || s->last_removal > s->forgotten;
}

// Somebody waits for a removal, or searches: the pace is for messages that nobody looks for yet.
static bool is_urgent(const struct store *s)
{
    return s->ended || (s->index_code == 0 && (s->last_removal > s->forgotten ||
                                               (s->index_waiters > 0 && s->last_id > s->indexed)));
}

// Whether there is another turn. After each a little more may come together: a transaction for each
// message would be dear.
static bool wait_for_work(struct indexer *x, weft_time not_before)
{
    struct store *s = x->store;
    weft_guard(&s->mu);
    int rc = 0;
    while (rc == 0 && !is_urgent(s))
        rc = weft_cond_wait(&s->index_work, &s->mu, not_before);
    s->index_idle = true;
    while (!s->ended && !has_work(x))
        (void)weft_cond_wait(&s->index_work, &s->mu, WEFT_FOREVER); // 0: nobody cancels it
    s->index_idle = false;
    return !s->ended;
}

int follow_history(struct indexer *const *arg, weft_none *none)
{
    (void)none;
    struct indexer *x = *arg;
    weft_time not_before = WEFT_POLL;
    x->again = true; // a purge may be left from the last run
    while (wait_for_work(x, not_before)) {
        int rc = do_turn(x);
        x->again = rc != 0;
        not_before = rc > 0 ? WEFT_POLL : weft_after_ms(rc < 0 ? x->store->set.retry_ms : PACE_MS);
    }
    return 0;
}
