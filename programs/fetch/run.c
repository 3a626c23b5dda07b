// SPDX-License-Identifier: MIT
// run.c - see run.h.
//
// Whatever is wrong with a file on the way does not end the run: a page that was asked for is
// shown, though it can no longer be kept. It is said once, and the status is not 0.
#include "fetch/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/output.h"
#include "common/status.h"
#include "fetch/bench.h"
#include "fetch/change.h"
#include "fetch/html.h"
#include "fetch/options.h"
#include "fetch/pages.h"
#include "fetch/record.h"

static const char me[] = "weft fetch";

// What went wrong is in weft_error().
static void tell_trouble(struct run *run)
{
    progress_clear(&run->results.progress);
    complain(me, "%s", weft_error());
    run->trouble = true;
}

// ---- opening ---------------------------------------------------------------------------------

static bool is_judged(const struct fetch_settings *set)
{
    return set->compare || set->max_growth >= 0 || set->budget > 0 || set->budgets;
}

// Whether the run that is resumed has this page already.
static bool is_kept(void *record, const char *url)
{
    int64_t decoded;
    return record_has(record, url, &decoded) > 0;
}

// The same, and then it counts. In the task that reads URLs.
static bool is_done(void *ctx, const char *url)
{
    struct run *run = ctx;
    struct page_change change;
    int64_t decoded;
    if (record_has(run->record, url, &decoded) <= 0) // an error: it is fetched once more
        return false;
    weft_lock(&run->mu);
    run->resumed++;
    if (run->change) {
        (void)change_done(run->change, url, decoded, &change); // what it misses, it remembers
        run->resumed_over += change.over;
    }
    weft_unlock(&run->mu);
    return true;
}

static int open_files(struct run *run)
{
    const struct fetch_settings *set = run->set;
    if (set->save || set->resume) {
        run->record = record_open(set);
        if (!run->record)
            return weft_error_code();
    }
    if (is_judged(set)) {
        run->change = change_open(set, run->record, fetch_read_size);
        if (!run->change)
            return weft_error_code();
    }
    if (set->html) {
        run->html = html_open(set->html);
        if (!run->html)
            return weft_error_code();
    }
    return 0;
}

// What is still open: of a run that did not begin, or has ended.
static void run_close(struct run *run)
{
    if (run->record)
        (void)record_close(&run->record, false); // without pages, it leaves nothing
    if (run->html)
        (void)html_close(&run->html, NULL, 0); // the old report stays
    change_free(&run->change);
    results_close(&run->results);
}

int run_open(struct run *run, const struct fetch_settings *set, struct input *in)
{
    *run = (struct run){.set = set, .in = in};
    int rc = results_open(&run->results, set);
    if (rc == 0)
        rc = open_files(run);
    if (rc < 0) {
        run_close(run);
        return rc;
    }
    if (set->resume)
        input_skip(in, is_done, run);
    if (run->results.progress.out) { // nobody else asks; of a resumed run, those that are left
        size_t known = input_count(in, set->resume ? is_kept : NULL, run->record);
        run->results.known = known > 0 ? (int64_t)known : -1;
    }
    return 0;
}

// ---- pages -----------------------------------------------------------------------------------

static void compare(struct run *run, const char *url, const struct page *page,
                    struct page_change *change)
{
    weft_lock(&run->mu);
    int rc = change_page(run->change, url, page, change);
    weft_unlock(&run->mu);
    if (rc < 0)
        tell_trouble(run);
}

static int take_page(void *ctx, const char *url, const struct page *page)
{
    struct run *run = ctx;
    struct page_change compared, *change = run->change ? &compared : NULL;
    if (change)
        compare(run, url, page, change);
    if (run->html)
        html_page(run->html, url, page, change);
    if (run->record && record_page(run->record, url, page) < 0)
        tell_trouble(run);
    return results_change(&run->results, url, page, change);
}

static int take_pause(void *ctx, const struct pages_now *now)
{
    struct run *run = ctx;
    int rc = results_idle(&run->results, now);
    if (rc == 0 && run->record)
        record_let_out(run->record);
    return rc;
}

static int read_all(struct input *const *in, weft_none *none)
{
    (void)none;
    return input_read_all(*in);
}
WEFT_TASK(read_all, struct input *, weft_none);

