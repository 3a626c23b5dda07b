// SPDX-License-Identifier: MIT
// schema.c - see schema.h.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "common/schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft/base.h>
#include <weft/error.h>

#include "common/sql.h"

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

static int take_steps(sqlite3 *db, const struct schema *schema, size_t from)
{
    int rc = sql_begin(db);
    for (size_t i = from; i < schema->count && rc == 0; i++)
        rc = sql_exec(db, schema->steps[i]);
    return sql_commit(db, rc);
}

int schema_bring_up(sqlite3 *db, const char *path, const struct schema *schema)
{
    struct found found;
    int rc = look(db, &found);
    if (rc < 0)
        return rc;
    bool fresh = found.version == 0 && found.tables == 0;
    if (!fresh && (found.version <= 0 || found.application != schema->application))
        return weft_fail(-EUCLEAN, "%s is no %s of weft", path, schema->what);
    if ((size_t)found.version > schema->count)
        return refuse_newer(db, path, found.version, schema->count);
    if ((size_t)found.version == schema->count)
        return 0;
    if (!fresh)
        rc = keep_copy(db, path, found.version);
    return rc < 0 ? rc : take_steps(db, schema, (size_t)found.version);
}
