// SPDX-License-Identifier: MIT
// record_writer.c - pages become rows, on a thread of its own.
//
// A commit waits for the disk, which no loop of fetchers should. So a page is copied behind those
// that wait, and the thread takes all that wait at once: 100 ms after the first of them, or when
// there are a thousand. A commit is synced: power that fails takes
// the last tenth of a second.
//
// A write that fails ends it: pages are dropped from then on, and whoever brings the next is told
// once. There is no second try as in a server's history: the run will end, and what it has kept can
// be resumed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "common/utf8.h"
#include "fetch/fault.h"
#include "fetch/record_parts.h"

enum { LINGER_MS = 100 };

// ---- rows, packed ---------------------------------------------------------------------

enum {
    PART, // ?3; filled in by the writer
    STAGE,
    CODE,
    STATUS,
    HTTP,
    ATTEMPTS,
    REDIRECTS,
    ENCODED,
    DECODED,
    CLAIMED,
    HEADER_BYTES,
    REQUEST_BYTES,
    BEGIN,
    TOOK,
    NAME,
    CONNECT,
    TLS,
    FIRST_BYTE,
    TOTAL,
    HEAD,
    EXCESS,
    UNVERIFIED,
    NUMBERS,
};
static const char add_page[] =
    "INSERT OR REPLACE INTO pages (run, url, part, stage, code, status, http, attempts, redirects,"
    " encoded, decoded, claimed, header_bytes, request_bytes, begin, took, name, connect, tls,"
    " first_byte, total, head, excess, unverified, fault, target, encoding, address, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?)";

enum { URL, TARGET, ENCODING, ADDRESS, DETAIL, TEXTS };

struct row { // in a batch; the URL and the texts follow, with their NULs
    size_t size;
    uint32_t url;
    bool new_url;      // else the URL's text is empty
    const char *fault; // a constant
    int64_t numbers[NUMBERS];
    char texts[];
};

// Most pages have no target: "" stands for none.
static void list_texts(const struct page *page, const char *texts[TEXTS])
{
    texts[TARGET] = page->target ? page->target : "";
    texts[ENCODING] = page->encoding;
    texts[ADDRESS] = page->address;
    texts[DETAIL] = page->fault != FAULT_NONE ? page->detail : "";
}

static void fill_in(int64_t n[NUMBERS], const struct page *p, int64_t begin_us)
{
    n[STAGE] = p->stage;
    n[CODE] = p->code;
    n[STATUS] = p->status;
    n[HTTP] = p->http;
    n[ATTEMPTS] = p->attempts;
    n[REDIRECTS] = p->redirects;
    n[ENCODED] = p->encoded;
    n[DECODED] = p->decoded;
    n[CLAIMED] = p->claimed;
    n[HEADER_BYTES] = p->header_bytes;
    n[REQUEST_BYTES] = p->request_bytes;
    n[BEGIN] = begin_us + p->begin_ns / 1000;
    n[TOOK] = p->ns / 1000;
    n[NAME] = p->times.name;
    n[CONNECT] = p->times.connect;
    n[TLS] = p->times.tls;
    n[FIRST_BYTE] = p->times.first_byte;
    n[TOTAL] = p->times.total;
    n[HEAD] = p->head;
    n[EXCESS] = p->excess;
    n[UNVERIFIED] = p->unverified;
}

static int make_room(struct record_batch *batch, size_t size)
{
    size_t room = batch->room ? batch->room : 16384;
    while (room - batch->used < size)
        room *= 2;
    char *bytes = room == batch->room ? batch->bytes : realloc(batch->bytes, room);
    if (!bytes)
        return weft_fail(-ENOMEM, "the record: out of memory");
    batch->bytes = bytes;
    batch->room = room;
    return 0;
}

int record_batch_add(struct record_batch *batch, uint32_t id, const char *url,
                     const struct page *page, int64_t begin_us)
{
    const char *texts[TEXTS] = {url ? url : ""};
    size_t sizes[TEXTS], size = sizeof(struct row);
    list_texts(page, texts);
    for (int i = 0; i < TEXTS; i++)
        size += sizes[i] = strlen(texts[i]) + 1;
    size = (size + _Alignof(struct row) - 1) & ~(_Alignof(struct row) - 1);
    int rc = make_room(batch, size);
    if (rc < 0)
        return rc;
    struct row *row = (struct row *)(void *)(batch->bytes + batch->used); // aligned by `size`
    const char *name = page->fault == FAULT_NONE ? NULL : fault_name(page->fault);
    *row = (struct row){size, id, url != NULL, name, {0}};
    fill_in(row->numbers, page, begin_us);
    char *at = row->texts;
    for (int i = 0; i < TEXTS; at += sizes[i], i++)
        memcpy(at, texts[i], sizes[i]);
    batch->used += size;
    batch->rows++;
    return 0;
}

