// SPDX-License-Identifier: MIT
// bench.h - one at a time against many at once: the lecture's timeit comparison.
#ifndef WEFT_PROGRAMS_FETCH_BENCH_H
#define WEFT_PROGRAMS_FETCH_BENCH_H

#include "fetch/pages.h"
#include "fetch/results.h"

struct bench {
    weft_pool *pool;
    const struct fetch_settings *set; // bench: how many runs
    struct input *in;                 // read to its end: it is gone through again and again
    struct results *results;
};

// Fetch the whole list so often each way and print what it took. 0, or an error as from
// fetch_pages.
int bench(const struct bench *b);

// The lecture's: so often all at once, a blank line after each, then the mean.
int bench_lecture(const struct bench *b);

#endif
