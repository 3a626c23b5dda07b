// SPDX-License-Identifier: MIT
// html_pages.h - for tests of the report: fixed pages, and what they add up to.
#ifndef WEFT_TESTS_HTML_PAGES_H
#define WEFT_TESTS_HTML_PAGES_H

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/html.h"
#include "fetch/totals.h"

enum { MS = 1000000 };

// ---- what they add up to: exact, where the program has histograms -------------------------------

enum { ALL_MAX = 20000 };

struct totals {
    struct totals_sum sum;
    int64_t sizes[ALL_MAX], ns[ALL_MAX];
    int sized, timed;
};

struct totals *totals_new(void)
{
    return calloc(1, sizeof(struct totals));
}

static void put_top(struct totals_top *top, const char *url, int64_t value)
{
    int at = TOTALS_TOP;
    while (at > 0 && (!top[at - 1].url || top[at - 1].value < value))
        at--;
    if (at == TOTALS_TOP)
        return;
    free(top[TOTALS_TOP - 1].url);
    memmove(top + at + 1, top + at, sizeof *top * (size_t)(TOTALS_TOP - 1 - at));
    top[at] = (struct totals_top){.url = strdup(url), .value = value};
}

void totals_free(struct totals **t)
{
    for (int i = 0; *t && i < TOTALS_TOP; i++) {
        free((*t)->sum.slowest[i].url);
        free((*t)->sum.largest[i].url);
    }
    free(*t);
    *t = NULL;
}

void totals_add(struct totals *t, const char *url, const struct page *page)
{
    struct totals_sum *sum = &t->sum;
    sum->pages++;
    sum->received += page->encoded;
    t->ns[t->timed++] = page->ns;
    put_top(sum->slowest, url, page->ns);
    if (page->fault != FAULT_NONE) {
        sum->failed++;
        sum->failed_by[page->fault]++;
        return;
    }
    sum->encoded += page->encoded;
    sum->decoded += page->decoded;
    t->sizes[t->sized++] = page->decoded;
    put_top(sum->largest, url, page->decoded);
}

const struct totals_sum *totals_sum(const struct totals *t)
{
    return &t->sum;
}

static int by_value(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static int64_t value_at(const int64_t *values, int n, double percentile)
{
    if (n == 0)
        return 0;
    int64_t *sorted = malloc(sizeof *sorted * (size_t)n);
    if (!sorted)
        abort();
    memcpy(sorted, values, sizeof *sorted * (size_t)n);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    int64_t value = sorted[(int)((double)(n - 1) * percentile / 100)];
    free(sorted);
    return value;
}

int64_t totals_size_at(const struct totals *t, double percentile)
{
    return value_at(t->sizes, t->sized, percentile);
}

int64_t totals_ns_at(const struct totals *t, double percentile)
{
    return value_at(t->ns, t->timed, percentile);
}

// ---- pages --------------------------------------------------------------------------------------

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
