// SPDX-License-Identifier: MIT
// fetch_record.h - for tests of what weft fetch keeps: files of their own, short ways to keep a
// page and to see what is there.
#ifndef WEFT_TESTS_FETCH_RECORD_H
#define WEFT_TESTS_FETCH_RECORD_H

#include "home.h"

#include <sqlite3.h>

#include "fetch/record.h"

#define FILE_OF_SCENE "WEFT_TEST_FILE"

// A name that is not there yet, in the home; another for each call. A scene is told the last one.
SHARED const char *new_file(void)
{
    static char names[16][64];
    static unsigned count;
    char *name = names[count % COUNT(names)];
    snprintf(name, sizeof names[0], "%s/%u.db", home, ++count);
    setenv(FILE_OF_SCENE, name, 1);
    return name;
}

// ---- runs -----------------------------------------------------------------------------

SHARED struct record *opened(struct record *r)
{
    if (!r)
        print_message("record_open: %s\n", weft_error());
    assert_non_null(r);
    return r;
}

SHARED struct record *begin_run(const char *file)
{
    return opened(record_open(&(struct fetch_settings){.save = file, .max_growth = -1}));
}

SHARED struct record *resume_run(const char *file)
{
    return opened(record_open(&(struct fetch_settings){.resume = file, .max_growth = -1}));
}

// It cannot be: with this error, and one line that has this in it.
SHARED void assert_refused(const char *save, const char *resume, int code, const char *words)
{
    struct record *r = record_open(&(struct fetch_settings){.save = save, .resume = resume});
    assert_null(r);
    if (weft_error_code() != code || !strstr(weft_error(), words))
        print_message("%s (%d)\n", weft_error(), weft_error_code());
    assert_int_equal(weft_error_code(), code);
    assert_non_null(strstr(weft_error(), words));
    assert_null(strchr(weft_error(), '\n'));
}

SHARED void end_run(struct record *r)
{
    assert_int_equal(record_close(&r, true), 0);
    assert_null(r);
}

SHARED void cut_run(struct record *r)
{
    assert_int_equal(record_close(&r, false), 0);
}

SHARED struct page page_of(int64_t decoded)
{
    return (struct page){.stage = STAGE_BODY,
                         .status = 200,
                         .http = 11,
                         .attempts = 1,
                         .encoded = decoded,
                         .decoded = decoded,
                         .claimed = -1};
}

SHARED void keep(struct record *r, const char *url, int64_t decoded)
{
    struct page page = page_of(decoded);
    assert_int_equal(record_page(r, url, &page), 0);
}

SHARED void keep_failed(struct record *r, const char *url)
{
    struct page page = {.fault = FAULT_TIMEOUT, .stage = STAGE_BODY, .encoded = 7, .claimed = 9};
    assert_int_equal(record_page(r, url, &page), 0);
}

SHARED int64_t before(struct record *r, const char *url)
{
    int64_t decoded = -7;
    return record_before(r, url, &decoded) == 1 ? decoded : -1;
}

SHARED int64_t had(struct record *r, const char *url)
{
    int64_t decoded = -7;
    return record_has(r, url, &decoded) == 1 ? decoded : -1;
}

SHARED void add_line(void *ctx, const char *url, int64_t decoded)
{
    char *all = ctx;
    size_t used = strlen(all);
    snprintf(all + used, 256 - used, "%s %lld\n", url, (long long)decoded);
}

// Each URL and its size, a line each. Overwritten by the next call.
SHARED const char *gone(struct record *r)
{
    static char all[256];
    all[0] = '\0';
    assert_int_equal(record_gone(r, add_line, all), 0);
    return all;
}

// ---- what is in the file --------------------------------------------------------------

SHARED void change(const char *file, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        print_message("%s\n", why);
    assert_null(why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

// The first column of the first row; "-" for NULL, "" if there is no row. Overwritten by the next
// call.
SHARED const char *text_in(const char *file, const char *text)
{
    static char found[512];
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &row, NULL), SQLITE_OK);
    bool is_row = sqlite3_step(row) == SQLITE_ROW;
    const unsigned char *value = is_row ? sqlite3_column_text(row, 0) : NULL;
    snprintf(found, sizeof found, "%s", value ? (const char *)value : is_row ? "-" : "");
    assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return found;
}

SHARED int64_t number_in(const char *file, const char *text)
{
    return strtoll(text_in(file, text), NULL, 10);
}

#endif
