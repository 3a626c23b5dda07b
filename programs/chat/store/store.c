// SPDX-License-Identifier: MIT
// store.c - a history is opened, fed, watched, closed.
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>

#include "chat/store/folder.h"
#include "chat/store/parts.h"

enum { QUEUE_MESSAGES = 65536, QUEUE_BYTES = 64 << 20, RETRY_MS = 5000, TIDY_MS = 60000 };

// Both threads' parts lie beside the store, which they need as long as it is open.
struct whole {
    struct store store;
    struct writer writer;
    struct indexer indexer;
};

// ---- opening and closing ---------------------------------------------------------------

static void fill_in(struct store *s, const struct store_options *options)
{
    s->set = *options;
    s->set.folder = NULL; // the caller's
    s->set.retry_ms = options->retry_ms ? options->retry_ms : RETRY_MS;
    s->set.tidy_ms = options->tidy_ms ? options->tidy_ms : TIDY_MS;
    s->readers = (weft_sem)WEFT_SEM(READERS);
    inbox_init(&s->inbox, options->queue_messages ? options->queue_messages : QUEUE_MESSAGES,
               options->queue_bytes ? options->queue_bytes : QUEUE_BYTES);
}

static int open_files(struct whole *w, const char *folder)
{
    struct store *s = &w->store;
    s->history_path = folder_path(folder, "history.db");
    s->index_path = folder_path(folder, "words.db");
    if (!s->history_path || !s->index_path)
        return -ENOMEM;
    s->lock = folder_lock(folder);
    int rc = s->lock < 0 ? s->lock : folder_touch(s->history_path);
    if (rc == 0)
        rc = writer_open(&w->writer, s);
    if (rc == 0 && !s->set.no_index)
        rc = indexer_open(&w->indexer, s);
    return rc;
}

static int start(struct whole *w)
{
    struct store *s = &w->store;
    struct writer *writer = &w->writer;
    struct indexer *indexer = &w->indexer;
    s->writer = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "history"), write_history,
                              &writer);
    if (s->writer && !s->set.no_index)
        s->indexer = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "history index"),
                                   follow_history, &indexer);
    return s->writer && (s->indexer || s->set.no_index) ? 0 : weft_error_code();
}

static void release(struct whole *w)
{
    struct store *s = &w->store;
    readers_close(s);
    indexer_close(&w->indexer);
    eras_close(&w->writer);
    writer_close(&w->writer);
    inbox_free(&s->inbox);
    if (s->lock >= 0)
        (void)close(s->lock); // and with it the lock
    free(s->history_path);
    free(s->index_path);
    free(w);
}

static void join_both(struct store *s)
{
    if (s->writer)
        (void)weft_join(&s->writer, NULL, 0); // they return 0
    if (s->index_db)
        sqlite3_interrupt(s->index_db); // a rewrite of the index: it is begun again next time
    if (s->indexer)
        (void)weft_join(&s->indexer, NULL, 0);
}

int store_open(struct store **store, const struct store_options *options)
{
    *store = NULL;
    struct whole *w = calloc(1, sizeof *w);
    if (!w)
        return weft_fail(-ENOMEM, "history: out of memory");
    w->store.lock = -1;
    fill_in(&w->store, options);
    int rc = open_files(w, options->folder);
    if (rc == 0 && (rc = start(w)) < 0) {
        store_end(&w->store);
        join_both(&w->store);
    }
    if (rc < 0) {
        release(w);
        return rc; // the reason is recorded
    }
    *store = &w->store;
    return 0;
}

void store_end(struct store *s)
{
    weft_guard(&s->mu);
    s->ended = true;
    weft_cond_signal(&s->work);
    weft_cond_signal(&s->index_work);
    weft_cond_broadcast(&s->moved);
    weft_cond_broadcast(&s->told);
}

static void abandon(struct store *s)
{
    weft_guard(&s->mu);
    s->abandoned = true;
}

