// SPDX-License-Identifier: MIT
// output_text.c - a line each, for people, and for awk.
//
//     HTTP  ENCODED  DECODED  CLAIMED      TIME  URL
//      200    47.2K     100K    47.2K    0.402s  http://x.test/ -> http://x.test/en (gzip)
//      404        -        -        -    0.031s  http://y.test/例子      404 Not Found (HTTP)
//
// That is a terminal. In a pipe there is no line of headings, bytes are bytes, and what failed is
// not there but on stderr: "weft fetch: URL: what broke". The URL is the last column, for it has
// any length and width; only what stands behind that of a failure needs to know how wide it was.
#define _GNU_SOURCE
#include <string.h>

#include "common/width.h"
#include "fetch/fault.h"
#include "fetch/output.h"
#include "fetch/units.h"

enum {
    HUMAN_WIDTH = 7,
    BYTES_WIDTH = 12,
    TIME_WIDTH = 7,    // "123.456"
    REASON_COLUMN = 32 // of a failure, counted from the URL's
};

// ---- pieces --------------------------------------------------------------------------------

static void put(FILE *out, const char *text)
{
    (void)fwrite_unlocked(text, 1, strlen(text), out);
}

static void pad(FILE *out, int columns)
{
    static const char spaces[] = "                                                ";
    for (int most = (int)sizeof spaces - 1; columns > 0; columns -= most)
        (void)fwrite_unlocked(spaces, 1, (size_t)(columns < most ? columns : most), out);
}

static void put_right(FILE *out, const char *text, size_t size, int width)
{
    pad(out, width - (int)size);
    (void)fwrite_unlocked(text, 1, size, out);
}

static bool is_human(const struct output *o)
{
    return o->terminal && !o->set->bytes;
}

static void put_size(const struct output *o, FILE *out, int64_t bytes)
{
    char text[UNITS_TEXT] = "-";
    size_t size = bytes < 0 ? 1 : size_text(text, bytes, is_human(o));
    pad(out, 2);
    put_right(out, text, size, is_human(o) ? HUMAN_WIDTH : BYTES_WIDTH);
}

static void put_status(FILE *out, int status)
{
    char text[UNITS_TEXT] = "-";
    size_t size = status == 0 ? 1 : size_text(text, status, false);
    put_right(out, text, size, 4);
}

static void put_time(FILE *out, int64_t ns)
{
    char text[UNITS_TEXT];
    pad(out, 2);
    put_right(out, text, seconds_text(text, ns, 3), TIME_WIDTH);
    put(out, "s  ");
}

// ---- what is to be said behind a URL -------------------------------------------------------

struct notes {
    FILE *out;
    int length;
};

static void begin_note(struct notes *notes)
{
    put(notes->out, notes->length++ == 0 ? " (" : ", ");
}

static void note(struct notes *notes, bool so, const char *text)
{
    if (!so)
        return;
    begin_note(notes);
    print_clean(notes->out, text);
}

static void note_count(struct notes *notes, int n, const char *text)
{
    char number[UNITS_TEXT];
    if (n < 2)
        return;
    begin_note(notes);
    (void)fwrite_unlocked(number, 1, size_text(number, n, false), notes->out);
    put(notes->out, text);
}

static void end_notes(struct notes *notes)
{
    if (notes->length > 0)
        put(notes->out, ")");
}

static bool was_redirected(const struct page *page)
{
    bool refused = page->fault == FAULT_REDIRECT_LOOP || page->fault == FAULT_REDIRECT_SCHEME;
    return page->redirects > 0 && page->target && !refused; // what was refused, the fault tells
}

static void put_url(FILE *out, const char *url, const struct page *page)
{
    print_clean(out, url[0] ? url : "''");
    if (!was_redirected(page))
        return;
    put(out, " -> ");
    print_clean(out, page->target);
}

static void put_notes(FILE *out, const struct page *page)
{
    struct notes notes = {.out = out};
    note(&notes, page->encoding[0], page->encoding);
    note(&notes, page->excess, "more than claimed");
    note(&notes, page->unverified, "end not verified");
    note_count(&notes, page->attempts, " attempts");
    note_count(&notes, page->redirects, " redirects");
    end_notes(&notes);
}

static void put_mark(const struct output *o, FILE *out, const char *text)
{
    put(out, o->color ? "\x1b[31m" : "");
    put(out, text);
    put(out, o->color ? "\x1b[0m" : "");
}

