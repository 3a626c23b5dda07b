// SPDX-License-Identifier: MIT
// removal.c - words go away: store_remove, and the writer's part of it. parts.h tells the order.
//
// Who waits holds a wish together with the writer, since each may be done with it first.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "chat/store/parts.h"
#include "chat/store/scrub.h"

enum { STEP = 500, LOG_PATIENCE_MS = 20, USUAL_PATIENCE_MS = 5000 };

// ---- who wishes ------------------------------------------------------------------------

static struct wish *wish_new(const char *msgid, const char *by)
{
    size_t size = strlen(by) + 1;
    struct wish *wish = malloc(sizeof *wish + size);
    if (!wish)
        return NULL;
    *wish = (struct wish){.holders = 2};
    memcpy(wish->msgid, msgid, strlen(msgid) + 1); // it is short enough
    memcpy(wish->by, by, size);
    return wish;
}

static void wish_release(struct wish *wish) // mu is held
{
    if (--wish->holders == 0)
        free(wish);
}

static void take_back(struct store *s, struct wish *wish)
{
    struct wish **at = &s->wishes;
    while (*at != wish)
        at = &(*at)->next;
    *at = wish->next;
    wish->holders = 1; // the writer never sees it
}

// Once the writer is about to write it down, only he knows whether it will be done: so that is
// waited for however long his disk takes, or others would be told what may not be so.
static int await_removal(struct store *s, const struct wish *wish, weft_time deadline)
{
    int rc = 0;
    while (wish->state != WISH_SETTLED && rc == 0)
        rc = weft_cond_wait(&s->moved, &s->mu, deadline);
    int late = rc == -ETIMEDOUT ? 0 : rc;
    while (wish->state == WISH_TAKEN && late == 0)
        late = weft_cond_wait(&s->moved, &s->mu, WEFT_FOREVER);
    return late < 0 ? late : rc;
}

static int wait_for(struct store *s, struct wish *wish, weft_time deadline)
{
    int rc = await_removal(s, wish, deadline);
    if (wish->state == WISH_MADE)
        take_back(s, wish);
    else if (wish->state == WISH_WRITTEN && rc == -ETIMEDOUT)
        return weft_fail(-EINPROGRESS, "%s is being removed", wish->msgid);
    if (wish->state != WISH_SETTLED)
        return rc;
    if (wish->code == -ENOENT)
        return weft_fail(-ENOENT, "no message %s, or it is removed", wish->msgid);
    return wish->code < 0 ? weft_fail(wish->code, "%s is not removed", wish->msgid) : 0;
}

int store_remove(struct store *s, const char *msgid, const char *by, weft_time deadline)
{
    size_t size = strlen(msgid);
    if (size == 0 || size > STORE_MSGID_MAX)
        return weft_fail(-ENOENT, "no message %s", msgid);
    struct wish *wish = wish_new(msgid, by ? by : "");
    if (!wish)
        return weft_fail(-ENOMEM, "%s: out of memory", msgid);
    weft_guard(&s->mu);
    if (s->ended) {
        free(wish);
        return weft_fail(-EPIPE, "history is closed");
    }
    wish->after = s->inbox.appended;
    wish->next = s->wishes;
    s->wishes = wish;
    weft_cond_signal(&s->work);
    int rc = wait_for(s, wish, deadline);
    wish_release(wish);
    return rc;
}

// ---- the writer: writing them down -----------------------------------------------------------

static void settle(struct store *s, struct wish *wish, int code)
{
    weft_guard(&s->mu);
    wish->code = code;
    wish->state = WISH_SETTLED;
    weft_cond_broadcast(&s->moved);
    wish_release(wish);
}

static void settle_all(struct store *s, struct wish *list, int code)
{
    for (struct wish *next; list; list = next) {
        next = list->next;
        settle(s, list, code);
    }
}

