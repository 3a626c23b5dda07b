// SPDX-License-Identifier: MIT
// results.c - see results.h.
//
// The progress line is the last thing on the terminal, so it is taken away before a row or a
// failure is printed there, and drawn again when its time has come. Where rows go into a file it
// may stay.
#include "fetch/results.h"

#include <errno.h>
#include <weft/error.h>

#include "fetch/summary.h"

enum { OUTPUT_BUFFER = 65536 }; // rows that are ready at once are written at once

int results_open(struct results *r, const struct fetch_settings *set)
{
    *r = (struct results){.begun = weft_now(), .known = -1, .under_way = -1};
    r->totals = totals_new();
    if (!r->totals)
        return weft_fail(-ENOMEM, "out of memory");
    const struct output_form *form = output_form(set->format);
    int rc = output_open(&r->output, set, form, stdout, stderr, time(NULL));
    if (rc < 0)
        return rc;
    if (!r->output.terminal) // refused, the usual buffer stays
        (void)setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
    if (!set->quiet && set->format != FORMAT_LECTURE && set->bench == 0)
        progress_open(&r->progress, stderr, r->begun.ns);
    return 0;
}

void results_close(struct results *r)
{
    progress_clear(&r->progress);
    output_close(&r->output);
    totals_free(&r->totals);
}

int results_flush(struct results *r)
{
    int rc = output_flush(&r->output);
    if (rc < 0)
        r->write_error = -rc;
    return rc;
}

static void show_progress(struct results *r)
{
    const struct totals_sum *sum = totals_sum(r->totals);
    int64_t under_way = r->under_way;
    if (r->known >= 0 && under_way > r->known - sum->pages)
        under_way = r->known - sum->pages;
    const struct progress_now now = {
        .done = sum->pages,
        .failed = sum->failed,
        .total = r->known,
        .under_way = under_way,
        .bytes = r->arrived > sum->received ? r->arrived : sum->received,
    };
    progress_show(&r->progress, &now, weft_now().ns);
}

void results_begin(struct results *r)
{
    output_begin(&r->output);
}

int results_change(struct results *r, const char *url, const struct page *page,
                   const struct page_change *change)
{
    totals_add(r->totals, url, page, change);
    bool told = r->output.form == &output_text && page->fault != FAULT_NONE; // on stderr
    if (r->output.terminal || told)
        progress_clear(&r->progress);
    output_page(&r->output, url, page, change);
    if (r->output.error != 0)
        return results_flush(r); // there is no sense in going on
    show_progress(r);
    return 0;
}

int results_page(void *r, const char *url, const struct page *page)
{
    return results_change(r, url, page, NULL);
}

int results_idle(void *r, const struct pages_now *now)
{
    struct results *results = r;
    results->arrived = now->arrived;
    results->under_way = now->under_way;
    if (now->total >= 0)
        results->known = now->total;
    show_progress(results);
    return results_flush(results);
}

static bool is_worth_a_summary(const struct results *r, bool interrupted)
{
    const struct output *o = &r->output;
    bool told = o->form->sums && !o->err_terminal;
    bool several = totals_sum(r->totals)->pages >= 2;
    return !o->set->quiet && o->set->format != FORMAT_LECTURE && !told && (several || interrupted);
}

static int end_output(struct results *r, const struct output_end *how)
{
    progress_clear(&r->progress);
    output_end(&r->output, r->totals, how);
    return results_flush(r);
}

int results_break_off(struct results *r, const struct change_sum *changes)
{
    return end_output(r, &(struct output_end){weft_now().ns - r->begun.ns, true, changes});
}

int results_end(struct results *r, const struct change_sum *changes, bool interrupted)
{
    const struct output_end how = {weft_now().ns - r->begun.ns, interrupted, changes};
    int rc = end_output(r, &how);
    if (rc == 0 && is_worth_a_summary(r, interrupted))
        summary_print(&r->output, r->totals, &how);
    return rc;
}
