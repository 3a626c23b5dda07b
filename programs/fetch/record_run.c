// SPDX-License-Identifier: MIT
// record_run.c - a run in the file: begun, gone on with, finished.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <weft/base.h>
#include <weft/error.h>

#include "fetch/record_parts.h"

// Since 1970.
static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

// ---- its settings ---------------------------------------------------------------------

struct entry {
    const char *name;
    int64_t number;
    const char *text; // instead of the number
};

static int keep(sqlite3_stmt *add, struct entry entry)
{
    sql_text(add, 2, entry.name);
    if (entry.text)
        sql_text(add, 3, entry.text);
    else
        sql_int(add, 3, entry.number);
    return sql_run(add);
}

static int keep_header(sqlite3_stmt *add, const char *header)
{
    char name[128];
    int length = (int)strcspn(header, ":; \t");
    (void)snprintf(name, sizeof name, "header %.*s", length, header); // a long one is cut
    return keep(add, (struct entry){name, 1, NULL});
}

static int64_t version_of(int family)
{
    return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

// What the sizes and times depend on. Of a header only the name: the rest may be a password.
static int keep_settings(sqlite3_stmt *add, const struct fetch_settings *s)
{
    const struct page_limits *most = &s->limits;
    const struct entry entries[] = {
        {"jobs", s->at_once, NULL},
        {"per-host", s->per_host, NULL},
        {"delay-ms", s->delay_ns / 1000000, NULL},
        {"retries", s->retries, NULL},
        {"timeout-ms", most->total_ns / 1000000, NULL},
        {"connect-timeout-ms", most->connect_ns / 1000000, NULL},
        {"first-byte-timeout-ms", most->first_byte_ns / 1000000, NULL},
        {"idle-timeout-ms", most->idle_ns / 1000000, NULL},
        {"max-size", most->encoded, NULL},
        {"max-decoded", most->decoded, NULL},
        {"max-headers", most->header, NULL},
        {"max-redirects", most->redirects, NULL},
        {"head", s->head, NULL},
        {"http1.1", s->http1, NULL},
        {"family", version_of(s->family), NULL},
        {"insecure", s->insecure, NULL},
        {"identity", s->identity, NULL},
        {"user-agent", 0, s->user_agent ? s->user_agent : ""},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof entries / sizeof *entries && rc == 0; i++)
        rc = keep(add, entries[i]);
    for (int i = 0; i < s->headers.length && rc == 0; i++)
        rc = keep_header(add, s->headers.texts[i]);
    return rc;
}

static int add_settings(struct record *r, const struct fetch_settings *set)
{
    sqlite3_stmt *add;
    int rc = sql_prepare(r->db, "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", &add);
    if (rc == 0) {
        sql_int(add, 1, r->run);
        rc = keep_settings(add, set);
    }
    (void)sqlite3_finalize(add);
    return rc;
}

// ---- what is known of its URLs --------------------------------------------------------

// Takes one row of an answer: 0, -ENOMEM, or -EUCLEAN: that cannot be.
typedef int load_one(struct record *r, sqlite3_stmt *row);

static int load_each(struct record *r, sqlite3_stmt *row, load_one *load)
{
    int rc;
    while ((rc = sql_step(row)) > 0) {
        rc = load(r, row);
        if (rc < 0)
            return weft_fail(rc, rc == -ENOMEM ? "%s: out of memory" : "%s is damaged", r->path);
    }
    return rc;
}

static int load_size(struct record *r, int64_t id, enum record_size which, int64_t size)
{
    bool right = id >= 1 && id <= r->urls && size >= 0 && size < INT64_MAX;
    return right ? record_index_set(r->index, (uint32_t)id, which, size) : -EUCLEAN;
}

static int load_url(struct record *r, sqlite3_stmt *row)
{
    int64_t id = sqlite3_column_int64(row, 0);
    const char *url = (const char *)sqlite3_column_text(row, 1);
    if (!url || id < 1 || id >= UINT32_MAX)
        return -EUCLEAN;
    r->urls = (uint32_t)id; // they come in order
    int rc = record_index_add(r->index, url, r->urls);
    if (rc == 0 && sqlite3_column_type(row, 2) != SQLITE_NULL)
        rc = load_size(r, id, SIZE_BEFORE, sqlite3_column_int64(row, 2));
    return rc;
}

static int load_done(struct record *r, sqlite3_stmt *row)
{
    return load_size(r, sqlite3_column_int64(row, 0), SIZE_DONE, sqlite3_column_int64(row, 1));
}

static int load(struct record *r, const char *text, load_one *one)
{
    sqlite3_stmt *rows;
    int rc = sql_prepare(r->db, text, &rows);
    if (rc == 0 && sqlite3_bind_parameter_count(rows) > 0)
        sql_int(rows, 1, r->run);
    if (rc == 0)
        rc = load_each(r, rows, one);
    (void)sqlite3_finalize(rows);
    return rc;
}

int record_run_load(struct record *r)
{
    r->index = record_index_new();
    if (!r->index)
        return weft_fail(-ENOMEM, "%s: out of memory", r->path);
    return load(r, "SELECT id, url, decoded FROM urls ORDER BY id", load_url);
}

// ---- begun, or gone on with -----------------------------------------------------------

static int add_run(struct record *r)
{
    const struct sql_value run[] = {{.number = now_ms()}, {.text = weft_version()}};
    int rc = sql_run_with(r->db, "INSERT INTO runs (begin, weft) VALUES (?, ?)", run);
    r->run = sqlite3_last_insert_rowid(r->db);
    return rc;
}

static int begin_new(struct record *r, const struct fetch_settings *set)
{
    int rc = sql_begin(r->db);
    if (rc == 0)
        rc = add_run(r);
    if (rc == 0)
        rc = add_settings(r, set);
    return sql_commit(r->db, rc);
}

// 1: there is a run, the last; 0; or an error.
static int find_last(struct record *r, bool *whole, int64_t *begin_ms)
{
    sqlite3_stmt *find;
    int rc = sql_prepare(r->db, "SELECT id, whole, begin, parts FROM runs ORDER BY id DESC LIMIT 1",
                         &find);
    if (rc == 0)
        rc = sql_step(find);
    if (rc > 0) {
        r->run = sqlite3_column_int64(find, 0);
        *whole = sqlite3_column_int(find, 1) != 0;
        *begin_ms = sqlite3_column_int64(find, 2);
        r->part = sqlite3_column_int64(find, 3);
    }
    (void)sqlite3_finalize(find);
    return rc;
}

static int count_past(struct record *r)
{
    sqlite3_stmt *count;
    int rc = sql_prepare(r->db,
                         "SELECT count(*) FILTER (WHERE fault IS NULL), count(fault),"
                         " total(decoded) FILTER (WHERE fault IS NULL) FROM pages WHERE run = ?",
                         &count);
    if (rc == 0) {
        sql_int(count, 1, r->run);
        rc = sql_step(count);
    }
    if (rc > 0) {
        r->past.done = sqlite3_column_int64(count, 0);
        r->past.failed = sqlite3_column_int64(count, 1);
        r->past.decoded = sqlite3_column_int64(count, 2);
    }
    (void)sqlite3_finalize(count);
    return rc < 0 ? rc : 0;
}

// Run with the run's id as ?1, and the time as ?2 where there is one.
static int run_with(struct record *r, const char *text)
{
    const struct sql_value values[] = {{.number = r->run}, {.number = now_ms()}};
    return sql_run_with(r->db, text, values);
}

static int count_part(struct record *r)
{
    return run_with(r, "UPDATE runs SET parts = parts + 1, end = NULL WHERE id = ?");
}

static int go_on(struct record *r)
{
    bool whole = false;
    int64_t begin_ms = 0;
    int rc = find_last(r, &whole, &begin_ms);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return weft_fail(-ENOENT, "%s has no run to go on with", r->path);
    if (whole)
        return weft_fail(-EALREADY, "the last run in %s is finished: there is nothing to resume",
                         r->path);
    int64_t since = now_ms() - begin_ms;
    r->begin_us = since > 0 ? since * 1000 : 0; // clocks are set back
    r->past.resumed = true;
    rc = load(r, "SELECT url, decoded FROM pages WHERE run = ? AND fault IS NULL", load_done);
    if (rc == 0)
        rc = count_past(r);
    return rc < 0 ? rc : count_part(r);
}

static int find_before(struct record *r)
{
    sqlite3_stmt *find;
    int rc = sql_prepare(r->db,
                         "SELECT id, begin FROM runs WHERE whole AND id < ? ORDER BY id DESC"
                         " LIMIT 1",
                         &find);
    if (rc == 0) {
        sql_int(find, 1, r->run);
        rc = sql_step(find);
    }
    if (rc > 0) {
        r->last = sqlite3_column_int64(find, 0);
        r->past.last_ms = sqlite3_column_int64(find, 1);
    }
    (void)sqlite3_finalize(find);
    return rc < 0 ? rc : 0;
}

int record_run_begin(struct record *r, const struct fetch_settings *set)
{
    int rc = set->resume ? go_on(r) : begin_new(r, set);
    return rc < 0 ? rc : find_before(r);
}

// ---- finished -------------------------------------------------------------------------

static int forget(struct record *r)
{
    int rc = run_with(r, "DELETE FROM settings WHERE run = ?");
    return rc < 0 ? rc : run_with(r, "DELETE FROM runs WHERE id = ?");
}

static int finish(struct record *r)
{
    int rc = run_with(r, "UPDATE runs SET whole = 1, end = ?2 WHERE id = ?1");
    return rc < 0 ? rc
                  : run_with(r, "UPDATE urls SET decoded = p.decoded FROM pages p"
                                " WHERE p.run = ? AND p.url = urls.id AND p.fault IS NULL"
                                " AND NOT p.head AND urls.decoded IS NOT p.decoded");
}

int record_run_finish(struct record *r, bool whole)
{
    bool empty = r->past.done + r->past.failed + r->settled == 0;
    int rc = sql_begin(r->db);
    if (rc == 0)
        rc = empty   ? forget(r)
             : whole ? finish(r)
                     : run_with(r, "UPDATE runs SET end = ?2 WHERE id = ?1");
    return sql_commit(r->db, rc);
}
