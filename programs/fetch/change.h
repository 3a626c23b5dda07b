// SPDX-License-Identifier: MIT
// change.h - what grew since the last run, and which budgets are not kept.
//
//     struct change *c = change_open(&set, record, read_size);
//     change_page(c, url, &page, &change); // of each page, before it is printed
//     change_end(c, whole);                // then change_print, change_sum, change_missed
//     change_free(&c);
//
// Sizes are decoded bytes: what the reader of a page gets, however it was compressed that day.
// A page that failed has none. It is not compared, and a budget that it has is not kept, for nobody
// knows. Nor is a page of --head, which has no size.
#ifndef WEFT_PROGRAMS_FETCH_CHANGE_H
#define WEFT_PROGRAMS_FETCH_CHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/options.h"
#include "fetch/output.h"
#include "fetch/page.h"
#include "fetch/settings.h"

struct record;
struct change;

// By set->compare, budget, max_growth and budgets; that file is read here, with `size` for its
// sizes. The record may be NULL if nothing is compared; it and the settings outlive the change.
// NULL: the reason is in weft_error(), one line.
struct change *change_open(const struct fetch_settings *set, struct record *record,
                           option_reader *size);
void change_free(struct change **c);

// How this page compares: *change is filled in whether there is anything to compare with or not. 0;
// or -errno if the record cannot be read, and then it counts as a page whose size is not known.
int change_page(struct change *c, const char *url, const struct page *page,
                struct page_change *change);
// The same of a URL that the run had before it was resumed (record_has), whose budget counts too.
int change_done(struct change *c, const char *url, int64_t decoded, struct page_change *change);

struct change_sum {
    int64_t last_ms;            // when the run that is compared with began; 0: there is none
    int64_t grew, shrank, same; // pages
    int64_t fresh, gone;        // not in the last run; no more in this one
    int64_t unknown;            // failed now, and did not then
    const char *largest;        // the page that grew most, in bytes; NULL: none did
    int64_t largest_was, largest_is;
    int64_t too_large, grew_too_much; // pages over their budget; over --max-growth
    int64_t missing;                  // lines of the file of budgets without any page
    int64_t unjudged;                 // failed, so that nobody knows whether the budget is kept
};

// There are no more pages. If the run was not `whole`, nothing is gone or missing. 0 or -errno.
int change_end(struct change *c, bool whole);
const struct change_sum *change_sum(const struct change *c);

// After the end: a line each of what is gone or missing, the first few, and the sums. Nothing if
// nothing was asked for.
void change_print(const struct change *c, FILE *out);

// After the end: whether a page is known to be too large, or not to be there at all: then the
// program ends with STATUS_INCONCLUSIVE. That one failed is told by STATUS_FAILED.
bool change_missed(const struct change *c);

#endif
