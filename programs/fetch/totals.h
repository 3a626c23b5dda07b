// SPDX-License-Identifier: MIT
// totals.h - what a run adds up to. A fixed size however many pages there are: percentiles come
// from histograms (as HdrHistogram's: 3 % wide steps), the slowest and largest are the first few.
#ifndef WEFT_PROGRAMS_FETCH_TOTALS_H
#define WEFT_PROGRAMS_FETCH_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/page.h"

enum { TOTALS_TOP = 3 };

struct totals; // about 64 KiB

struct totals *totals_new(void); // NULL: out of memory
void totals_free(struct totals **t);
void totals_add(struct totals *t, const char *url, const struct page *page);

struct totals_top {
    char *url; // NULL: there are fewer
    int64_t value;
};

struct totals_sum {
    int64_t pages, failed;
    int64_t failed_by[FAULTS]; // by fault
    int64_t encoded, decoded;  // of the pages that did not fail
    int64_t received;          // bytes of bodies, those of failed pages too
    struct totals_top slowest[TOTALS_TOP], largest[TOTALS_TOP]; // ns; decoded bytes
};
const struct totals_sum *totals_sum(const struct totals *t);
int64_t totals_size_at(const struct totals *t, double percentile); // decoded bytes; 50, 90, 99...
int64_t totals_ns_at(const struct totals *t, double percentile);

#endif
