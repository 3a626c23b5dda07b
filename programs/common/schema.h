// SPDX-License-Identifier: MIT
// schema.h - what a file of ours looks like, and how an older one becomes so.
//
// user_version counts the steps that were taken; step N leads from schema N - 1 to N, and a new
// file begins with none. A step sets user_version itself, and the first application_id; and a table
// `meta` (name, value) has in `needs` the first weft that knows the schema. What an older weft must
// be able to read of a newer file for ever is that one line.
#ifndef WEFT_PROGRAMS_SCHEMA_H
#define WEFT_PROGRAMS_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct schema {
    int64_t application;      // application_id: each kind of file has its own
    const char *what;         // "history", for messages
    const char *const *steps; // each one or more statements
    size_t count;             // of steps: the current schema
};

// Bring the file at `path`, which nobody else brings up meanwhile, up to date, all steps in one
// transaction, after a copy to path.vN if it holds schema N. A file that is refused is not touched.
// 0; -EPROTO: it is newer; -EUCLEAN: it is not ours; or as sql.h.
int schema_bring_up(sqlite3 *db, const char *path, const struct schema *schema);

#endif
