// SPDX-License-Identifier: MIT
// list.c - conversations with something in them: store_list.
//
// For each conversation one look at the end of its index; the candidates are few (a user's own) and
// the messages many. A room is the open one and an era of it: the later of their last texts counts.
#include <errno.h>
#include <stdlib.h>

#include "chat/store/parts.h"
#include "chat/store/rows.h"

struct span {
    int64_t after, before; // exclusive
};

// The last text of a conversation, if it lies within the span.
#define LAST \
    "(SELECT id FROM messages INDEXED BY messages_order WHERE conversation = c.id" \
    " AND words AND NOT removed ORDER BY id DESC LIMIT 1)"
#define FROM \
    "SELECT " ROWS_COLUMNS " FROM conversations c JOIN messages m ON m.id = " LAST \
    " AND m.time > ?1 AND m.time < ?2"

#define OF_ROOM \
    "SELECT " ROWS_COLUMNS " FROM messages m JOIN conversations c ON c.id = m.conversation" \
    " WHERE m.time > ?1 AND m.time < ?2 AND m.id = (SELECT max(" LAST ") FROM conversations c" \
    " WHERE c.first = ?3 AND c.second = ?4 AND c.era IN (0, ?5))"

static void bind_span(sqlite3_stmt *s, struct span span)
{
    sql_int(s, 1, span.after);
    sql_int(s, 2, span.before);
}

static int add_users(sqlite3 *db, const char *user, struct span span, struct store_rows *rows)
{
    sqlite3_stmt *s;
    int rc = sql_prepare(db, FROM " WHERE c.second <> '' AND (c.first = ?3 OR c.second = ?3)", &s);
    if (rc == 0) {
        bind_span(s, span);
        sql_text(s, 3, user);
        rc = rows_fill(rows, s, SIZE_MAX, NULL, NULL);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

static int add_rooms(sqlite3 *db, const struct store_targets *t, struct span span,
                     struct store_rows *rows)
{
    sqlite3_stmt *s;
    int rc = sql_prepare(db, OF_ROOM, &s);
    for (size_t i = 0; i < t->room_count && rc == 0; i++) {
        const char *first, *second;
        conversation_names(&t->rooms[i], &first, &second);
        bind_span(s, span);
        sql_text(s, 3, first);
        sql_text(s, 4, second);
        sql_int(s, 5, t->rooms[i].era);
        rc = rows_fill(rows, s, SIZE_MAX, NULL, NULL);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

static int by_time(const void *a, const void *b)
{
    const struct store_message *x = a, *y = b;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

// The first `limit` of them in the order that they are in.
static void shorten(struct store_rows *rows, size_t limit)
{
    while (rows->count > limit)
        free((char *)rows->messages[--rows->count].msgid);
}

static int list(sqlite3 *db, const void *question, struct store_rows **rows)
{
    const struct store_targets *t = question;
    bool backward = t->to_ms < t->from_ms;
    struct span span = {backward ? t->to_ms : t->from_ms, backward ? t->from_ms : t->to_ms};
    if (!(*rows = rows_new()))
        return -ENOMEM;
    int rc = t->user ? add_users(db, t->user, span, *rows) : 0;
    if (rc == 0)
        rc = add_rooms(db, t, span, *rows);
    if (rc < 0 || (*rows)->count == 0)
        return rc;
    qsort((*rows)->messages, (*rows)->count, sizeof *(*rows)->messages, by_time);
    if (backward)
        rows_reverse(*rows);
    shorten(*rows, t->limit);
    if (backward)
        rows_reverse(*rows);
    return 0;
}

int store_list(struct store *store, const struct store_targets *targets, struct store_rows **rows)
{
    return reader_run(store, list, targets, WEFT_FOREVER, rows);
}
