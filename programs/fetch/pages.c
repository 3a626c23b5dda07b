// SPDX-License-Identifier: MIT
// pages.c - all the pages, so many at once.
//
// This is the lecture's program: submit load_url to a pool for each URL, then print the results as
// they complete. But it submits only as many as are fetched at once, and one more for each that
// completes; so an endless list needs no memory, and each place has its own fetcher, whose open
// connections the next page of that place finds again.
//
// The tasks block in libcurl, so "at once" is also the number of the pool's workers.
#include "fetch/pages.h"

#include <errno.h>
#include <stdlib.h>

struct place {
    struct fetcher *fetcher;
    struct input *in;
};

struct result {
    char *url; // NULL: there are no more
    struct page page;
};

static void result_free(struct result *result)
{
    page_free(&result->page);
    free(result->url);
}

static int fetch_next(struct place *const *arg, struct result *result)
{
    struct place *place = *arg;
    result->url = NULL;
    int rc = input_next(place->in, &result->url);
    if (rc <= 0)
        return rc;
    enum page_fault fault = fetch_page(place->fetcher, result->url, &result->page);
    if (fault != FAULT_CANCELED && fault != FAULT_MEMORY)
        return 0;
    result_free(result);
    return fault == FAULT_CANCELED ? weft_fail(-ECANCELED, "interrupted")
                                   : weft_fail(-ENOMEM, "out of memory");
}
WEFT_TASK(fetch_next, struct place *, struct result);

static int begin(weft_group *group, struct place *places, int64_t i)
{
    struct place *place = &places[i];
    return weft_group_add(group, i, fetch_next, &place);
}

static int fill_places(const struct pages *all, struct input *in, struct place *places,
                       weft_group *group)
{
    for (int i = 0; i < all->at_once; i++) {
        places[i] = (struct place){fetcher_open(&all->limits), in};
        if (!places[i].fetcher)
            return weft_fail(-ENOMEM, "out of memory");
        int rc = begin(group, places, i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

// Show one result: 1 if its place is free for another page, 0 if there are no more, or an error.
static int show(const struct weft_outcome *outcome, struct result *result, page_seen *seen,
                void *ctx)
{
    if (outcome->code < 0)
        return weft_fail(outcome->code, "%s", outcome->message);
    if (!result->url)
        return 0;
    int rc = seen(ctx, result->url, &result->page);
    result_free(result);
    return rc < 0 ? rc : 1;
}

// Take results until none are left. After an error the rest are cancelled, and only freed.
static int as_completed(weft_group *group, struct place *places, int error, page_seen *seen,
                        void *ctx)
{
    struct weft_outcome outcome;
    struct result result;
    if (error < 0)
        weft_group_cancel(group);
    while (weft_group_next(group, &outcome, &result, sizeof result, WEFT_FOREVER) > 0) {
        if (error < 0) {
            if (outcome.code == 0 && result.url)
                result_free(&result);
            continue;
        }
        int rc = show(&outcome, &result, seen, ctx);
        if (rc > 0)
            rc = begin(group, places, outcome.tag);
        if (rc < 0) {
            error = rc;
            weft_group_cancel(group);
        }
    }
    return error;
}

int fetch_pages(const struct pages *all, struct input *in, page_seen *seen, void *ctx)
{
    struct place *places = calloc((size_t)all->at_once, sizeof *places);
    weft_group *group = weft_group_open(all->pool);
    int rc = places && group ? fill_places(all, in, places, group)
                             : weft_fail(-ENOMEM, "out of memory");
    if (group)
        rc = as_completed(group, places, rc, seen, ctx);
    weft_group_close(&group);
    for (int i = 0; places && i < all->at_once; i++)
        fetcher_close(&places[i].fetcher);
    free(places);
    return rc;
}