int removal_resume(struct writer *w)
{
    int64_t last = 0;
    int rc = sql_number(w->db, "SELECT max(seq) FROM removals WHERE done = 0 AND expire = 0",
                        &w->wanted);
    if (rc == 0)
        rc = sql_number(w->db, "SELECT max(seq) FROM removals WHERE done = 0 AND expire = 1",
                        &w->expired);
    if (rc == 0)
        rc = sql_number(w->db, "SELECT seq FROM sqlite_sequence WHERE name = 'removals'", &last);
    int64_t thinned = 0;
    if (rc == 0)
        rc = sql_number(w->db, "SELECT value FROM meta WHERE name = 'thinned'", &thinned);
    w->thinned = thinned != 0;
    struct store *s = w->store;
    s->last_removal = last;
    if (s->set.no_index)
        s->forgotten = s->purged = last;
    return rc;
}

// Of the message: 1, 0 (there is none, or it is removed) or an error.
static int find_message(struct writer *w, const char *msgid, int64_t *id)
{
    const struct sql_value value = {.text = msgid};
    return sql_find(w->db, "SELECT id FROM messages WHERE msgid = ? AND removed = 0", &value, id);
}

static int write_down(struct writer *w, struct wish *wish)
{
    int64_t id = 0;
    int rc = find_message(w, wish->msgid, &id);
    if (rc <= 0)
        return rc;
    const struct sql_value values[] = {{.number = id}, {.text = wish->by}};
    rc = sql_run_with(w->db, "UPDATE messages SET removed = 1 WHERE id = ?", values);
    if (rc == 0)
        rc = sql_run_with(w->db, "INSERT INTO removals (id, expire, who) VALUES (?, 0, ?)", values);
    if (rc == 0)
        wish->seq = sqlite3_last_insert_rowid(w->db);
    return rc;
}

static int write_all_down(struct writer *w, struct wish *list)
{
    int rc = sql_begin(w->db);
    if (rc < 0)
        return rc;
    for (struct wish *wish = list; wish && rc == 0; wish = wish->next)
        rc = write_down(w, wish);
    return sql_commit(w->db, rc);
}

void removal_publish(struct writer *w, int64_t last)
{
    struct store *s = w->store;
    weft_guard(&s->mu);
    if (last > s->last_removal) // else retention has marked one that was written down before
        s->last_removal = last;
    if (s->set.no_index)
        s->forgotten = s->purged = s->last_removal; // there is nothing to forget
    weft_cond_signal(&s->index_work);
}

static void confirm(struct store *s, struct wish *wish)
{
    weft_guard(&s->mu);
    wish->state = WISH_WRITTEN;
    weft_cond_broadcast(&s->moved);
}

static void keep(struct writer *w, struct wish *list)
{
    for (struct wish *next; list; list = next) {
        next = list->next;
        if (list->seq == 0) {
            settle(w->store, list, -ENOENT);
            continue;
        }
        w->wanted = list->seq > w->wanted ? list->seq : w->wanted;
        list->next = w->wishes;
        w->wishes = list;
        confirm(w->store, list);
    }
}

// Those that can be granted now, what was appended before them being settled; or all.
static struct wish *take_wishes(struct store *s, bool all)
{
    struct wish *wishes = s->wishes, *taken = NULL;
    s->wishes = NULL;
    for (struct wish *next; wishes; wishes = next) {
        bool takes = all || wishes->after <= s->inbox.settled;
        struct wish **to = takes ? &taken : &s->wishes;
        next = wishes->next;
        wishes->state = takes ? WISH_TAKEN : WISH_MADE;
        wishes->next = *to;
        *to = wishes;
    }
    return taken;
}

void removal_begin(struct writer *w)
{
    struct store *s = w->store;
    weft_lock(&s->mu);
    struct wish *list = take_wishes(s, false);
    int rc = s->code;
    weft_unlock(&s->mu);
    if (!list)
        return;
    if (rc == 0 && (rc = write_all_down(w, list)) < 0)
        writer_stop(w, NULL, rc);
    if (rc < 0) {
        settle_all(s, list, rc);
        return;
    }
    int64_t before = w->wanted;
    keep(w, list);
    if (w->wanted > before)
        removal_publish(w, w->wanted);
}

void removal_give_up(struct writer *w)
{
    struct store *s = w->store;
    weft_lock(&s->mu);
    struct wish *list = take_wishes(s, true);
    weft_unlock(&s->mu);
    settle_all(s, list, -EPIPE);
    settle_all(s, w->wishes, -EPIPE);
    w->wishes = NULL;
}