int store_close(struct store **store, weft_time deadline)
{
    struct store *s = *store;
    if (!s)
        return 0;
    *store = NULL;
    store_end(s);
    bool before = weft_shield(true);
    if (weft_wait(s->writer, deadline) < 0)
        abandon(s);
    join_both(s);
    (void)weft_shield(before);
    int lost = s->lost;
    release((struct whole *)s); // its first member
    return lost < 0 ? weft_fail(lost, "the last messages are lost: %s", strerror(-lost)) : 0;
}

// ---- messages ------------------------------------------------------------------------------

static bool is_whole(const struct store_message *m)
{
    return m->msgid && *m->msgid && strlen(m->msgid) <= STORE_MSGID_MAX && m->where.first &&
           !(m->where.second && m->where.era);
}

void lock_in_place(weft_mutex *mu)
{
    while (!weft_trylock(mu))
        (void)sched_yield();
}

// With s->mu held.
static int64_t add(struct store *s, struct note *note)
{
    if (s->ended || s->code < 0)
        return s->ended ? -EPIPE : s->code;
    bool first = s->inbox.waiting.count == 0;
    int64_t number = inbox_add(&s->inbox, note);
    if (number > 0 && (first || inbox_is_filling(&s->inbox)))
        weft_cond_signal(&s->work);
    return number;
}

void store_hurry(struct store *s, int64_t number)
{
    lock_in_place(&s->mu);
    if (number > s->hurried) {
        s->hurried = number;
        weft_cond_signal(&s->work);
    }
    weft_unlock(&s->mu);
}

int64_t store_append(struct store *s, const struct store_message *message)
{
    if (!is_whole(message))
        return weft_fail(-EINVAL, "no message: its msgid or its room is wrong");
    struct note *note = note_new(message);
    if (!note)
        return weft_fail(-ENOMEM, "history: out of memory");
    lock_in_place(&s->mu);
    int64_t number = add(s, note);
    s->refused += number < 0;
    weft_unlock(&s->mu);
    if (number > 0)
        return number;
    free(note);
    return weft_fail((int)number, "history does not take this message: %s", strerror((int)-number));
}

int store_wait_progress(struct store *s, int64_t seen, struct store_progress *progress,
                        weft_time deadline)
{
    weft_guard(&s->mu);
    int rc = 0;
    while (!inbox_told(&s->inbox, seen, progress)) {
        if (rc < 0)
            return rc;
        if (s->ended && s->inbox.settled == s->inbox.appended)
            return weft_fail(-EPIPE, "history is closed");
        rc = weft_cond_wait(&s->told, &s->mu, deadline);
    }
    progress->refused = s->refused;
    return 0;
}

void store_retry(struct store *s)
{
    weft_guard(&s->mu);
    s->retry_now = s->code < 0;
    weft_cond_signal(&s->work);
}

// ---- the rest ---------------------------------------------------------------------------------

void store_status(struct store *s, struct store_status *status)
{
    *status = (struct store_status){.file_bytes = folder_size(s->history_path) +
                                                  folder_size(s->index_path)};
    weft_guard(&s->mu);
    status->appended = s->inbox.appended;
    status->failed = s->inbox.failed;
    status->refused = s->refused;
    status->committed = s->inbox.settled - s->inbox.failed;
    status->queued = s->inbox.appended - s->inbox.settled;
    status->oldest_ms = inbox_oldest(&s->inbox);
    status->unindexed = s->set.no_index ? 0 : s->last_id - s->indexed;
    status->code = s->code;
    status->index_code = s->index_code;
    memcpy(status->reason, s->reason, sizeof status->reason);
}

int store_wait_indexed(struct store *s, weft_time deadline)
{
    weft_guard(&s->mu);
    int64_t last = s->last_id;
    int rc = 0;
    s->index_waiters++;
    weft_cond_signal(&s->index_work);
    while (!s->set.no_index && s->indexed < last && rc == 0)
        rc = s->ended ? weft_fail(-EPIPE, "history is closed")
                      : weft_cond_wait(&s->moved, &s->mu, deadline);
    s->index_waiters--;
    return rc;
}
