// SPDX-License-Identifier: MIT
// run.h - one run of weft fetch: each page, as it completes, is compared, drawn, kept and printed;
// and at the end it is all summed up.
#ifndef WEFT_PROGRAMS_FETCH_RUN_H
#define WEFT_PROGRAMS_FETCH_RUN_H

#include <weft/weft.h>

#include "fetch/input.h"
#include "fetch/results.h"
#include "fetch/settings.h"

struct change;
struct html;
struct record;

struct run {
    const struct fetch_settings *set;
    struct input *in;
    struct results results;
    struct record *record; // NULL: nothing is kept
    struct html *html;     // NULL: no report
    weft_mutex mu;         // guards change: of pages that are resumed another task tells
    struct change *change; // NULL: nothing is compared
    int64_t resumed;       // pages that the run had before; guarded by mu, as the next
    int64_t resumed_over;  // those of them that are over their budget, or grew too much
    bool begun;            // something is printed, or was about to be
    bool trouble;          // told already, and the status is to say so
};

// Open what the settings name, and read what is to be read before any traffic. 0; or a negative
// errno with its message in weft_error(), and nothing is open. set and in outlive the run. Blocks
// on files.
int run_open(struct run *run, const struct fetch_settings *set, struct input *in);

// Fetch all of it. 0, or as fetch_pages. In any case run_end is next.
int run_work(struct run *run, weft_pool *pool);

// Tell what is to be told at the end, finish the files, and close: the exit status. rc is that of
// run_work; `signal` what interrupted it, or 0.
int run_end(struct run *run, int rc, int signal);

#endif
