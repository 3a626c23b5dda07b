// SPDX-License-Identifier: MIT
// totals.c - see totals.h.
//
// A histogram has a bucket for each number below 32, and for each power of two from there on 32 of
// equal width: so a bucket is at most 1/32 of its numbers wide, and all that an int64_t can be fits
// into 59 times 32 of them. Each remembers the greatest that it holds, so what is told is always a
// page's own number; of a few pages it is mostly that which sorting would find. Sorting itself,
// which we rejected, needs 16 bytes a page.
#include "fetch/totals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/output.h"

enum { STEP_BITS = 5, STEPS = 1 << STEP_BITS, BUCKETS = (64 - STEP_BITS) * STEPS };

struct histogram {
    int64_t values;
    struct {
        int64_t values, greatest;
    } buckets[BUCKETS];
};

struct totals {
    struct totals_sum sum;
    struct histogram sizes, times;
};

// ---- histograms ----------------------------------------------------------------------------

static int bucket_of(int64_t value)
{
    if (value < STEPS)
        return (int)value;
    int shift = 63 - __builtin_clzll((unsigned long long)value) - STEP_BITS;
    return shift * STEPS + (int)(value >> shift); // which has STEPS or more: the next row begins
}

static void count(struct histogram *h, int64_t value)
{
    if (value < 0)
        value = 0;
    int i = bucket_of(value);
    h->values++;
    h->buckets[i].values++;
    if (value > h->buckets[i].greatest)
        h->buckets[i].greatest = value;
}

static int64_t value_at(const struct histogram *h, double percentile)
{
    double wanted = ceil((double)h->values * percentile / 100);
    int64_t seen = 0, value = -1;
    for (int i = 0; i < BUCKETS && (seen == 0 || (double)seen < wanted); i++) {
        seen += h->buckets[i].values;
        if (h->buckets[i].values > 0)
            value = h->buckets[i].greatest;
    }
    return value;
}

// ---- the first few -------------------------------------------------------------------------

// Of equals the one that came first stays. Without memory for its name it is not among them.
static void rank(struct totals_top top[TOTALS_TOP], const char *url, int64_t value)
{
    int place = TOTALS_TOP;
    while (place > 0 && (!top[place - 1].url || top[place - 1].value < value))
        place--;
    char *name = place < TOTALS_TOP ? strdup(url) : NULL;
    if (!name)
        return;
    free(top[TOTALS_TOP - 1].url);
    memmove(&top[place + 1], &top[place], (size_t)(TOTALS_TOP - 1 - place) * sizeof *top);
    top[place] = (struct totals_top){name, value};
}

static void drop(struct totals_top top[TOTALS_TOP])
{
    for (int i = 0; i < TOTALS_TOP; i++)
        free(top[i].url);
}

// ---- totals --------------------------------------------------------------------------------

struct totals *totals_new(void)
{
    return calloc(1, sizeof(struct totals));
}

void totals_free(struct totals **t)
{
    if (!*t)
        return;
    drop((*t)->sum.slowest);
    drop((*t)->sum.largest);
    free(*t);
    *t = NULL;
}

// A claim is whatever a server says, also 2^63 - 1 from each.
static void add(int64_t *sum, int64_t number)
{
    if (__builtin_add_overflow(*sum, number, sum))
        *sum = INT64_MAX;
}

static void add_size(struct totals *t, const char *url, const struct page *page)
{
    add(&t->sum.encoded, page->encoded);
    add(&t->sum.decoded, page->decoded);
    count(&t->sizes, page->decoded);
    rank(t->sum.largest, url, page->decoded);
}

static void add_claim(struct totals *t, const struct page *page)
{
    t->sum.heads++;
    add(&t->sum.claimed, page->claimed > 0 ? page->claimed : 0);
}

void totals_add(struct totals *t, const char *url, const struct page *page,
                const struct page_change *change)
{
    t->sum.pages++;
    add(&t->sum.received, page->encoded);
    t->sum.over += change && change->over;
    if (page->fault != FAULT_NONE) {
        t->sum.failed++;
        t->sum.failed_by[page->fault]++;
        return;
    }
    if (page->head)
        add_claim(t, page);
    else
        add_size(t, url, page);
    count(&t->times, page->ns);
    rank(t->sum.slowest, url, page->ns);
}

const struct totals_sum *totals_sum(const struct totals *t)
{
    return &t->sum;
}

int64_t totals_size_at(const struct totals *t, double percentile)
{
    return value_at(&t->sizes, percentile);
}

int64_t totals_ns_at(const struct totals *t, double percentile)
{
    return value_at(&t->times, percentile);
}
