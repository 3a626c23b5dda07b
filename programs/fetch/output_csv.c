// SPDX-License-Identifier: MIT
// output_csv.c - comma-separated values (RFC 4180), with the names of the fields in the first row.
//
// A row is a line, and ends in \n, as PostgreSQL, jq and Go write it: control characters, line
// ends among them, are shown as \xNN like in the text. A text that a spreadsheet would take for a
// formula (it begins with = + - or @) is given an apostrophe in front: no URL that can be fetched
// begins so, but a line of a list may, and what a server says.
#define _GNU_SOURCE
#include <string.h>

#include "fetch/fault.h"
#include "fetch/output_fields.h"
#include "fetch/units.h"

static void put(FILE *out, const char *text)
{
    (void)fwrite_unlocked(text, 1, strlen(text), out);
}

// A piece without controls, its quotes doubled.
static void put_doubled(FILE *out, const char *text, size_t size)
{
    for (const char *quote; (quote = memchr(text, '"', size)) != NULL;) {
        size_t n = (size_t)(quote - text) + 1;
        (void)fwrite_unlocked(text, 1, n, out);
        (void)putc_unlocked('"', out);
        text += n;
        size -= n;
    }
    (void)fwrite_unlocked(text, 1, size, out);
}

static void put_cell(FILE *out, const char *text, size_t size)
{
    bool quoted = memchr(text, ',', size) || memchr(text, '"', size);
    bool formula = size > 0 && strchr("=+-@", text[0]);
    put(out, quoted ? "\"" : "");
    put(out, formula ? "'" : "");
    while (size > 0) {
        size_t n = clean_run(text, size);
        put_doubled(out, text, n);
        if (n == 0)
            (void)fprintf(out, "\\x%02x", (unsigned char)*text);
        n += n == 0;
        text += n;
        size -= n;
    }
    put(out, quoted ? "\"" : "");
}

static void put_field(FILE *out, const struct field *f)
{
    char number[UNITS_TEXT];
    switch (f->kind) {
    case FIELD_TEXT:
        put_cell(out, f->text, f->size);
        break;
    case FIELD_NUMBER:
        (void)fwrite_unlocked(number, 1, size_text(number, f->number, false), out);
        break;
    case FIELD_SECONDS:
        (void)fwrite_unlocked(number, 1, seconds_text(number, f->number, 6), out);
        break;
    case FIELD_BOOL:
        put(out, f->number ? "true" : "false");
        break;
    case FIELD_NULL:
        break;
    }
}

static void begin(struct output *o)
{
    struct field fields[FIELDS_MAX];
    size_t n = output_fields(o, "", &(struct page){0}, NULL, fields);
    for (size_t i = 0; i < n; i++) {
        put(o->out, i > 0 ? "," : "");
        put(o->out, fields[i].name);
    }
    put(o->out, "\n");
}

static void show(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change)
{
    struct field fields[FIELDS_MAX];
    size_t n = output_fields(o, url, page, change, fields);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)putc_unlocked(',', o->out);
        put_field(o->out, &fields[i]);
    }
    (void)putc_unlocked('\n', o->out);
}

static void end(struct output *o, const struct totals *totals, const struct output_end *how)
{
    (void)o; // a sum would be a row that is no page
    (void)totals;
    (void)how;
}

const struct output_form output_csv = {begin, show, end, false};
