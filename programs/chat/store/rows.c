// SPDX-License-Identifier: MIT
// rows.c - see rows.h. Each message is one block that its msgid begins.
#include "chat/store/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

enum { TEXTS = 8 };
static const int columns[TEXTS] = {0, 4, 5, 6, 7, 8, 9, 10}; // that are texts

struct store_rows *rows_new(void)
{
    struct store_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        (void)weft_fail(-ENOMEM, "history: out of memory");
    return rows;
}

void store_rows_free(struct store_rows **rows)
{
    if (!*rows)
        return;
    for (size_t i = 0; i < (*rows)->count; i++)
        free((char *)(*rows)->messages[i].msgid);
    free((*rows)->messages);
    free(*rows);
    *rows = NULL;
}

// Room for one more: the array doubles when its size is a power of two.
static bool grow(struct store_rows *rows)
{
    size_t n = rows->count;
    if (n > 0 && (n & (n - 1)) != 0)
        return true;
    struct store_message *more = realloc(rows->messages, (n ? 2 * n : 1) * sizeof *more);
    if (more)
        rows->messages = more;
    return more != NULL;
}

static size_t size_of(sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return 0;
    (void)sqlite3_column_text(statement, column); // so that bytes are those of the text
    return (size_t)sqlite3_column_bytes(statement, column) + 1;
}

static const char *copy(char **to, sqlite3_stmt *statement, int column)
{
    size_t size = size_of(statement, column);
    const unsigned char *text = sqlite3_column_text(statement, column);
    if (size == 0 || !text)
        return NULL;
    char *at = memcpy(*to, text, size);
    *to += size;
    return at;
}

// Copy the row that the statement is at: 0 or -ENOMEM, recorded.
static int add(struct store_rows *rows, sqlite3_stmt *s)
{
    size_t size = 0;
    for (size_t i = 0; i < TEXTS; i++)
        size += size_of(s, columns[i]);
    char *block = grow(rows) ? malloc(size) : NULL;
    if (!block)
        return weft_fail(-ENOMEM, "history: out of memory");
    struct store_message m = {
        .time_ms = sqlite3_column_int64(s, 1),
        .kind = sqlite3_column_int(s, 2),
        .is_text = sqlite3_column_int(s, 3) != 0,
    };
    m.msgid = copy(&block, s, 0); // the first: what is freed
    m.where.first = copy(&block, s, 4);
    m.where.second = copy(&block, s, 5);
    m.source = copy(&block, s, 6);
    m.account = copy(&block, s, 7);
    m.target = copy(&block, s, 8);
    m.text = copy(&block, s, 9);
    m.tags = copy(&block, s, 10);
    if (m.where.second && !*m.where.second)
        m.where.second = NULL; // a room
    rows->messages[rows->count++] = m;
    return 0;
}

int rows_fill(struct store_rows *rows, sqlite3_stmt *statement, size_t limit, rows_keep *keep,
              const void *ctx)
{
    int rc = 0;
    while (rows->count < limit && (rc = sql_step(statement)) > 0) {
        if ((rc = add(rows, statement)) < 0)
            break;
        if (keep && !keep(&rows->messages[rows->count - 1], ctx))
            free((char *)rows->messages[--rows->count].msgid);
    }
    (void)sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

void rows_reverse(struct store_rows *rows)
{
    for (size_t i = 0, j = rows->count; i + 1 < j; i++) {
        struct store_message other = rows->messages[--j];
        rows->messages[j] = rows->messages[i];
        rows->messages[i] = other;
    }
}
