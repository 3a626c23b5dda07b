// SPDX-License-Identifier: MIT
// pages.h - all the pages, so many at once.
#ifndef WEFT_PROGRAMS_FETCH_PAGES_H
#define WEFT_PROGRAMS_FETCH_PAGES_H

#include <weft/weft.h>

#include "fetch/input.h"
#include "fetch/page.h"
#include "fetch/settings.h"

// How far it is.
struct pages_now {
    int64_t arrived; // bytes of bodies, those of pages that are not complete too
    int64_t total;   // pages, once the list has ended; until then -1
    int under_way;   // being fetched; those that wait for their turn at a host are not
};

// How results are told, by one task, in the order of their completion. It has a stack of 1 MiB, and
// while it waits for the disk or a reader the others wait for it.
struct pages_seen {
    // One more. Negative: stop.
    int (*page)(void *ctx, const char *url, const struct page *page);
    // For the moment there are no more: what was printed may go out. Again each tenth of a second
    // until there are, for a clock that is shown. Negative: stop. NULL: nothing.
    int (*pause)(void *ctx, const struct pages_now *now);
    void *ctx;
};

// Fetch every URL of the input. `pool` is one of fibers, on one loop. 0, or the first error, its
// message in weft_error(): -ECANCELED, -ENOMEM, those of input_next, what `seen` returned. A page
// that failed is no error here. Memory does not grow with the number of pages.
int fetch_pages(weft_pool *pool, const struct fetch_settings *set, struct input *in,
                const struct pages_seen *seen);

#endif
