// SPDX-License-Identifier: MIT
// sql.c - see sql.h. Every value is bound: no text from outside ever becomes a part of a statement.
// A bind that runs out of memory makes the value NULL, which the columns refuse: so its result need
// not be looked at.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "common/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/sync.h>

enum { PATIENCE_MS = 5000 };

static const struct {
    int code, error;
} errors[] = {
    {SQLITE_FULL, ENOSPC},         {SQLITE_NOMEM, ENOMEM},      {SQLITE_BUSY, EBUSY},
    {SQLITE_LOCKED, EBUSY},        {SQLITE_READONLY, EROFS},    {SQLITE_PERM, EACCES},
    {SQLITE_INTERRUPT, ECANCELED}, {SQLITE_CONSTRAINT, EEXIST}, {SQLITE_CORRUPT, EUCLEAN},
    {SQLITE_NOTADB, EUCLEAN},      {SQLITE_TOOBIG, EMSGSIZE},
};

static int errno_of(sqlite3_file *file)
{
    int error = 0;
    if (file && file->pMethods)
        (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    return error;
}

// SQLite says "disk I/O error" where write(2) said which one; sqlite3_system_errno knows it of most
// calls, but not of a commit. Then its files do: the log, where commits go, and the file itself.
static int system_error(sqlite3 *db, int code)
{
    sqlite3_file *log = NULL, *file = NULL;
    if (!db || (code != SQLITE_IOERR && code != SQLITE_CANTOPEN))
        return 0;
    int error = sqlite3_system_errno(db);
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file); // or they stay NULL
    if (!error)
        error = errno_of(log);
    return error ? error : errno_of(file);
}

// Only a bind that failed breaks another constraint than that of a key: see the top.
static int code_of(sqlite3 *db)
{
    int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    bool key = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY;
    return (code & 0xff) == SQLITE_CONSTRAINT && !key ? SQLITE_NOMEM : code & 0xff;
}

int sql_failed(sqlite3 *db, const char *doing)
{
    int code = code_of(db);
    int error = system_error(db, code);
    if (error)
        return weft_fail(-error, "%s: %s", doing, strerror(error));
    for (size_t i = 0; i < sizeof errors / sizeof *errors && !error; i++)
        if (errors[i].code == code)
            error = errors[i].error;
    return weft_fail(error ? -error : -EIO, "%s: %s", doing,
                     db ? sqlite3_errmsg(db) : "out of memory");
}

int sql_check(sqlite3 *db, int rc, const char *doing)
{
    return rc == SQLITE_OK ? 0 : sql_failed(db, doing);
}

// Nobody asks SQLite how much memory it has; to count it takes a lock at each allocation, a tenth
// of what a message costs the history.
static int set_up(void *none)
{
    (void)none;
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); // refused: it is in use already, and counts
    return 0;
}

// To SQLite ":memory:" is no file at all, and "file:x?mode=memory" neither: "./:memory:" is one.
static int open_file(sqlite3 **db, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    char *own = NULL;
    *db = NULL;
    if (*path != '/' && asprintf(&own, "./%s", path) < 0)
        return SQLITE_NOMEM;
    int code = sqlite3_open_v2(own ? own : path, db, flags, NULL);
    free(own);
    return code;
}

