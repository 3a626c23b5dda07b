// SPDX-License-Identifier: MIT
// bench.h - one at a time against many at once: the lecture's timeit comparison.
#ifndef WEFT_PROGRAMS_FETCH_BENCH_H
#define WEFT_PROGRAMS_FETCH_BENCH_H

#include "fetch/pages.h"
#include "fetch/report.h"

// Fetch the whole list `runs` times each way and print what it took. 0, or an error as from
// fetch_pages.
int bench(const struct pages *all, struct input *in, int runs, struct report *report);

// The lecture's: `runs` times all at once, a blank line after each, then the mean.
int bench_lecture(const struct pages *all, struct input *in, int runs, struct report *report);

#endif
