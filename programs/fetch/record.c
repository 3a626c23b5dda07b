// SPDX-License-Identifier: MIT
// record.c - the file is opened, asked, closed.
//
// What may be asked of it while it is written, which URL is known and how large it was, is read
// into memory when it is opened, from one end to the other: so no question waits for a disk, nor
// for a commit.
//
// That one run at a time has the file is said by flock on the file itself: SQLite's own locks would
// let a second one in until both write. They are POSIX's, which flock does not touch, but which end
// when any descriptor of the file is closed: so ours is closed last. Others may look into it.
//
// A file that nobody has open is a single one, without a log beside it, and can be copied and read
// where nothing can be written: hence journal_mode DELETE at the end.
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/task.h>

#include "fetch/record_parts.h"

enum { BEHIND_MOST = 1 << 20 }; // bytes of pages that wait: about 3,000

// ---- opening and closing --------------------------------------------------------------

// SQLite would only say that the database is read-only.
static int check_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return weft_fail(-ENOMEM, "%s: out of memory", path);
    bool right = faccessat(AT_FDCWD, dirname(copy), W_OK, AT_EACCESS) == 0;
    int error = errno;
    free(copy);
    return right ? 0
                 : weft_fail(-error, "%s: a log is kept beside it, and its folder: %s", path,
                             strerror(error));
}

static int lock_file(struct record *r, bool make)
{
    struct stat st;
    r->lock = open(r->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | (make ? O_CREAT : 0), 0666);
    if (r->lock < 0 || fstat(r->lock, &st) < 0)
        return weft_fail(-errno, "%s: %s", r->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return weft_fail(-EINVAL, "%s is not a file", r->path);
    if (flock(r->lock, LOCK_EX | LOCK_NB) == 0)
        return check_folder(r->path);
    return errno == EWOULDBLOCK ? weft_fail(-EBUSY, "%s is in use by another weft fetch", r->path)
                                : weft_fail(-errno, "%s: %s", r->path, strerror(errno));
}

// Not before it is known to be ours is anything in it changed.
static int open_file(struct record *r, const struct fetch_settings *set)
{
    int rc = sql_open(&r->db, r->path);
    if (rc == 0)
        rc = schema_bring_up(r->db, r->path, &record_schema);
    if (rc == 0)
        rc = sql_exec(r->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                             "PRAGMA secure_delete = OFF");
    if (rc == 0)
        rc = record_run_load(r);
    if (rc == 0)
        rc = record_writer_prepare(r);
    return rc < 0 ? rc : record_run_begin(r, set); // last: no run is left by what fails
}

static void release(struct record *r)
{
    record_writer_release(r);
    if (r->run > 0) // else it may not be ours
        (void)sqlite3_exec(r->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sql_close(&r->db);
    if (r->lock >= 0)
        (void)close(r->lock); // and with it the lock
    record_index_free(&r->index);
    free(r->coming.bytes);
    free(r->waiting.bytes);
    free(r->path);
    free(r);
}

static int open_all(struct record *r, const struct fetch_settings *set)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    int rc = lock_file(r, !set->resume);
    if (rc == 0)
        rc = open_file(r, set);
    if (rc < 0)
        return rc;
    r->writer = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "record"), record_write, &r);
    return r->writer ? 0 : weft_error_code();
}

struct record *record_open(const struct fetch_settings *set)
{
    struct record *r = calloc(1, sizeof *r);
    char *path = strdup(set->resume ? set->resume : set->save);
    if (!r || !path) {
        (void)weft_fail(-ENOMEM, "the record: out of memory");
        free(path);
        free(r);
        return NULL;
    }
    r->path = path;
    r->lock = -1;
    if (open_all(r, set) == 0)
        return r;
    release(r);
    return NULL;
}

const struct record_past *record_past(const struct record *r)
{
    return &r->past;
}

// With mu held: 0; once, why nothing is kept any more; from then on 1.
static int tell_once(struct record *r, const char *more)
{
    if (r->code == 0 || r->told)
        return r->told;
    r->told = true;
    return weft_fail(r->code, "%s%s", r->reason, more);
}

// With mu held: what came is the writer's now.
static void let_out(struct record *r)
{
    bool slept = r->waiting.rows == 0;
    if (record_batch_move(&r->waiting, &r->coming) < 0)
        record_stop(r, weft_error_code());
    if ((slept && r->waiting.rows > 0) || r->waiting.rows >= RECORD_ROWS)
        weft_cond_signal(&r->work);
}