int record_batch_move(struct record_batch *batch, struct record_batch *from)
{
    int rc = from->used > 0 ? make_room(batch, from->used) : 0;
    if (rc < 0 || from->used == 0)
        return rc;
    memcpy(batch->bytes + batch->used, from->bytes, from->used);
    batch->used += from->used;
    batch->rows += from->rows;
    from->used = 0;
    from->rows = 0;
    return 0;
}

// ---- rows, written --------------------------------------------------------------------

int record_writer_prepare(struct record *r)
{
    int rc = sql_prepare(r->db, "INSERT INTO urls (id, url) VALUES (?, ?)", &r->add_url);
    if (rc == 0)
        rc = sql_prepare(r->db, add_page, &r->add_page);
    return rc;
}

void record_writer_release(struct record *r)
{
    (void)sqlite3_finalize(r->add_url);
    (void)sqlite3_finalize(r->add_page);
}

static int write_url(struct record *r, const struct row *row)
{
    sql_int(r->add_url, 1, row->url);
    sql_text(r->add_url, 2, row->texts);
    return sql_run(r->add_url);
}

// A server's words may be in any encoding: what is not UTF-8 is kept as bytes.
static void bind_words(sqlite3_stmt *statement, int at, const char *text)
{
    if (!*text)
        (void)sqlite3_bind_null(statement, at);
    else if (utf8_is_valid(text, strlen(text)))
        sql_text(statement, at, text);
    else
        (void)sqlite3_bind_blob64(statement, at, text, strlen(text), SQLITE_STATIC);
}

// Nothing but a claim is ever unknown; a code may well be negative, as those of getaddrinfo are.
static void bind_number(sqlite3_stmt *statement, int at, int which, int64_t number)
{
    if (which == CLAIMED && number < 0)
        (void)sqlite3_bind_null(statement, at);
    else
        sql_int(statement, at, number);
}

static int write_row(struct record *r, struct row *row)
{
    int rc = row->new_url ? write_url(r, row) : 0;
    if (rc < 0)
        return rc;
    sqlite3_stmt *s = r->add_page;
    row->numbers[PART] = r->part;
    sql_int(s, 1, r->run);
    sql_int(s, 2, row->url);
    for (int i = 0; i < NUMBERS; i++)
        bind_number(s, 3 + i, i, row->numbers[i]);
    sql_text(s, 3 + NUMBERS, row->fault);
    const char *text = row->texts;
    for (int i = TARGET; i < TEXTS; i++) {
        text += strlen(text) + 1;
        bind_words(s, 3 + NUMBERS + i, text);
    }
    return sql_run(s);
}

static int write_batch(struct record *r, const struct record_batch *batch)
{
    int rc = sql_begin(r->db);
    for (size_t at = 0; at < batch->used && rc == 0;) {
        struct row *row = (struct row *)(void *)(batch->bytes + at);
        rc = write_row(r, row);
        at += row->size;
    }
    return sql_commit(r->db, rc);
}

// ---- the thread -----------------------------------------------------------------------

// With mu held: wait until there is something to write, and so much that it is worth it.
static void wait_for_work(struct record *r)
{
    while (r->waiting.rows == 0 && !r->ended)
        (void)weft_cond_wait(&r->work, &r->mu, WEFT_FOREVER);
    weft_time due = weft_after_ms(LINGER_MS);
    int rc = 0;
    while (r->waiting.rows < RECORD_ROWS && !r->ended && rc == 0)
        rc = weft_cond_wait(&r->work, &r->mu, due);
}

void record_stop(struct record *r, int code)
{
    r->code = code;
    strncpy(r->reason, weft_error(), sizeof r->reason - 1);
}

// With mu held.
static void settle(struct record *r, int rows, int rc)
{
    r->settled += rows;
    if (rc < 0 && r->code == 0)
        record_stop(r, rc);
    weft_cond_broadcast(&r->moved);
}

int record_write(struct record *const *arg, weft_none *none)
{
    struct record *r = *arg;
    struct record_batch batch = {0};
    (void)none;
    weft_lock(&r->mu);
    for (;;) {
        wait_for_work(r);
        if (r->waiting.rows == 0)
            break;
        struct record_batch full = r->waiting;
        r->waiting = batch;
        int code = r->code;
        weft_unlock(&r->mu);
        if (code == 0)
            code = write_batch(r, &full);
        batch = (struct record_batch){.bytes = full.bytes, .room = full.room};
        weft_lock(&r->mu);
        settle(r, full.rows, code);
    }
    weft_unlock(&r->mu);
    free(batch.bytes);
    return 0;
}
