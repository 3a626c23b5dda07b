// SPDX-License-Identifier: MIT
// search.h - which run comes next.
#ifndef XP_SEARCH_H
#define XP_SEARCH_H

#include "run.h"

struct xp_search {
    struct weft_explore_options options;
    long runs;
    double seconds;
    bool exhausted;
};

bool xp_search_begin(void); // False: no memory
void xp_search_end(void);

// How many interruptions a run may have.
int xp_bound(const struct weft_explore_options *options);

// Run after run, until one is broken (true), all are done, or the budget is spent.
bool xp_search(struct xp_search *search);

// The run just made, as "12:1,30:0t": the moves that did not come by themselves.
void xp_write_seed(char *text, size_t size);
// Make just that run. False: no seed.
bool xp_replay(const struct weft_explore_options *options, const char *seed, enum xp_end *end);

enum xp_end xp_one_run(const struct weft_explore_options *options); // and look at its memory

double xp_seconds(void);

#endif
