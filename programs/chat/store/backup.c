// SPDX-License-Identifier: MIT
// backup.c - a copy of a history that may be in use: store_backup.
//
// By another connection, most often of another process: WAL shows it one moment, and VACUUM INTO
// leaves out what was deleted. It is read by whoever may read the folder; the server's lock is not
// needed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>

#include "chat/store/folder.h"
#include "chat/store/store.h"
#include "common/sql.h"

enum { INSTRUCTIONS = 1000 }; // of SQLite, between two questions

static int is_stopped(void *stopped)
{
    bool (**is)(void) = stopped;
    return (*is)();
}

static int copy_history(const char *path, const char *file, bool (*stopped)(void))
{
    sqlite3 *db = NULL;
    if (access(path, F_OK) < 0)
        return weft_fail(-errno, "%s: %s", path, strerror(errno));
    int rc = sql_open(&db, path);
    int64_t version = 0;
    if (rc == 0)
        rc = sql_number(db, "PRAGMA user_version", &version);
    if (rc == 0 && version == 0)
        rc = weft_fail(-ENOENT, "%s holds no history yet", path);
    if (rc == 0 && stopped)
        sqlite3_progress_handler(db, INSTRUCTIONS, is_stopped, &stopped);
    if (rc == 0)
        rc = sql_copy(db, file, false);
    sql_close(&db);
    return rc;
}

int store_backup(const char *folder, const char *file, bool (*stopped)(void))
{
    char *path = folder_path(folder, "history.db");
    int rc = path ? copy_history(path, file, stopped) : -ENOMEM;
    free(path);
    return rc;
}
