// SPDX-License-Identifier: MIT
// schema.h - what history.db looks like, and how an older one becomes so.
//
// user_version counts the steps that were taken; step N leads from schema N - 1 to N, and a new
// file begins with none. A step sets user_version itself, and `needs` in meta: the first weft that
// knows the schema. What an older weft must be able to read of a newer file for ever is that one
// line.
#ifndef WEFT_CHAT_STORE_SCHEMA_H
#define WEFT_CHAT_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

extern const char *const schema_steps[];
extern const size_t schema_count; // the current schema

// Bring the file at `path` to schema `count` by these steps, all in one transaction, after a copy
// to path.vN if it holds schema N. 0; -EPROTO: it is newer than that; -EUCLEAN: it is not ours; or
// as sql.h.
int schema_bring_up(sqlite3 *db, const char *path, const char *const *steps, size_t count);

#endif
