// SPDX-License-Identifier: MIT
// ask.c - a part of one conversation: store_ask.
//
// A conversation is ordered by id, as its messages came. By their times it would be the same until
// a clock is set back: from then on what is said would stand among what was said before, and
// whoever asks for the last, or for what came after a message, would not get it.
//
// A time is a place in that order: as a lower bound it is in front of the first message that is not
// before it, as an upper bound behind the last one that is not after it, and all of its millisecond
// is left out. So after a step of the clock a time gives rather too much than too little. Every
// question is then one or two of the same kind: so many from an end of what lies between two ids.
//
// A room that is guarded is two conversations, the open one and that of its era, read side by side.
#include <errno.h>
#include <weft/error.h>

#include "chat/store/parts.h"
#include "chat/store/place.h"
#include "chat/store/rows.h"

static const int64_t no_time = INT64_MIN;

// What a question is about. 0: nothing was said there.
struct both {
    int64_t open, era;
};

struct part {
    struct both in;
    int64_t after, before; // ids, exclusive
    int64_t not_at[2];     // times that are left out; no_time: none
    bool events, newest;   // newest: from the end backward
    size_t limit;
};

#define PART(conversation) \
    "SELECT " ROWS_COLUMNS ", m.id AS place FROM messages m INDEXED BY messages_order" \
    " JOIN conversations c ON c.id = m.conversation WHERE m.conversation = " conversation \
    " AND m.id > ?2 AND m.id < ?3 AND m.time <> ?4 AND m.time <> ?5 AND (m.words OR ?6)" \
    " AND NOT m.removed"

// Two are merged as they are read, each from its index: as many as are wanted.
static const char *statement_for(const struct part *part)
{
    static const char one[] = PART("?1") " ORDER BY place";
    static const char one_back[] = PART("?1") " ORDER BY place DESC";
    static const char two[] = PART("?1") " UNION ALL " PART("?7") " ORDER BY place";
    static const char two_back[] = PART("?1") " UNION ALL " PART("?7") " ORDER BY place DESC";
    if (part->in.open && part->in.era)
        return part->newest ? two_back : two;
    return part->newest ? one_back : one;
}

static int read_part(sqlite3 *db, const struct part *part, struct store_rows *rows)
{
    sqlite3_stmt *s;
    int rc = sql_prepare(db, statement_for(part), &s);
    if (rc == 0) {
        sql_int(s, 1, part->in.open ? part->in.open : part->in.era);
        sql_int(s, 2, part->after);
        sql_int(s, 3, part->before);
        sql_int(s, 4, part->not_at[0]);
        sql_int(s, 5, part->not_at[1]);
        sql_int(s, 6, part->events);
        if (part->in.open && part->in.era)
            sql_int(s, 7, part->in.era);
        rc = rows_fill(rows, s, part->limit, NULL, NULL);
    }
    (void)sqlite3_finalize(s);
    if (rc == 0 && part->newest)
        rows_reverse(rows);
    return rc;
}

// ---- places ----------------------------------------------------------------------------

// By its msgid, or as one of the records of an event that happened in several rooms: msgid.2 and so
// on; '/' comes behind '.'. The + is for the index of msgids, which is far narrower.
static int find_message(sqlite3 *db, struct both in, const char *msgid, int64_t *id)
{
    const struct sql_value values[] = {{.text = msgid}, {.number = in.open}, {.number = in.era}};
    int rc = sql_find(db,
                      "SELECT id FROM messages WHERE msgid >= ?1 AND msgid < ?1 || '/'"
                      " AND +conversation IN (?2, ?3)",
                      values, id);
    return rc == 0 ? weft_fail(-ENOENT, "no message %s there", msgid) : rc < 0 ? rc : 0;
}

// A point in the order of ids.
struct bounds {
    int64_t first;        // the id of the point itself, or of the first behind it
    int64_t lower, upper; // what is after it has more than this, what is before it less
    int64_t time;         // that is left out on both sides, or no_time
};

// Of what a question is about.
static int place_in(sqlite3 *db, struct both in, int64_t time, struct place *place)
{
    struct place era;
    int rc = place_of_time(db, in.open, time, place);
    if (rc < 0 || !in.era || (rc = place_of_time(db, in.era, time, &era)) < 0)
        return rc;
    place->first = era.first < place->first ? era.first : place->first;
    place->last = era.last > place->last ? era.last : place->last;
    return 0;
}

