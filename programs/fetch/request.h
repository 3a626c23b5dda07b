// SPDX-License-Identifier: MIT
// request.h - one HTTP request on libcurl: what page.c makes a page of.
#ifndef WEFT_PROGRAMS_FETCH_REQUEST_H
#define WEFT_PROGRAMS_FETCH_REQUEST_H

#include <weft/time.h>

#include "fetch/page.h"

// Ask for url, follow nothing. Fills in all of *page but redirects, target and ns. Returns
// page->fault; an answer with a status below 400 is no fault here.
enum page_fault request(struct fetcher *f, const char *url, weft_time deadline, struct page *page);

// The last answer's header of this name, or NULL. Lives until the next request.
const char *answer_header(struct fetcher *f, const char *name);

const struct page_limits *fetcher_limits(const struct fetcher *f);

#endif