// As tell_once.
static int end_writer(struct record *r)
{
    bool before = weft_shield(true);
    weft_lock(&r->mu);
    let_out(r);
    r->ended = true;
    weft_cond_signal(&r->work);
    weft_unlock(&r->mu);
    if (r->writer)
        (void)weft_join(&r->writer, NULL, 0); // it returns 0
    (void)weft_shield(before);
    return tell_once(r, "");
}

int record_close(struct record **record, bool whole)
{
    struct record *r = *record;
    if (!r)
        return 0;
    *record = NULL;
    int rc = end_writer(r);
    if (rc == 0)
        rc = record_run_finish(r, whole);
    release(r);
    return rc < 0 ? rc : 0;
}

// ---- questions ------------------------------------------------------------------------

static int size_of(struct record *r, const char *url, enum record_size which, int64_t *size)
{
    weft_guard(&r->mu);
    int64_t found = record_index_size(r->index, record_index_find(r->index, url), which);
    if (found < 0)
        return 0;
    *size = found;
    return 1;
}

int record_has(struct record *r, const char *url, int64_t *decoded)
{
    return size_of(r, url, SIZE_DONE, decoded);
}

int record_before(struct record *r, const char *url, int64_t *decoded)
{
    return size_of(r, url, SIZE_BEFORE, decoded);
}

static int tell_gone(struct record *r, sqlite3_stmt *find, record_seen *seen, void *ctx)
{
    int rc;
    sql_int(find, 1, r->last);
    sql_int(find, 2, r->run);
    while ((rc = sql_step(find)) > 0)
        seen(ctx, (const char *)sqlite3_column_text(find, 0), sqlite3_column_int64(find, 1));
    return rc;
}

int record_gone(struct record *r, record_seen *seen, void *ctx)
{
    sqlite3_stmt *find;
    int rc = end_writer(r);
    if (rc != 0)
        return rc;
    rc = sql_prepare(r->db,
                     "SELECT u.url, p.decoded FROM pages p JOIN urls u ON u.id = p.url"
                     " WHERE p.run = ?1 AND p.fault IS NULL AND NOT EXISTS"
                     " (SELECT 1 FROM pages q WHERE q.run = ?2 AND q.url = p.url)",
                     &find);
    if (rc == 0)
        rc = tell_gone(r, find, seen, ctx);
    (void)sqlite3_finalize(find);
    return rc;
}

// ---- pages ----------------------------------------------------------------------------

// With mu held: the number of this URL, a new one if need be. 1: it is new; 0; or an error.
static int number_of(struct record *r, const char *url, uint32_t *id)
{
    *id = record_index_find(r->index, url);
    if (*id != 0)
        return 0;
    if (r->urls + 1 == UINT32_MAX)
        return weft_fail(-EFBIG, "%s has 4,294,967,294 URLs, which is all that it may", r->path);
    int rc = record_index_add(r->index, url, r->urls + 1);
    if (rc < 0)
        return weft_fail(rc, "%s: out of memory", r->path);
    *id = ++r->urls;
    return 1;
}

// With mu held.
static int add(struct record *r, const char *url, const struct page *page)
{
    uint32_t id;
    int rc = number_of(r, url, &id);
    if (rc >= 0)
        rc = record_batch_add(&r->coming, id, rc > 0 ? url : NULL, page, r->begin_us);
    if (rc == 0 && r->coming.rows >= RECORD_ROWS)
        let_out(r);
    return rc;
}

// With mu held.
static int add_in_time(struct record *r, const char *url, const struct page *page)
{
    while (r->waiting.used >= BEHIND_MOST && r->code == 0)
        (void)weft_cond_wait(&r->moved, &r->mu, WEFT_FOREVER);
    int rc = r->code == 0 ? add(r, url, page) : 0;
    if (rc < 0)
        record_stop(r, rc);
    return tell_once(r, "; nothing is kept any more") < 0 ? r->code : 0;
}

int record_page(struct record *r, const char *url, const struct page *page)
{
    bool before = weft_shield(true); // a page that came is kept, even if Ctrl+C was pressed
    weft_lock(&r->mu);
    int rc = add_in_time(r, url, page);
    weft_unlock(&r->mu);
    (void)weft_shield(before);
    return rc;
}

void record_let_out(struct record *r)
{
    bool before = weft_shield(true);
    weft_lock(&r->mu);
    let_out(r);
    weft_unlock(&r->mu);
    (void)weft_shield(before);
}
