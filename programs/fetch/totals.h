// SPDX-License-Identifier: MIT
// totals.h - what a run adds up to. A fixed size however many pages there are: percentiles come
// from histograms (as HdrHistogram's: steps 3 % wide), the slowest and largest are the first few.
//
// Only whole pages count: one that failed adds to `failed` and `received`, and to nothing else, for
// its bytes and its time are not those of the page. Of --head, which has no body, only the claims.
#ifndef WEFT_PROGRAMS_FETCH_TOTALS_H
#define WEFT_PROGRAMS_FETCH_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/page.h"

enum { TOTALS_TOP = 3 };

struct page_change; // output.h
struct totals;      // about 60 KiB

struct totals *totals_new(void); // NULL: out of memory
void totals_free(struct totals **t);
void totals_add(struct totals *t, const char *url, const struct page *page,
                const struct page_change *change); // change may be NULL

struct totals_top {
    char *url; // NULL: there are fewer
    int64_t value;
};

struct totals_sum { // what would be too large for an int64_t stays at INT64_MAX
    int64_t pages, failed;
    int64_t failed_by[FAULTS]; // by fault
    int64_t over;              // page_change.over; failed or not
    int64_t encoded, decoded;  // of the pages that did not fail
    int64_t received;          // bytes of bodies, those of failed pages too
    int64_t heads;             // did not fail, and were only asked for their size
    int64_t claimed;           // by those of them that claim one
    struct totals_top slowest[TOTALS_TOP], largest[TOTALS_TOP]; // ns; decoded bytes, greatest first
};
const struct totals_sum *totals_sum(const struct totals *t);

// At least so many percent (50, 90, 99... 100) of the pages are at most so large, or took at most
// so long. It is the number of one of the pages: of that which sorting would find, or of one up to
// 1/32 greater. -1: there is no page.
int64_t totals_size_at(const struct totals *t, double percentile); // decoded bytes
int64_t totals_ns_at(const struct totals *t, double percentile);

#endif
