// SPDX-License-Identifier: MIT
// schema.c - see schema.h.
//
// The table of messages is only appended to. A removal overwrites text and tags with as many
// blanks, and `removed` is 0 or 1, which SQLite stores in no byte: so a row never changes its size,
// no page is rebuilt, and no copy of what was removed stays in the gap of a page (secure_delete
// clears what is freed, not what a rebuilt page leaves behind). Retention does delete rows; then
// scrub.c clears the gaps.
//
// A conversation is a number, so that an index entry has a few bytes; `second` is '' for a room,
// and the names of two users are in order. `removals` are what the index must forget, in the order
// of their numbers, which are never used again.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "chat/store/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/base.h>
#include <weft/error.h>

#include "chat/store/sql.h"

#define APPLICATION 0x77656674 // "weft"

const char *const schema_steps[] = {
    "PRAGMA application_id = 0x77656674;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE conversations (id INTEGER PRIMARY KEY, first TEXT NOT NULL, second TEXT NOT NULL,"
    " UNIQUE (first, second));"
    "CREATE INDEX conversations_second ON conversations (second) WHERE second <> '';"
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL UNIQUE,"
    " time INTEGER NOT NULL, conversation INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " words INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0, source TEXT NOT NULL,"
    " account TEXT, target TEXT NOT NULL, text TEXT NOT NULL, tags TEXT);"
    "CREATE INDEX messages_time ON messages (conversation, time);"
    "CREATE TABLE removals (seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,"
    " expire INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, who TEXT);"
    "CREATE INDEX removals_waiting ON removals (expire, seq) WHERE done = 0;"
    "INSERT INTO meta VALUES ('last_id', 0), ('history', hex(randomblob(16))), ('needs', '0.1.0');"
    "PRAGMA user_version = 1;",
};
const size_t schema_count = sizeof schema_steps / sizeof *schema_steps;

struct found {
    int64_t version, application, tables;
};

static int look(sqlite3 *db, struct found *found)
{
    int rc = sql_number(db, "PRAGMA user_version", &found->version);
    if (rc == 0)
        rc = sql_number(db, "PRAGMA application_id", &found->application);
    if (rc == 0)
        rc = sql_number(db, "SELECT count(*) FROM sqlite_master", &found->tables);
    return rc;
}

static int refuse_newer(sqlite3 *db, const char *path, int64_t version, size_t known)
{
    sqlite3_stmt *statement;
    const unsigned char *needs = NULL;
    int rc = sql_prepare(db, "SELECT value FROM meta WHERE name = 'needs'", &statement);
    if (rc == 0 && sql_step(statement) > 0)
        needs = sqlite3_column_text(statement, 0);
    rc = weft_fail(-EPROTO, "%s has schema %lld and needs weft %s or newer; this is %s, with %zu",
                   path, (long long)version, needs ? (const char *)needs : "of its time",
                   weft_version(), known);
    (void)sqlite3_finalize(statement);
    return rc;
}

static int keep_copy(sqlite3 *db, const char *path, int64_t version)
{
    char *copy = NULL;
    if (asprintf(&copy, "%s.v%lld", path, (long long)version) < 0)
        return weft_fail(-ENOMEM, "%s: out of memory", path);
    // One that is there is of an attempt that failed; the file may have grown since.
    int rc = sql_copy(db, copy, true);
    free(copy);
    return rc;
}

static int take_steps(sqlite3 *db, const char *const *steps, size_t from, size_t count)
{
    int rc = sql_exec(db, "BEGIN IMMEDIATE");
    for (size_t i = from; i < count && rc == 0; i++)
        rc = sql_exec(db, steps[i]);
    if (rc == 0)
        rc = sql_exec(db, "COMMIT");
    if (rc < 0 && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); // the error that counts is the first
    return rc;
}

int schema_bring_up(sqlite3 *db, const char *path, const char *const *steps, size_t count)
{
    struct found found;
    int rc = look(db, &found);
    if (rc < 0)
        return rc;
    bool fresh = found.version == 0 && found.tables == 0;
    if (!fresh && (found.version <= 0 || found.application != APPLICATION))
        return weft_fail(-EUCLEAN, "%s is no history of weft", path);
    if ((size_t)found.version > count)
        return refuse_newer(db, path, found.version, count);
    if ((size_t)found.version == count)
        return 0;
    if (!fresh)
        rc = keep_copy(db, path, found.version);
    return rc < 0 ? rc : take_steps(db, steps, (size_t)found.version, count);
}