// In a task, so that Ctrl+C ends the reading too.
static int run_bench(struct run *run, weft_pool *pool)
{
    weft_future *f = weft_submit(pool, read_all, &run->in);
    if (!f)
        return weft_error_code();
    int rc = weft_join(&f, NULL, 0);
    if (rc < 0)
        return rc;
    const struct bench b = {pool, run->set, run->in, &run->results};
    return run->set->format == FORMAT_LECTURE ? bench_lecture(&b) : bench(&b);
}

int run_work(struct run *run, weft_pool *pool)
{
    const struct pages_seen seen = {take_page, take_pause, run};
    if (run->set->bench > 0)
        return run_bench(run, pool);
    run->begun = true;
    results_begin(&run->results);
    return fetch_pages(pool, run->set, run->in, &seen);
}

// ---- the end ---------------------------------------------------------------------------------

static void tell_repeated(const struct run *run)
{
    size_t n = input_repeated(run->in);
    if (n > 0)
        (void)fprintf(stderr, "%zu URL%s came again, fetched once (--duplicates fetches each)\n", n,
                      n == 1 ? "" : "s");
    if (run->resumed > 0)
        (void)fprintf(stderr, "%lld page%s of this run had been fetched before\n",
                      (long long)run->resumed, run->resumed == 1 ? "" : "s");
}

// The record answers what is gone before it is closed; what is printed waits for the summary.
static void close_files(struct run *run, bool told, bool whole)
{
    if (run->change && change_end(run->change, whole) < 0)
        tell_trouble(run);
    if (run->record && record_close(&run->record, whole) < 0)
        tell_trouble(run);
    if (run->html && !whole)
        html_cut_short(run->html);
    const struct change_sum *sum = run->change ? change_sum(run->change) : NULL;
    if (run->html && sum)
        html_missed(run->html, sum->missing, run->resumed_over);
    if (run->html && sum && sum->last_ms > 0)
        html_others(run->html, sum->fresh, sum->gone);
    const struct totals *totals = told ? run->results.totals : NULL;
    int64_t ns = weft_now().ns - run->results.begun.ns;
    if (run->html && html_close(&run->html, totals, ns) < 0)
        tell_trouble(run);
}

// 0, or the errno of stdout.
static int tell_end(struct run *run, bool interrupted)
{
    const struct change_sum *changes = run->change ? change_sum(run->change) : NULL;
    int rc = results_end(&run->results, changes, interrupted);
    if (!run->set->quiet)
        tell_repeated(run);
    return rc;
}

static int failed(const char *why)
{
    complain(me, "%s", why);
    return STATUS_FAILED;
}

static int status_of(const struct run *run, int rc, int signal, const char *why)
{
    const struct totals_sum *sum = totals_sum(run->results.totals);
    if (rc == -ECANCELED && signal != 0)
        return STATUS_SIGNAL + signal;
    if (run->results.write_error == EPIPE) // nobody reads on, as with "| head": nothing to say
        return STATUS_SIGNAL + SIGPIPE;
    if (rc < 0)
        return failed(why);
    if (sum->pages == 0 && run->resumed == 0)
        return failed("no URL in the input");
    if (run->change && change_missed(run->change))
        return STATUS_INCONCLUSIVE;
    return sum->failed > 0 || run->trouble ? STATUS_FAILED : STATUS_OK;
}

int run_end(struct run *run, int rc, int signal)
{
    bool told = rc == 0 || rc == -ECANCELED;
    char why[512] = "";
    if (rc < 0)
        (void)snprintf(why, sizeof why, "%s", weft_error()); // before anything else fails
    close_files(run, told, rc == 0);
    if (told && tell_end(run, rc == -ECANCELED) < 0 && rc == 0) {
        rc = -run->results.write_error;
        (void)snprintf(why, sizeof why, "%s", weft_error());
    }
    if (!told && run->begun && run->results.write_error == 0)
        (void)results_break_off(&run->results, run->change ? change_sum(run->change) : NULL);
    if (run->change && told && !run->set->quiet)
        change_print(run->change, stderr);
    int status = status_of(run, rc, signal, why);
    run_close(run);
    return status;
}
