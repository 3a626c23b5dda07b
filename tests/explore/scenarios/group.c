// SPDX-License-Identifier: MIT
// group.c - results as they complete, and maps: nothing twice, nothing lost, all end.
#include "scenario.h"

static struct {
    int ran[3], data;
    weft_event never;
} s;

static int work(const int *n, int *out)
{
    s.ran[*n]++;
    *out = *n * 10;
    return 0;
}
WEFT_TASK(work, int, int);

static int fail_or_wait(const int *n, int *out)
{
    *out = *n;
    if (*n == 0)
        return weft_fail(-EDOM, "on purpose");
    return weft_event_wait(&s.never, WEFT_FOREVER);
}
WEFT_TASK(fail_or_wait, int, int);

static void each_result_once(void *arg)
{
    int workers = *(int *)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = workers);
    weft_group *g = weft_group_open(pool);
    for (int i = 0; i < 2; i++)
        claim(weft_group_add(g, i, work, &i) == 0);
    struct weft_outcome o;
    int out, seen = 0;
    while (weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER) > 0) {
        claim(o.code == 0 && out == o.tag * 10 && !(seen & 1 << o.tag));
        seen |= 1 << o.tag;
    }
    claim(seen == 3 && s.ran[0] == 1 && s.ran[1] == 1);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void a_failure_ends_the_rest(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    weft_group *g = weft_group_open(pool, .cancel_rest = true);
    for (int i = 0; i < 2; i++)
        claim(weft_group_add(g, i, fail_or_wait, &i) == 0);
    struct weft_outcome o;
    int ended = 0;
    while (weft_group_next(g, &o, NULL, 0, WEFT_FOREVER) > 0) {
        claim(o.code == (o.tag == 0 ? -EDOM : -ECANCELED));
        ended++;
    }
    claim(ended == 2);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void close_against_the_end(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_group *g = weft_group_open(pool);
    claim(weft_group_add(g, 1, work, &(int){1}) == 0);
    weft_group_close(&g); // waits, then frees
    weft_pool_close(&pool);
    claim(s.ran[1] <= 1);
}

static void next_in_time(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_group *g = weft_group_open(pool);
    claim(weft_group_add(g, 1, work, &(int){1}) == 0);
    struct weft_outcome o;
    int out, rc = weft_group_next(g, &o, &out, sizeof out, sometime());
    claim(rc == -ETIMEDOUT || (rc == 1 && out == 10));
    if (rc < 0)
        claim(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER) == 1 && out == 10);
    claim(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER) == 0);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void map_fills_each_place(void *arg)
{
    (void)arg;
    static const int in[3] = {0, 1, 2};
    int out[3] = {-1, -1, -1};
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    claim(weft_map(pool, WEFT_FOREVER, work, 3, out, in) == 0);
    for (int i = 0; i < 3; i++)
        claim(out[i] == i * 10 && s.ran[i] == 1);
    weft_pool_close(&pool);
}

// One item waits till it is asked to stop, the other fails, perhaps while the first one's helper is
// still being ordered.
static void a_failed_item_ends_the_map(void *arg)
{
    (void)arg;
    static const int in[2] = {0, 1};
    int out[2];
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    claim(weft_map(pool, WEFT_FOREVER, fail_or_wait, 2, out, in) == -EDOM);
    weft_pool_close(&pool);
}

const struct scenario group_scenarios[] = {
    {"group: each result once", each_result_once, .arg = 1, .bound = 1},
    {"group: each result once, 2 workers, drawn", each_result_once, .arg = 2, .search = WEFT_RANDOM,
     .seconds = 1},
    {"group: a failure ends the rest", a_failure_ends_the_rest, .bound = 1},
    {"group: close against the end", close_against_the_end, .bound = 2},
    {"group: next against a deadline", next_in_time, .bound = 2},
    {"map: each item once, in its place", map_fills_each_place, .bound = 2},
    {"map: a failed item ends it", a_failed_item_ends_the_map, .bound = 1},
    {"map: a failed item ends it, drawn", a_failed_item_ends_the_map, .search = WEFT_RANDOM,
     .seconds = 3},
    {.name = NULL},
};
