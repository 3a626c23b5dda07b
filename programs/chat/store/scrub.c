// SPDX-License-Identifier: MIT
// scrub.c - see scrub.h.
//
// secure_delete clears what is deleted. But where rows are deleted in the middle, SQLite moves
// their neighbours to other pages, and where a page becomes emptier by that it does not clear the
// gap between the page's list of cells and its first cell: there a whole row may stand, still alive
// elsewhere. Once that row is removed, its copy is not.
//
// So where retention has deleted rows, each leaf of a table is looked at, and its gap is
// overwritten in place. Nobody reads a gap; a write that is cut short leaves a gap. That the file
// is the truth is made sure by an empty log and a write lock. The connection forgets the pages that
// it has seen, or it would write an old gap again. VACUUM would do the same, but writes all of the
// file.
//
// It goes through SQLite's own descriptor: closing another would end SQLite's locks. A leaf of a
// table begins with 13; a page of another kind that has no such byte in front begins with the
// number of a page in four bytes, the first of which is less, as long as there are no more than
// 2^24.
#include "chat/store/scrub.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "common/sql.h"

enum { TABLE_LEAF = 13, HEADER = 8, FILE_HEADER = 100, PAGES_MAX = 1 << 24 };

static size_t number_at(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

// Whether something was there. A content that begins at 0 begins at 65,536, which no page of ours
// is.
static bool clear_gap(unsigned char *page, size_t size, size_t header)
{
    const unsigned char *h = page + header;
    size_t from = header + HEADER + 2 * number_at(h + 3), to = number_at(h + 5);
    if (h[0] != TABLE_LEAF || to > size || from >= to)
        return false;
    bool found = false;
    for (size_t i = from; i < to && !found; i++)
        found = page[i] != 0;
    memset(page + from, 0, to - from);
    return found;
}

static int scrub_page(sqlite3_file *file, unsigned char *page, size_t size, sqlite3_int64 number)
{
    sqlite3_int64 at = number * (sqlite3_int64)size;
    int rc = file->pMethods->xRead(file, page, (int)size, at);
    if (rc == SQLITE_OK && clear_gap(page, size, number == 0 ? FILE_HEADER : 0))
        rc = file->pMethods->xWrite(file, page, (int)size, at);
    return rc == SQLITE_OK ? 0 : weft_fail(-EIO, "history: a page cannot be cleared");
}

static int scrub_file(sqlite3_file *file, size_t size, int64_t pages)
{
    unsigned char *page = malloc(size);
    int rc = page ? 0 : weft_fail(-ENOMEM, "history: out of memory");
    for (sqlite3_int64 i = 0; i < pages && rc == 0; i++)
        rc = scrub_page(file, page, size, i);
    free(page);
    if (rc == 0 && file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) != SQLITE_OK)
        rc = weft_fail(-EIO, "history: the file cannot be synced");
    return rc;
}

// With the write lock held.
static int scrub_locked(sqlite3 *db)
{
    sqlite3_file *file = NULL, *log = NULL;
    sqlite3_int64 logged = 0;
    int64_t size = 0, pages = 0;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (!file || !file->pMethods || !log || !log->pMethods)
        return weft_fail(-ENOTSUP, "history: there is no file");
    if (log->pMethods->xFileSize(log, &logged) != SQLITE_OK || logged > 0)
        return weft_fail(-EBUSY, "history: the log is not empty");
    int rc = sql_number(db, "PRAGMA page_size", &size);
    if (rc == 0)
        rc = sql_number(db, "PRAGMA page_count", &pages);
    if (rc == 0 && pages >= PAGES_MAX)
        rc = weft_fail(-ENOTSUP, "history: too large to be cleared");
    return rc < 0 ? rc : scrub_file(file, (size_t)size, pages);
}

int scrub_gaps(sqlite3 *db)
{
    int rc = sql_exec(db, "BEGIN IMMEDIATE");
    if (rc == 0)
        rc = scrub_locked(db);
    if (!sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); // it has written nothing
    (void)sqlite3_db_release_memory(db);                      // the pages that it has seen
    return rc;
}
