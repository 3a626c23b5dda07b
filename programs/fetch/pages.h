// SPDX-License-Identifier: MIT
// pages.h - all the pages, so many at once.
#ifndef WEFT_PROGRAMS_FETCH_PAGES_H
#define WEFT_PROGRAMS_FETCH_PAGES_H

#include <weft/weft.h>

#include "fetch/input.h"
#include "fetch/page.h"

struct pages {
    weft_pool *pool; // of threads; at_once workers or more
    int at_once;
    struct page_limits limits;
};

// Told of each page as it completes, in the caller's task. Negative: stop.
typedef int page_seen(void *ctx, const char *url, const struct page *page);

// Fetch every URL of the input. 0, or the first error, its message in weft_error(): -ECANCELED,
// -ENOMEM, those of input_next, what `seen` returned. A page that failed is no error here.
int fetch_pages(const struct pages *all, struct input *in, page_seen *seen, void *ctx);

#endif
