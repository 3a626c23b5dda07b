// SPDX-License-Identifier: MIT
// output.h - the forms in which results are printed: one table of operations each.
//
//     struct output o;
//     if (output_open(&o, &settings, output_form(settings.format), stdout, stderr, time(NULL)) < 0)
//         ...
//     output_begin(&o);
//     for (each page that completes) {
//         output_page(&o, url, &page, NULL);
//         if (nothing more is ready) output_flush(&o);
//     }
//     output_end(&o, totals, &(struct output_end){.ns = ...});
//     output_close(&o);
//
// All of it is called by one task. What a run adds up (counts, bytes, percentiles) is in totals.h,
// once for all forms; what is told on stderr of the whole run is in summary.h.
//
// Text and lecture are for people; text has pages on `out`, and what broke on `err`, so that a pipe
// gets only sizes that are true. On a terminal that is both, a failure is a row like the others.
// JSON, JSON lines and CSV have a row for each URL, failed or not; see output_fields.h for what is
// in it. Whatever a server says, it neither ends a line nor reaches a terminal as a control.
#ifndef WEFT_PROGRAMS_FETCH_OUTPUT_H
#define WEFT_PROGRAMS_FETCH_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "fetch/page.h"
#include "fetch/settings.h"

struct change_sum; // change.h
struct totals;
struct output;

// How a page compares with the run before and with its budget: filled in by whoever keeps those.
struct page_change {
    int64_t before; // decoded bytes in the last run, or -1
    int64_t budget; // that holds for it, or -1
    bool over;      // the budget is missed, or the growth is over what is allowed
    bool judged;    // false: nothing limits it, or its size is not known; then over is false
};

struct output_end {
    int64_t ns;                       // since the run began
    bool interrupted;                 // not all was fetched
    const struct change_sum *changes; // NULL: there is nothing to compare with, and no budget
};

struct output_form {
    void (*begin)(struct output *o);
    void (*page)(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change); // change may be NULL
    void (*end)(struct output *o, const struct totals *totals, const struct output_end *end);
    bool sums; // its end has all that the summary has
};

extern const struct output_form output_text, output_json, output_jsonl, output_csv, output_lecture;
const struct output_form *output_form(enum fetch_format format);

struct output {
    const struct fetch_settings *set;
    const struct output_form *form;
    FILE *out, *err;
    bool terminal, err_terminal; // out, err is one
    bool color;                  // both are, and neither NO_COLOR nor TERM=dumb is against it
    bool pages_hidden;           // text: print no pages (--bench)
    bool failures_hidden;        // text: nor failures
    time_t begun;                // the run
    bool headed;                 // text: the line of headings is there
    int64_t rows;                // printed so far
    int error;                   // an errno of a write that failed; output_flush tells it
    FILE *words;                 // memory, for texts of unknown length: see output_words
    char *words_text;
    size_t words_size;
};

// Prints nothing yet. 0 or -ENOMEM, the message in weft_error(). set and form outlive it.
int output_open(struct output *o, const struct fetch_settings *set, const struct output_form *form,
                FILE *out, FILE *err, time_t begun);
void output_close(struct output *o); // a zeroed one too; out and err stay open

void output_begin(struct output *o);
// Printed at once if `out` is a terminal, else with the next flush.
void output_page(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change);
void output_end(struct output *o, const struct totals *totals, const struct output_end *end);

// Have all that was printed written; to be called where nothing more is ready. 0, or a negative
// errno with its message in weft_error(): also of a write that failed earlier. That is told once,
// what could not be written is dropped. Blocks while the reader does not read.
int output_flush(struct output *o);

// Text of any length: print into output_words(o), and then it is what output_said gives, without a
// NUL, until the next output_words. Without memory it is cut.
FILE *output_words(struct output *o);
const char *output_said(struct output *o, size_t *size);

#endif
