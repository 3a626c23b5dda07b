// SPDX-License-Identifier: MIT
// pages.c - all the pages, so many at once: a fiber for each.
//
// This is the lecture's program: a task for each URL, and the results as they complete. One more
// task, the feeder, reads the URLs and starts the others. It reads on only while fewer pages are
// under way than may be, so an endless list needs no memory. Those that wait for their turn at a
// host count apart, so that one slow host does not fill the places, and so do those that are done
// and not told yet; there may be AHEAD of both, however slow a host or a reader is.
//
// Results are told on the same loop, by a fiber with a stack for whatever printing takes; a thread
// of its own woke up for each few lines, which cost as much as all of the fibers. A write to a pipe
// that nobody reads would hold up everything, though. So what is printed is let go in pieces that a
// pipe with room for anything takes at once, and the teller waits for that room as a fiber does.
#include "fetch/pages.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

#include "fetch/fetcher.h"

enum { TELLER_STACK = 1 << 20, AHEAD = 1000, PIECE = 2048 };

enum { TICK_MS = 100 }; // how often who shows progress is told that it goes on
enum { HOUR_MS = 3600000 };

struct run {
    weft_group *group;
    const struct fetch_settings *set;
    struct fetcher *fetcher;
    struct input *in;
    const struct pages_seen *seen;
    int most;               // pages at once
    weft_mutex mu;          // guards the rest
    weft_cond change;       // for the feeder
    int under_way, waiting; // pages; those of them that wait for their turn
    int open;               // under way, or done and not told
    int64_t started;        // pages, so far
    bool ended;             // the list
};

struct job {
    struct run *run;
    char *url;
    struct page *page; // NULL: it is under way, or there was no memory
};

static void job_free(struct job *job)
{
    if (job->page)
        page_free(job->page);
    free(job->page);
    free(job->url);
    free(job);
}

static void add(struct run *run, int under_way, int waiting)
{
    weft_lock(&run->mu);
    run->under_way += under_way;
    run->started += under_way > 0;
    run->waiting += waiting;
    weft_cond_signal(&run->change);
    weft_unlock(&run->mu);
}

static void add_open(struct run *run, int open)
{
    weft_lock(&run->mu);
    run->open += open;
    weft_cond_signal(&run->change);
    weft_unlock(&run->mu);
}

static void end_list(struct run *run)
{
    weft_lock(&run->mu);
    run->ended = true;
    weft_unlock(&run->mu);
}

static struct pages_now see(struct run *run)
{
    weft_lock(&run->mu);
    const struct pages_now now = {
        .arrived = run->fetcher->arrived,
        .total = run->ended ? run->started : -1,
        .under_way = run->under_way - run->waiting,
    };
    weft_unlock(&run->mu);
    return now;
}

static void on_wait(void *ctx, int more)
{
    add(ctx, 0, more);
}

static struct page *keep(struct page *page)
{
    struct page *kept = malloc(sizeof *kept);
    if (kept)
        *kept = *page;
    else
        page_free(page);
    return kept;
}

// While a page is under way it lies on the stack of its fiber, whose one page of memory has room
// for it: a thousand that wait need no more.
static int fetch_one(struct job *const *arg, weft_none *none)
{
    struct job *job = *arg;
    struct run *run = job->run; // who takes the result frees the job, but only after our return
    struct page page;
    (void)none;
    enum page_fault fault = fetch_page(run->fetcher, job->url, &page);
    job->page = keep(&page);
    add(run, -1, 0);
    if (fault == FAULT_CANCELED)
        return weft_fail(-ECANCELED, "interrupted");
    return fault == FAULT_MEMORY || !job->page ? weft_fail(-ENOMEM, "out of memory") : 0;
}
WEFT_TASK(fetch_one, struct job *, weft_none);

// ---- the feeder ------------------------------------------------------------------

// With mu held. One at a time means in order: then nobody overtakes who waits.
static bool has_room(const struct run *run)
{
    int waiting = run->most > 1 ? run->waiting : 0;
    return run->under_way - waiting < run->most && run->open < run->most + AHEAD;
}