int sql_open(sqlite3 **db, const char *path)
{
    static weft_once once;
    (void)weft_once_do(&once, set_up, NULL);
    int code = open_file(db, path); // first: arguments have no order
    int rc = sql_check(*db, code, path);
    if (rc == 0) {
        (void)sqlite3_extended_result_codes(*db, 1); // both fail only for a NULL
        (void)sqlite3_busy_timeout(*db, PATIENCE_MS);
        rc = sql_exec(*db, "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                           "PRAGMA trusted_schema = OFF;");
    }
    if (rc < 0)
        sql_close(db);
    return rc;
}

void sql_close(sqlite3 **db)
{
    (void)sqlite3_close_v2(*db); // with a statement left it would wait for that; there is none
    *db = NULL;
}

// Whose trouble it is: the file's.
static const char *file_of(sqlite3 *db)
{
    const char *path = sqlite3_db_filename(db, "main");
    return path && *path ? path : "a database in memory";
}

int sql_exec(sqlite3 *db, const char *text)
{
    return sql_check(db, sqlite3_exec(db, text, NULL, NULL, NULL), file_of(db));
}

int sql_begin(sqlite3 *db)
{
    return sql_exec(db, "BEGIN IMMEDIATE");
}

int sql_commit(sqlite3 *db, int rc)
{
    if (rc == 0)
        rc = sql_exec(db, "COMMIT");
    if (rc < 0 && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); // the first error is what counts
    return rc;
}

int sql_number(sqlite3 *db, const char *text, int64_t *number)
{
    *number = 0;
    int rc = sql_find(db, text, NULL, number);
    return rc < 0 ? rc : 0;
}

static int prepare_with(sqlite3 *db, const char *text, const struct sql_value values[],
                        sqlite3_stmt **statement)
{
    int rc = sql_prepare(db, text, statement);
    for (int i = 0; values && i < sqlite3_bind_parameter_count(*statement); i++)
        if (values[i].text) // NOLINT: there are as many as parameters
            sql_text(*statement, i + 1, values[i].text);
        else
            sql_int(*statement, i + 1, values[i].number);
    return rc;
}

int sql_find(sqlite3 *db, const char *text, const struct sql_value values[], int64_t *number)
{
    sqlite3_stmt *statement;
    int rc = prepare_with(db, text, values, &statement);
    if (rc == 0)
        rc = sql_one(statement, number);
    (void)sqlite3_finalize(statement);
    return rc;
}

int sql_run_with(sqlite3 *db, const char *text, const struct sql_value values[])
{
    sqlite3_stmt *statement;
    int rc = prepare_with(db, text, values, &statement);
    if (rc == 0)
        rc = sql_run(statement);
    (void)sqlite3_finalize(statement);
    return rc;
}

int sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement)
{
    *statement = NULL;
    return sql_check(db,
                     sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL),
                     file_of(db));
}

void sql_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

void sql_int(sqlite3_stmt *statement, int at, int64_t value)
{
    (void)sqlite3_bind_int64(statement, at, value);
}

int sql_step(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    sqlite3 *db = sqlite3_db_handle(statement);
    int failed = rc == SQLITE_DONE ? 0 : sql_failed(db, file_of(db));
    (void)sqlite3_reset(statement); // says again what step said
    return failed;
}

int sql_run(sqlite3_stmt *statement)
{
    int rc;
    while ((rc = sql_step(statement)) > 0)
        continue;
    return rc;
}

int sql_one(sqlite3_stmt *statement, int64_t *number)
{
    int rc = sql_step(statement);
    if (rc <= 0)
        return rc;
    *number = sqlite3_column_int64(statement, 0);
    rc = sql_run(statement);
    return rc < 0 ? rc : 1;
}

// ---- copies ---------------------------------------------------------------------

static int put_in_place(int fd, const char *made, const char *path, bool replace)
{
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    if (fsync(fd) < 0 || renameat2(AT_FDCWD, made, AT_FDCWD, path, flags) < 0)
        return weft_fail(-errno, "%s: %s", path, strerror(errno));
    return 0;
}

// Where SQLite cannot write the copy to its end it leaves the copy's journal beside it.
static void remove_made(const char *made)
{
    char *journal = NULL;
    (void)unlink(made);
    if (asprintf(&journal, "%s-journal", made) < 0)
        return;
    (void)unlink(journal); // mostly there is none
    free(journal);
}

// A copy that replaces others is the only one of its kind at a time, and made again until it is
// whole: so its name is always the same, and what a kill left of the one before goes here.
static int make_empty(char *made, bool replace)
{
    if (!replace)
        return mkostemp(made, O_CLOEXEC);
    remove_made(made);
    return open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

// Into an empty file first, which SQLite accepts: so nobody else can read it at any moment, and a
// copy that was interrupted never bears the name.
int sql_copy(sqlite3 *db, const char *path, bool replace)
{
    if (!replace && access(path, F_OK) == 0)
        return weft_fail(-EEXIST, "%s is there already", path);
    char *made = NULL;
    if (asprintf(&made, "%s.%s", path, replace ? "unfinished" : "XXXXXX") < 0)
        return weft_fail(-ENOMEM, "%s: out of memory", path);
    int fd = make_empty(made, replace);
    const struct sql_value into = {.text = made};
    int rc = fd < 0 ? weft_fail(-errno, "%s: %s", path, strerror(errno))
                    : sql_run_with(db, "VACUUM INTO ?", &into);
    if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG) // SQLite means the copy, which grows
        rc = weft_fail(rc, "%s: %s", path, strerror(-rc));
    if (rc == 0)
        rc = put_in_place(fd, made, path, replace);
    if (rc < 0 && fd >= 0)
        remove_made(made);
    if (fd >= 0)
        (void)close(fd);
    free(made);
    return rc;
}

int sql_empty_log(sqlite3 *db)
{
    return sql_check(db,
                     sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
                     file_of(db));
}