static void put_change(const struct output *o, FILE *out, const struct page *page,
                       const struct page_change *change)
{
    char text[2 * UNITS_TEXT];
    if (change->before >= 0 && change->before != page->decoded) {
        put(out, "  ");
        (void)fwrite_unlocked(text, 1,
                              growth_text(text, change->before, page->decoded, is_human(o)), out);
    }
    if (!change->over)
        return;
    put(out, "  ");
    bool budget = change->budget >= 0 && page->decoded > change->budget;
    put_mark(o, out, budget ? "OVER BUDGET" : "GROWN TOO MUCH");
    if (budget) {
        put(out, " of ");
        (void)fwrite_unlocked(text, 1, size_text(text, change->budget, is_human(o)), out);
    }
}

// ---- rows ----------------------------------------------------------------------------------

static void put_headings(const struct output *o, FILE *out)
{
    static const char *const sizes[] = {"ENCODED", "DECODED", "CLAIMED"};
    put(out, "HTTP");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        pad(out, 2);
        put_right(out, sizes[i], strlen(sizes[i]), is_human(o) ? HUMAN_WIDTH : BYTES_WIDTH);
    }
    pad(out, 2);
    put_right(out, "TIME", 4, TIME_WIDTH + 1);
    put(out, "  URL\n");
}

static void put_figures(const struct output *o, FILE *out, const struct page *page)
{
    bool whole = page->fault == FAULT_NONE, body = whole && !page->head;
    put_status(out, page->status);
    put_size(o, out, body ? page->encoded : -1);
    put_size(o, out, body ? page->decoded : -1);
    put_size(o, out, whole ? page->claimed : -1);
    put_time(out, page->ns);
}

static void put_page(const struct output *o, const char *url, const struct page *page,
                     const struct page_change *change)
{
    put_figures(o, o->out, page);
    put_url(o->out, url, page);
    put_notes(o->out, page);
    if (change)
        put_change(o, o->out, page, change);
    put(o->out, "\n");
}

static void put_attempts(FILE *out, const struct page *page)
{
    struct notes notes = {.out = out};
    note_count(&notes, page->attempts, " attempts");
    end_notes(&notes);
}

static void put_failure_line(FILE *out, const char *url, const struct page *page)
{
    put(out, "weft fetch: ");
    put_url(out, url, page);
    put(out, ": ");
    fault_print(out, page);
    put_attempts(out, page);
    put(out, "\n");
}

// A row as those of pages; what broke stands in a column, as far as URLs are short.
static void put_failure_row(struct output *o, const char *url, const struct page *page)
{
    size_t size;
    put_url(output_words(o), url, page);
    const char *shown = output_said(o, &size);
    int columns = text_columns(shown, size);
    FILE *out = output_words(o);
    put_figures(o, out, page);
    put_url(out, url, page);
    pad(out, columns + 2 < REASON_COLUMN ? REASON_COLUMN - columns : 2);
    put(out, o->color ? "\x1b[31m" : "");
    fault_print(out, page);
    put(out, o->color ? "\x1b[0m" : "");
    put_attempts(out, page);
    put(out, "\n");
}

static void put_failure(struct output *o, const char *url, const struct page *page)
{
    size_t size;
    if (o->terminal && o->err_terminal) {
        (void)fflush(o->out); // the rows before it come first; a failure is seen at output_flush
        put_failure_row(o, url, page);
    } else {
        put_failure_line(output_words(o), url, page);
    }
    const char *text = output_said(o, &size);
    (void)fwrite(text, 1, size, o->err); // there is nobody else to tell
    (void)fflush(o->err);
}

static void begin(struct output *o)
{
    (void)o; // the headings come with the first row: there may be none
}

static void show(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change)
{
    bool failed = page->fault != FAULT_NONE;
    if (failed ? o->failures_hidden : o->pages_hidden)
        return;
    bool row = o->terminal && (!failed || o->err_terminal) && !o->pages_hidden;
    if (row && !o->headed)
        put_headings(o, o->out);
    o->headed |= row;
    if (failed)
        put_failure(o, url, page);
    else
        put_page(o, url, page, change);
}

static void end(struct output *o, const struct totals *totals, const struct output_end *how)
{
    (void)o;
    (void)totals;
    (void)how;
}

const struct output_form output_text = {begin, show, end, false};