static int wait_for_room(struct run *run)
{
    int rc = 0;
    weft_lock(&run->mu);
    while (rc == 0 && !has_room(run))
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
    add(run, 1, 0);
    add_open(run, 1);
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
        if (rc == 0)
            end_list(run);
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

// Let out what was printed, when whoever reads it has room: a pipe with any takes PIPE_BUF at once.
static int pause_for(struct run *run)
{
    const struct pages_seen *seen = run->seen;
    if (!seen->pause)
        return 0;
    if (__fpending(stdout) > 0 && weft_wait_fd(STDOUT_FILENO, POLLOUT, WEFT_FOREVER) == -ECANCELED)
        return -ECANCELED;
    const struct pages_now now = see(run);
    return seen->pause(seen->ctx, &now); // which also says what is wrong with the descriptor
}

static int told(struct run *run, const struct weft_outcome *outcome)
{
    const struct job *job = job_of(outcome);
    if (outcome->code < 0)
        return weft_fail(outcome->code, "%s", outcome->message);
    int rc = __fpending(stdout) > PIECE ? pause_for(run) : 0;
    if (rc < 0)
        return rc;
    return job ? run->seen->page(run->seen->ctx, job->url, job->page) : 0;
}

// The next result, told to pause if it is not there yet: 1, or 0 at the end, or an error.
static int next(struct run *run, struct weft_outcome *outcome)
{
    int rc = weft_group_next(run->group, outcome, NULL, 0, WEFT_POLL);
    while (rc == -ETIMEDOUT) {
        int told = pause_for(run);
        if (told < 0)
            return told;
        rc = weft_group_next(run->group, outcome, NULL, 0, weft_after_ms(TICK_MS));
    }
    return rc;
}

static void outcome_free(const struct weft_outcome *outcome)
{
    if (job_of(outcome))
        job_free(job_of(outcome));
}

// Tell results until none are left, or something fails.
static int as_completed(struct run *run)
{
    struct weft_outcome outcome;
    int rc;
    while ((rc = next(run, &outcome)) > 0) {
        rc = told(run, &outcome);
        if (job_of(&outcome))
            add_open(run, -1);
        outcome_free(&outcome);
        if (rc < 0)
            return rc;
    }
    return rc == 0 ? pause_for(run) : rc;
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
    run->fetcher = fetcher_open(run->set);
    if (!run->fetcher)
        return weft_error_code();
    run->fetcher->on_wait = on_wait;
    run->fetcher->wait_ctx = run;
    int rc = weft_group_add(run->group, 0, feed, &run);
    if (rc == 0)
        rc = as_completed(run);
    if (rc < 0)
        give_up(run);
    fetcher_close(&run->fetcher);
    return rc;
}
WEFT_TASK(tell, struct run *, weft_none);

// Start the teller on the pool's loop.
static int lead(struct run *const *arg, weft_none *none)
{
    (void)none;
    weft_future *teller = weft_start_as(
        WEFT_WITH(.kind = WEFT_FIBERS, .name = "results", .stack_size = TELLER_STACK), tell, arg);
    return teller ? weft_join(&teller, NULL, 0) : weft_error_code();
}
WEFT_TASK(lead, struct run *, weft_none);

// A thread that joins a task which has not begun runs it in place, and then the teller, and
// libcurl with it, had a loop of their own. With a deadline it waits.
static int join_on_its_loop(weft_future **leader)
{
    while (weft_wait(*leader, weft_after_ms(HOUR_MS)) == -ETIMEDOUT) {}
    return weft_join(leader, NULL, 0);
}

int fetch_pages(weft_pool *pool, const struct fetch_settings *set, struct input *in,
                const struct pages_seen *seen)
{
    struct run run = {.set = set, .in = in, .seen = seen, .most = set->at_once};
    run.group = weft_group_open(pool);
    weft_future *leader = run.group ? weft_submit(pool, lead, &(struct run *){&run}) : NULL;
    int rc = leader ? join_on_its_loop(&leader) : weft_error_code();
    weft_group_close(&run.group);
    return rc;
}
