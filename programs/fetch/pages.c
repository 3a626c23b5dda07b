// SPDX-License-Identifier: MIT
// pages.c - all the pages, so many at once: a fiber for each.
//
// This is the lecture's program: a task for each URL, and the results as they complete. One more
// task, the feeder, reads the URLs and starts the others; it reads on only while fewer pages are
// under way than may be, so an endless list needs no memory.
//
// Results are told on the same loop, by a fiber with a stack for whatever printing takes. On a
// thread of its own that woke up for each few lines, and so cost as much as all of the fibers.
#include "fetch/pages.h"

#include <errno.h>
#include <stdlib.h>

enum { TELLER_STACK = 1 << 20 };

struct run {
    weft_group *group;
    struct fetcher *fetcher;
    struct input *in;
    const struct pages_seen *seen;
    int most;         // pages at once
    weft_mutex mu;    // guards the rest
    weft_cond change; // for the feeder
    int under_way;
};

struct job {
    struct run *run;
    char *url;
    struct page page;
};

static void job_free(struct job *job)
{
    page_free(&job->page);
    free(job->url);
    free(job);
}

static void add(struct run *run, int n)
{
    weft_lock(&run->mu);
    run->under_way += n;
    weft_cond_signal(&run->change);
    weft_unlock(&run->mu);
}

static int fetch_one(struct job *const *arg, weft_none *none)
{
    struct job *job = *arg;
    struct run *run = job->run; // who takes the result frees the job, but only after our return
    (void)none;
    enum page_fault fault = fetch_page(run->fetcher, job->url, &job->page);
    add(run, -1);
    if (fault == FAULT_CANCELED)
        return weft_fail(-ECANCELED, "interrupted");
    return fault == FAULT_MEMORY ? weft_fail(-ENOMEM, "out of memory") : 0;
}
WEFT_TASK(fetch_one, struct job *, weft_none);

// ---- the feeder ------------------------------------------------------------------

static int wait_for_room(struct run *run)
{
    int rc = 0;
    weft_lock(&run->mu);
    while (rc == 0 && run->under_way >= run->most)
        rc = weft_cond_wait(&run->change, &run->mu, WEFT_FOREVER);
    weft_unlock(&run->mu);
    return rc;
}

// url becomes the job's.
static int start(struct run *run, char *url)
{
    struct job *job = malloc(sizeof *job);
    if (!job) {
        free(url);
        return weft_fail(-ENOMEM, "out of memory");
    }
    *job = (struct job){.run = run, .url = url};
    add(run, 1);
    int rc = weft_group_add(run->group, (int64_t)(intptr_t)job, fetch_one, &job);
    if (rc < 0)
        job_free(job);
    return rc;
}

static int feed(struct run *const *arg, weft_none *none)
{
    struct run *run = *arg;
    (void)none;
    for (;;) {
        char *url = NULL;
        int rc = wait_for_room(run);
        if (rc == 0)
            rc = input_next(run->in, &url);
        if (rc <= 0)
            return rc;
        rc = start(run, url);
        if (rc < 0)
            return rc;
    }
}
WEFT_TASK(feed, struct run *, weft_none);

// ---- the results -----------------------------------------------------------------

static struct job *job_of(const struct weft_outcome *outcome)
{
    return (struct job *)(intptr_t)outcome->tag; // NULL: it was the feeder
}

static int told(const struct pages_seen *seen, const struct weft_outcome *outcome)
{
    const struct job *job = job_of(outcome);
    if (outcome->code < 0)
        return weft_fail(outcome->code, "%s", outcome->message);
    return job ? seen->page(seen->ctx, job->url, &job->page) : 0;
}

static int pause_for(const struct pages_seen *seen)
{
    return seen->pause ? seen->pause(seen->ctx) : 0;
}

// The next result, told to pause if it is not there yet: 1, or 0 at the end, or an error.
static int next(weft_group *group, const struct pages_seen *seen, struct weft_outcome *outcome)
{
    int rc = weft_group_next(group, outcome, NULL, 0, WEFT_POLL);
    if (rc != -ETIMEDOUT)
        return rc;
    rc = pause_for(seen);
    return rc < 0 ? rc : weft_group_next(group, outcome, NULL, 0, WEFT_FOREVER);
}

static void outcome_free(const struct weft_outcome *outcome)
{
    if (job_of(outcome))
        job_free(job_of(outcome));
}

// Tell results until none are left, or something fails.
static int as_completed(struct run *run, const struct pages_seen *seen)
{
    struct weft_outcome outcome;
    int rc;
    while ((rc = next(run->group, seen, &outcome)) > 0) {
        rc = told(seen, &outcome);
        outcome_free(&outcome);
        if (rc < 0)
            return rc;
    }
    return rc == 0 ? pause_for(seen) : rc;
}

// End what is under way; the results are only freed.
static void give_up(struct run *run)
{
    struct weft_outcome outcome;
    bool was = weft_shield(true);
    weft_group_cancel(run->group);
    while (weft_group_next(run->group, &outcome, NULL, 0, WEFT_FOREVER) > 0)
        outcome_free(&outcome);
    (void)weft_shield(was);
}

static int tell(struct run *const *arg, weft_none *none)
{
    struct run *run = *arg;
    (void)none;
    int rc = weft_group_add(run->group, 0, feed, &run);
    if (rc == 0)
        rc = as_completed(run, run->seen);
    if (rc < 0)
        give_up(run);
    return rc;
}
WEFT_TASK(tell, struct run *, weft_none);

// On the pool's loop: start the teller there.
static int lead(struct run *const *arg, weft_none *none)
{
    (void)none;
    weft_future *teller = weft_start_as(
        WEFT_WITH(.kind = WEFT_FIBERS, .name = "results", .stack_size = TELLER_STACK), tell, arg);
    return teller ? weft_join(&teller, NULL, 0) : weft_error_code();
}
WEFT_TASK(lead, struct run *, weft_none);

int fetch_pages(weft_pool *pool, const struct fetch_settings *set, struct input *in,
                const struct pages_seen *seen)
{
    struct run run = {.in = in, .seen = seen, .most = set->at_once, .fetcher = fetcher_open(set)};
    if (!run.fetcher)
        return weft_error_code();
    run.group = weft_group_open(pool);
    weft_future *leader = run.group ? weft_submit(pool, lead, &(struct run *){&run}) : NULL;
    int rc = leader ? weft_join(&leader, NULL, 0) : weft_error_code();
    weft_group_close(&run.group);
    fetcher_close(&run.fetcher);
    return rc;
}