// ---- the writer: finishing them ----------------------------------------------------------------

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool removal_is_due(const struct writer *w)
{
    const struct store *s = w->store;
    return s->code == 0 && (least(s->purged, w->wanted) > w->finished ||
                            least(s->forgotten, w->expired) > w->deleted ||
                            (w->empty_log && weft_now().ns >= w->empty_at.ns));
}

// As many blanks as there were bytes: see schema.c.
#define BLANKS(column) "replace(hex(zeroblob(length(CAST(" column " AS BLOB)))), '00', ' ')"

// clang-format off
static const char blank_words[] =
    "UPDATE messages SET text = " BLANKS("text") ","
    " tags = iif(tags IS NULL, NULL, " BLANKS("tags") ")"
    " WHERE id IN (SELECT id FROM removals WHERE done = 0 AND expire = 0 AND seq <= ?)";
// clang-format on

static int overwrite(struct writer *w, int64_t last)
{
    int rc = sql_begin(w->db);
    if (rc < 0)
        return rc;
    const struct sql_value until = {.number = last};
    rc = sql_run_with(w->db, blank_words, &until);
    if (rc == 0)
        rc = sql_run_with(w->db,
                          "UPDATE removals SET done = 1 WHERE done = 0 AND expire = 0 AND seq <= ?",
                          &until);
    return sql_commit(w->db, rc);
}

#define EXPIRED " FROM removals WHERE done = 0 AND expire = 1 AND seq <= ? ORDER BY seq LIMIT 500"
_Static_assert(STEP == 500, "removal_finish takes fewer for all");

static int delete_some(struct writer *w, int64_t last, int64_t *count)
{
    int rc = sql_begin(w->db);
    if (rc < 0)
        return rc;
    const struct sql_value until = {.number = last};
    rc = sql_run_with(w->db, "DELETE FROM messages WHERE id IN (SELECT id" EXPIRED ")", &until);
    if (rc == 0)
        rc = sql_run_with(w->db, "DELETE FROM removals WHERE seq IN (SELECT seq" EXPIRED ")",
                          &until);
    *count = sqlite3_changes64(w->db);
    if (rc == 0 && !w->thinned)
        rc = sql_exec(w->db, "INSERT OR REPLACE INTO meta VALUES ('thinned', 1)");
    rc = sql_commit(w->db, rc);
    w->thinned = w->thinned || rc == 0;
    return rc;
}

static void settle_finished(struct writer *w)
{
    struct wish *left = NULL;
    for (struct wish *wish = w->wishes, *next; wish; wish = next) {
        next = wish->next;
        if (wish->seq <= w->finished) {
            settle(w->store, wish, 0);
        } else {
            wish->next = left;
            left = wish;
        }
    }
    w->wishes = left;
}

// Rows that were deleted may have left copies of their neighbours: see scrub.c.
static int clear_all(struct writer *w)
{
    int rc = sql_empty_log(w->db);
    return rc == 0 && w->thinned ? scrub_gaps(w->db) : rc;
}

// Not patiently: a reader that is at work needs the log, and messages wait. Soon again.
static void empty_log(struct writer *w)
{
    (void)sqlite3_busy_timeout(w->db, 0);
    int rc = clear_all(w);
    (void)sqlite3_busy_timeout(w->db, USUAL_PATIENCE_MS);
    w->empty_log = rc < 0;
    w->empty_at = rc < 0 ? weft_after_ms(LOG_PATIENCE_MS) : WEFT_FOREVER;
    if (rc == 0)
        settle_finished(w);
}

void removal_finish(struct writer *w)
{
    struct store *s = w->store;
    weft_lock(&s->mu);
    int64_t purged = least(s->purged, w->wanted), forgotten = least(s->forgotten, w->expired);
    int rc = s->code;
    weft_unlock(&s->mu);
    if (rc == 0 && purged > w->finished && (rc = overwrite(w, purged)) == 0) {
        w->finished = purged;
        w->empty_log = true;
        w->empty_at = weft_now();
    }
    int64_t count = 0;
    if (rc == 0 && forgotten > w->deleted && (rc = delete_some(w, forgotten, &count)) == 0 &&
        count < STEP)
        w->deleted = forgotten;
    if (rc < 0)
        writer_stop(w, NULL, rc);
    else if (w->empty_log && weft_now().ns >= w->empty_at.ns)
        empty_log(w);
}
