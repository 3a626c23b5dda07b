// SPDX-License-Identifier: MIT
// html_pages.h - for tests of the report: fixed pages.
#ifndef WEFT_TESTS_HTML_PAGES_H
#define WEFT_TESTS_HTML_PAGES_H

#include <netdb.h>
#include <stdio.h>

#include "fetch/html.h"
#include "fetch/totals.h"

enum { MS = 1000000 };

// One that arrived, in `ms` from when it began.
static inline struct page arrived(int64_t begin_ms, int64_t ms, int64_t decoded, int64_t encoded)
{
    int64_t us = ms * 1000;
    return (struct page){
        .stage = STAGE_BODY,
        .status = 200,
        .http = 11,
        .attempts = 1,
        .decoded = decoded,
        .encoded = encoded,
        .claimed = encoded,
        .ns = ms * MS,
        .begin_ns = begin_ms * MS,
        .times = {.name = us / 20,
                  .connect = us / 6,
                  .tls = us / 3,
                  .first_byte = us * 2 / 3,
                  .total = us},
        .address = "192.0.2.7",
    };
}

// One that failed in this stage.
static inline struct page failed(enum page_fault fault, enum page_stage stage, int64_t begin_ms,
                                 int64_t ms, const char *detail)
{
    struct page page = arrived(begin_ms, ms, 0, 0);
    page.fault = fault;
    page.stage = stage;
    page.status = stage == STAGE_BODY ? 200 : 0;
    page.claimed = -1;
    if (stage < STAGE_FIRST_BYTE) {
        page.times = (struct page_times){.total = ms * 1000};
        page.http = 0;
        page.address[0] = '\0';
    }
    (void)snprintf(page.detail, sizeof page.detail, "%s", detail);
    return page;
}

#endif
