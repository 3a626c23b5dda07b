// SPDX-License-Identifier: MIT
// readers.c - questions are asked beside the writer.
//
// A few connections of their own, each used by one question at a time; WAL lets them read while the
// writer writes, each as the file was when its statement began. On a fiber the question runs on a
// thread of weft_block, so only the fiber that asks waits. There are fewer of those than
// connections, and they are for others too: so a question tells them that it blocks, and another
// thread comes for it. SQLite asks now and then whether to go on: a search for a word that
// everybody uses can be cancelled, and has a deadline.
#include <errno.h>
#include <weft/error.h>
#include <weft/wait.h>

#include "chat/store/parts.h"
#include "chat/store/tokens.h"

// Of SQLite, between two looks at the request to stop. FTS5 takes a page of its index, hundreds of
// messages, by a few of them, and a search for many words does nothing else for seconds.
enum { INSTRUCTIONS = 1000 };

struct asked {
    struct store *store;
    reader_asks *ask;
    const void *question;
    weft_time deadline;
};

static bool is_late(const struct asked *a)
{
    return weft_now().ns >= a->deadline.ns;
}

static bool is_silent(const struct store *s)
{
    return atomic_load_explicit(&s->silent, memory_order_relaxed);
}

static int is_asked_to_stop(void *asked)
{
    const struct asked *a = asked;
    return weft_check() < 0 || is_late(a) || is_silent(a->store);
}

static int attach_index(const struct store *s, sqlite3 *db)
{
    const struct sql_value path = {.text = s->index_path};
    return sql_run_with(db, "ATTACH ? AS found", &path);
}

static int open_reader(const struct store *s, sqlite3 **db)
{
    int rc = sql_open(db, s->history_path);
    if (rc == 0)
        rc = tokens_register(*db);
    if (rc == 0 && !s->set.no_index)
        rc = attach_index(s, *db);
    if (rc == 0)
        rc = sql_exec(*db, "PRAGMA query_only = ON");
    if (rc < 0)
        sql_close(db);
    return rc;
}

static sqlite3 *take_idle(struct store *s)
{
    weft_guard(&s->mu);
    return s->idle_count > 0 ? s->idle[--s->idle_count] : NULL;
}

static void give_back(struct store *s, sqlite3 *db)
{
    weft_guard(&s->mu);
    s->idle[s->idle_count++] = db; // no more than the semaphore lets in
}

// The task was asked to stop, or a deadline has passed, its own or the question's: that is what the
// caller shall hear.
static int why_interrupted(const struct asked *a, int rc)
{
    int asked = rc == -ECANCELED ? weft_check() : 0;
    if (rc == -ECANCELED && asked == 0 && is_late(a))
        asked = weft_fail(-ETIMEDOUT, "the answer takes too long");
    return asked < 0 ? asked : rc;
}

static int answer(const struct asked *a, sqlite3 *db, struct store_rows **rows)
{
    sqlite3_progress_handler(db, INSTRUCTIONS, is_asked_to_stop, (void *)(uintptr_t)a);
    int rc = why_interrupted(a, a->ask(db, a->question, rows));
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return rc;
}

static int ask(const struct asked *a, struct store_rows **rows)
{
    struct store *s = a->store;
    if (is_silent(s))
        return weft_fail(-ECANCELED, "the history is about to be closed");
    sqlite3 *db = take_idle(s);
    int rc = db ? 0 : open_reader(s, &db);
    if (rc < 0)
        return rc;
    rc = answer(a, db, rows);
    give_back(s, db);
    if (rc < 0)
        store_rows_free(rows);
    return rc;
}
WEFT_TASK(ask, struct asked, struct store_rows *);

// On that thread, where the call is made in place, and a wait to its pool.
static int ask_aside(const struct asked *a, struct store_rows **rows)
{
    return weft_block(ask, rows, a);
}
WEFT_TASK(ask_aside, struct asked, struct store_rows *);

int reader_run(struct store *s, reader_asks *asks, const void *question, weft_time deadline,
               struct store_rows **rows)
{
    *rows = NULL;
    int rc = weft_acquire(&s->readers, deadline);
    if (rc < 0)
        return rc;
    struct asked asked = {s, asks, question, deadline};
    struct store_rows *found = NULL;
    rc = weft_block(ask_aside, &found, &asked);
    weft_release(&s->readers, 1);
    if (rc == 0)
        *rows = found;
    return rc;
}

// Relaxed: a question that was not told yet looks again in a moment.
void store_end_questions(struct store *s)
{
    atomic_store_explicit(&s->silent, true, memory_order_relaxed);
}

void readers_close(struct store *s)
{
    while (s->idle_count > 0)
        sql_close(&s->idle[--s->idle_count]);
}