static int find_time(sqlite3 *db, struct both in, int64_t time, struct bounds *bounds)
{
    struct place place;
    int rc = place_in(db, in, time, &place);
    int64_t lower = place.first == INT64_MAX ? INT64_MAX : place.first - 1;
    if (rc == 0)
        *bounds = (struct bounds){place.first, lower, place.last + 1, time};
    return rc;
}

static int find_point(sqlite3 *db, struct both in, const struct store_point *point,
                      struct bounds *bounds)
{
    if (!point->msgid)
        return find_time(db, in, point->time_ms, bounds);
    int64_t id = 0;
    int rc = find_message(db, in, point->msgid, &id);
    if (rc == 0)
        *bounds = (struct bounds){id, id, id, no_time};
    return rc;
}

// ---- questions -----------------------------------------------------------------------------

// The point itself is in the second half.
static int read_around(sqlite3 *db, struct part part, const struct bounds *from,
                       struct store_rows *rows)
{
    size_t limit = part.limit;
    part.limit = limit / 2;
    part.newest = true;
    part.before = from->first;
    int rc = read_part(db, &part, rows);
    if (rc < 0)
        return rc;
    part.limit = rows->count + (limit - limit / 2); // it counts what is there
    part.newest = false;
    part.after = from->first - 1;
    part.before = INT64_MAX;
    return read_part(db, &part, rows);
}

static void set_between(struct part *part, const struct bounds *from, const struct bounds *to)
{
    part->newest = to->upper < from->upper;
    part->after = part->newest ? to->lower : from->lower;
    part->before = part->newest ? from->upper : to->upper;
    part->not_at[0] = from->time;
    part->not_at[1] = to->time;
}

static int read_range(sqlite3 *db, const struct store_query *q, struct part part,
                      struct store_rows *rows)
{
    struct bounds from = {0}, to = {0};
    bool open = q->range == STORE_LATEST && !q->from.msgid && !q->from.time_ms;
    int rc = open ? 0 : find_point(db, part.in, &q->from, &from);
    if (rc == 0 && q->range == STORE_BETWEEN)
        rc = find_point(db, part.in, &q->to, &to);
    if (rc < 0)
        return rc;
    part.newest = q->range == STORE_BEFORE || q->range == STORE_LATEST;
    if (q->range == STORE_AROUND)
        return read_around(db, part, &from, rows);
    if (q->range == STORE_BETWEEN) {
        set_between(&part, &from, &to);
    } else if (!open) {
        part.not_at[0] = from.time;
        if (q->range == STORE_BEFORE)
            part.before = from.upper;
        else
            part.after = from.lower;
    }
    return read_part(db, &part, rows);
}

static int find_both(sqlite3 *db, const struct store_conversation *where, struct both *in)
{
    static const char find[] =
        "SELECT id FROM conversations WHERE first = ? AND second = ? AND era = ?";
    struct sql_value values[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    conversation_names(where, &values[0].text, &values[1].text);
    int rc = sql_find(db, find, values, &in->open);
    values[2].number = where->era;
    if (rc >= 0 && where->era)
        rc = sql_find(db, find, values, &in->era);
    return rc < 0 ? rc : 0;
}

// A transaction, so that the two halves of one answer are of one moment.
static int ask(sqlite3 *db, const void *question, struct store_rows **rows)
{
    const struct store_query *q = question;
    struct part part = {
        .before = INT64_MAX, .not_at = {no_time, no_time}, .events = q->events, .limit = q->limit};
    if (!(*rows = rows_new()))
        return -ENOMEM;
    int rc = sql_exec(db, "BEGIN");
    if (rc == 0)
        rc = find_both(db, &q->where, &part.in);
    bool by_msgid = q->from.msgid || (q->range == STORE_BETWEEN && q->to.msgid);
    if (rc == 0 && (part.in.open || part.in.era || by_msgid)) // which then says that it is unknown
        rc = read_range(db, q, part, *rows);
    if (!sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL); // it was only read
    return rc;
}

int store_ask(struct store *store, const struct store_query *query, struct store_rows **rows)
{
    return reader_run(store, ask, query, WEFT_FOREVER, rows);
}
