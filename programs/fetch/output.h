// SPDX-License-Identifier: MIT
// output.h - the forms in which results are printed: one table of operations each.
//
// All of it is called by one task. What a run adds up (counts, bytes, percentiles) is in totals.h,
// once for all forms.
#ifndef WEFT_PROGRAMS_FETCH_OUTPUT_H
#define WEFT_PROGRAMS_FETCH_OUTPUT_H

#include <stdio.h>

#include "fetch/page.h"
#include "fetch/settings.h"

struct totals;

// How a page compares with the run before and with its budget: filled in by whoever keeps those.
struct page_change {
    int64_t before; // decoded bytes in the last run, or -1
    int64_t budget; // that holds for it, or -1
    bool over;      // the budget is missed, or the growth is over what is allowed
};

struct output {
    const struct fetch_settings *set;
    FILE *out;
    bool terminal; // out is one
    int64_t rows;  // printed so far
};

struct output_form {
    void (*begin)(struct output *o);
    void (*page)(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change); // change may be NULL
    void (*end)(struct output *o, const struct totals *totals);
};

extern const struct output_form output_text, output_json, output_jsonl, output_csv;

#endif
