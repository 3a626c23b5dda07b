// SPDX-License-Identifier: MIT
// sql.h - SQLite as the programs speak to it: statements are constants, values are bound, and
// errors are weft's.
#ifndef WEFT_PROGRAMS_SQL_H
#define WEFT_PROGRAMS_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

// What went wrong with db (NULL: out of memory), as a negative errno, recorded with its sentence,
// "DOING: why": of a failed write the system's own reason. The others below put the file's path in
// front.
int sql_failed(sqlite3 *db, const char *doing);
// The same if rc is not SQLITE_OK, else 0.
int sql_check(sqlite3 *db, int rc, const char *doing);

// A file that is there (it is not made), for one task at a time. Deleted content is overwritten,
// nothing temporary goes to disk, and who finds it locked is patient for 5 s. *db is NULL on error.
int sql_open(sqlite3 **db, const char *path);
void sql_close(sqlite3 **db);

int sql_exec(sqlite3 *db, const char *text); // statements without values and answers
// A transaction that writes. Its end: if rc is 0 it is committed; else, or if that fails, all of it
// is undone. rc, or why it could not be committed.
int sql_begin(sqlite3 *db);
int sql_commit(sqlite3 *db, int rc);
int sql_number(sqlite3 *db, const char *text, int64_t *number); // the first one; 0 if there is none

// A text, or where it is NULL a number.
struct sql_value {
    const char *text;
    int64_t number;
};
// As sql_one and sql_run below, of a statement that is needed once, with a value for each of its
// parameters (NULL: it has none).
int sql_find(sqlite3 *db, const char *text, const struct sql_value values[], int64_t *number);
int sql_run_with(sqlite3 *db, const char *text, const struct sql_value values[]);

int sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement);

// Bound values must live until the statement is run. A NULL text is NULL.
void sql_text(sqlite3_stmt *statement, int at, const char *text);
void sql_int(sqlite3_stmt *statement, int at, int64_t value);
// 1: a row; 0: no more, and the statement is ready for the next values; or an error, likewise.
int sql_step(sqlite3_stmt *statement);
int sql_run(sqlite3_stmt *statement); // all of it: 0 or an error
// All of it, and write the first number: 1, 0 (no row) or an error.
int sql_one(sqlite3_stmt *statement, int64_t *number);

// All that is in it, and nothing of what was, into a new file of mode 0600; it is whole or not
// there. -EEXIST, unless it may replace one: then who calls sees to it that no two do so at a time,
// and a path.unfinished, which a kill leaves, is gone after the next.
int sql_copy(sqlite3 *db, const char *path, bool replace);

// All of the log goes into the file, and the log becomes empty. -EBUSY: a reader needs it still.
int sql_empty_log(sqlite3 *db);

#endif
