// SPDX-License-Identifier: MIT
// rows.h - answers: statements become an array of messages.
#ifndef WEFT_CHAT_STORE_ROWS_H
#define WEFT_CHAT_STORE_ROWS_H

#include "chat/store/store.h"
#include "common/sql.h"

// What a statement selects, from a table or join that calls messages m and conversations c.
#define ROWS_COLUMNS \
    "m.msgid, m.time, m.kind, m.words, c.first, c.second, m.source, m.account, m.target, m.text," \
    " m.tags"

// NULL: out of memory, recorded.
struct store_rows *rows_new(void);
// All rows of the statement, as far as `keep` (NULL: any) wants them, up to `limit`. 0 or an error.
typedef bool rows_keep(const struct store_message *message, const void *ctx);
int rows_fill(struct store_rows *rows, sqlite3_stmt *statement, size_t limit, rows_keep *keep,
              const void *ctx);
void rows_reverse(struct store_rows *rows);

#endif
