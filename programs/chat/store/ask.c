// SPDX-License-Identifier: MIT
// ask.c - a part of one conversation: store_ask.
//
// A conversation is ordered by time, and where that is equal by when it was written down; a
// position is such a pair. A time excludes all of its millisecond, so as a lower bound it is the
// last position in it, and as an upper bound the first. Every question is then one or two of the
// same kind: so many from an end of what lies between two positions.
#include <errno.h>
#include <weft/error.h>

#include "chat/store/parts.h"
#include "chat/store/rows.h"

struct position {
    int64_t time, id;
};

struct part {
    int64_t conversation;
    struct position after, before; // exclusive
    bool events, newest;           // newest: from the end backward
    size_t limit;
};

static const struct position beginning = {INT64_MIN, INT64_MIN}, end = {INT64_MAX, INT64_MAX};

#define PART \
    "SELECT " ROWS_COLUMNS " FROM messages m JOIN conversations c ON c.id = m.conversation" \
    " WHERE m.conversation = ?1 AND m.time >= ?2 AND (m.time > ?2 OR m.id > ?3)" \
    " AND m.time <= ?4 AND (m.time < ?4 OR m.id < ?5) AND (m.words OR ?6) AND NOT m.removed"

static int read_part(sqlite3 *db, const struct part *part, struct store_rows *rows)
{
    sqlite3_stmt *s;
    int rc = sql_prepare(
        db, part->newest ? PART " ORDER BY m.time DESC, m.id DESC" : PART " ORDER BY m.time, m.id",
        &s);
    if (rc == 0) {
        sql_int(s, 1, part->conversation);
        sql_int(s, 2, part->after.time);
        sql_int(s, 3, part->after.id);
        sql_int(s, 4, part->before.time);
        sql_int(s, 5, part->before.id);
        sql_int(s, 6, part->events);
        rc = rows_fill(rows, s, part->limit, NULL, NULL);
    }
    (void)sqlite3_finalize(s);
    if (rc == 0 && part->newest)
        rows_reverse(rows);
    return rc;
}

// ---- positions -------------------------------------------------------------------------

// 1, 0 (nobody has said anything there) or an error.
static int find_conversation(sqlite3 *db, const struct store_conversation *where, int64_t *id)
{
    const char *first, *second;
    conversation_names(where, &first, &second);
    sqlite3_stmt *find;
    int rc = sql_prepare(db, "SELECT id FROM conversations WHERE first = ? AND second = ?", &find);
    if (rc == 0) {
        sql_text(find, 1, first);
        sql_text(find, 2, second);
        rc = sql_one(find, id);
    }
    (void)sqlite3_finalize(find);
    return rc;
}

// By its msgid, or as one of the records of an event that happened in several rooms: msgid.2 and so
// on; '/' comes behind '.'. The + is for the index of msgids, which is far narrower.
static int find_message(sqlite3 *db, int64_t conversation, const char *msgid, struct position *at)
{
    sqlite3_stmt *find;
    int rc = sql_prepare(db,
                         "SELECT time, id FROM messages WHERE msgid >= ?1 AND msgid < ?1 || '/'"
                         " AND +conversation = ?2",
                         &find);
    if (rc == 0) {
        sql_text(find, 1, msgid);
        sql_int(find, 2, conversation);
        rc = sql_step(find);
    }
    if (rc > 0)
        *at = (struct position){sqlite3_column_int64(find, 0), sqlite3_column_int64(find, 1)};
    (void)sqlite3_finalize(find);
    return rc == 0 ? weft_fail(-ENOENT, "no message %s there", msgid) : rc < 0 ? rc : 0;
}

// Both bounds that a point can be.
struct bounds {
    struct position lower, upper;
};

static int find_point(sqlite3 *db, int64_t conversation, const struct store_point *point,
                      struct bounds *bounds)
{
    struct position at;
    if (!point->msgid) {
        *bounds = (struct bounds){{point->time_ms, INT64_MAX}, {point->time_ms, INT64_MIN}};
        return 0;
    }
    int rc = find_message(db, conversation, point->msgid, &at);
    if (rc == 0)
        *bounds = (struct bounds){at, at};
    return rc;
}

static bool is_sooner(struct position a, struct position b)
{
    return a.time != b.time ? a.time < b.time : a.id < b.id;
}

// ---- questions -----------------------------------------------------------------------------

// The point itself is in the second half: one that is before the point's own upper bound is not.
static int read_around(sqlite3 *db, struct part part, const struct bounds *from,
                       struct store_rows *rows)
{
    size_t limit = part.limit;
    part.limit = limit / 2;
    part.newest = true;
    part.before = from->upper;
    int rc = read_part(db, &part, rows);
    if (rc < 0)
        return rc;
    part.limit = rows->count + (limit - limit / 2); // it counts what is there
    part.newest = false;
    part.after = from->upper;
    if (part.after.id > INT64_MIN)
        part.after.id--;
    part.before = end;
    return read_part(db, &part, rows);
}

static void set_between(struct part *part, const struct bounds *from, const struct bounds *to)
{
    part->newest = is_sooner(to->upper, from->upper);
    part->after = part->newest ? to->lower : from->lower;
    part->before = part->newest ? from->upper : to->upper;
}

static int read_range(sqlite3 *db, const struct store_query *q, struct part part,
                      struct store_rows *rows)
{
    struct bounds from = {beginning, end}, to = from;
    int rc = find_point(db, part.conversation, &q->from, &from);
    if (rc == 0 && q->range == STORE_BETWEEN)
        rc = find_point(db, part.conversation, &q->to, &to);
    if (rc < 0)
        return rc;
    part.newest = q->range == STORE_BEFORE || q->range == STORE_LATEST;
    if (q->range == STORE_AROUND)
        return read_around(db, part, &from, rows);
    if (q->range == STORE_BETWEEN)
        set_between(&part, &from, &to);
    else if (q->range == STORE_BEFORE)
        part.before = from.upper;
    else if (q->range == STORE_AFTER || q->from.msgid || q->from.time_ms)
        part.after = from.lower;
    return read_part(db, &part, rows);
}

// A transaction, so that the two halves of one answer are of one moment.
static int ask(sqlite3 *db, const void *question, struct store_rows **rows)
{
    const struct store_query *q = question;
    struct part part = {.after = beginning, .before = end, .events = q->events, .limit = q->limit};
    if (!(*rows = rows_new()))
        return -ENOMEM;
    int rc = sql_exec(db, "BEGIN");
    int found = rc < 0 ? rc : find_conversation(db, &q->where, &part.conversation);
    bool by_msgid = q->from.msgid || (q->range == STORE_BETWEEN && q->to.msgid);
    if (found > 0 || (found == 0 && by_msgid)) // which then says that it is unknown
        rc = read_range(db, q, part, *rows);
    else
        rc = found;
    if (!sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL); // it was only read
    return rc;
}

int store_ask(struct store *store, const struct store_query *query, struct store_rows **rows)
{
    return reader_run(store, ask, query, rows);
}
