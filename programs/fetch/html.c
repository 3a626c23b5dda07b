// SPDX-License-Identifier: MIT
// html.c - the report: pages as they come, and all of it at the end.
//
// The top of the report is known last. So each page becomes a row in a scratch file, a few are kept
// to be drawn, and at the end the parts are written from top to bottom. Had we kept the pages, a
// run of a million would need a gigabyte; had we put the sums at the bottom, nobody would see them.
#include "fetch/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "common/replace.h"
#include "fetch/html_parts.h"

static void html_free(struct html *h)
{
    if (!h)
        return;
    if (h->rows)
        (void)fclose(h->rows); // it has no name, and is not read any more
    html_picks_free(h->largest);
    html_picks_free(h->slowest);
    html_picks_free(h->broken);
    html_picks_free(h->changed);
    free(h->path);
    free(h);
}

static bool allocate(struct html *h, const char *path)
{
    h->path = strdup(path);
    h->largest = calloc(1, sizeof *h->largest);
    h->slowest = calloc(1, sizeof *h->slowest);
    h->broken = calloc(1, sizeof *h->broken);
    h->changed = calloc(1, sizeof *h->changed);
    return h->path && h->largest && h->slowest && h->broken && h->changed;
}

struct html *html_open(const char *path)
{
    if (replace_check(path) < 0)
        return NULL;
    struct html *h = calloc(1, sizeof *h);
    if (!h || !allocate(h, path)) {
        weft_fail(-ENOMEM, "cannot write %s: out of memory", path);
        goto fail;
    }
    h->rows = replace_scratch(path);
    if (h->rows)
        return h;
fail:
    html_free(h);
    return NULL;
}

int64_t html_size_now(const struct page *page)
{
    if (page->fault != FAULT_NONE)
        return -1;
    return page->head ? page->claimed : page->decoded;
}

// Claims may be as large as a number can be; their sum may not be larger.
static void add_up(int64_t *sum, int64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum))
        *sum = INT64_MAX;
}

// ---- a page ----------------------------------------------------------------------

static void note(struct html *h, int rc)
{
    if (rc < 0 && h->error == 0)
        h->error = rc;
}

static void pick_largest(struct html *h, const char *url, const struct page *page)
{
    int64_t size = html_size_now(page);
    if (size >= 0)
        note(h, html_pick(h->largest, size, h->pages, url, page, NULL));
}

// Missed budgets first, then by how many bytes it differs.
static void pick_change(struct html *h, const char *url, const struct page *page,
                        const struct page_change *change)
{
    int64_t now = html_size_now(page), differs = 0;
    struct html_changes *c = &h->changes;
    if (now >= 0 && change->before >= 0) {
        differs = now > change->before ? now - change->before : change->before - now;
        c->grown += now > change->before;
        c->shrunk += now < change->before;
        c->same += differs == 0;
        add_up(&c->before, change->before);
        add_up(&c->now, now);
    }
    c->over += change->over;
    int64_t rank = change->over ? INT64_MAX / 2 + differs / 2 : differs / 2;
    if (change->over || differs > 0)
        note(h, html_pick(h->changed, rank, h->pages, url, page, change));
}

static void write_row(struct html *h, const char *url, const struct page *page,
                      const struct page_change *change)
{
    char *words = page->fault != FAULT_NONE ? html_words(page) : NULL;
    if (page->fault != FAULT_NONE && !words)
        note(h, -ENOMEM);
    html_row(h->rows, h->pages, url, page, words, change);
    free(words);
    if (ferror(h->rows))
        note(h, replace_flush(h->rows)); // which says why
}

void html_page(struct html *h, const char *url, const struct page *page,
               const struct page_change *change)
{
    if (h->error < 0) // there will be no report
        return;
    h->pages++;
    if (page->fault != FAULT_NONE)
        note(h, html_pick(h->broken, 0, h->pages, url, page, change));
    pick_largest(h, url, page);
    note(h, html_pick(h->slowest, page->ns > 0 ? page->ns : 0, h->pages, url, page, NULL));
    if (change)
        pick_change(h, url, page, change);
    write_row(h, url, page, change);
}

void html_cut_short(struct html *h)
{
    h->cut_short = true;
}

void html_missed(struct html *h, int64_t not_fetched, int64_t earlier)
{
    h->changes.not_fetched = not_fetched;
    h->changes.earlier = earlier;
}

void html_others(struct html *h, int64_t fresh, int64_t gone)
{
    h->changes.fresh = fresh;
    h->changes.gone = gone;
}

// ---- the end ---------------------------------------------------------------------

static int write_report(FILE *out, struct html *h, const struct totals *totals, int64_t ns)
{
    const struct totals_sum *sum = totals_sum(totals);
    html_picks_by_rank(h->broken);
    html_picks_by_rank(h->changed);
    html_picks_by_rank(h->largest);
    html_picks_by_rank(h->slowest);
    html_head(out, h, sum);
    html_summary(out, totals, ns);
    html_failures(out, h, sum);
    html_differences(out, h);
    html_bars(out, h->largest);
    html_waterfall(out, h->slowest);
    int rc = html_table(out, h);
    html_foot(out);
    return rc;
}

static int put_report(struct html *h, const struct totals *totals, int64_t ns)
{
    struct replace *r = h->error == 0 ? replace_open(h->path) : NULL;
    if (!r)
        return h->error < 0 ? h->error : weft_error_code();
    int rc = write_report(replace_stream(r), h, totals, ns);
    int closed = replace_close(&r, rc == 0);
    return rc < 0 ? rc : closed;
}

int html_close(struct html **h, const struct totals *totals, int64_t ns)
{
    if (!*h)
        return 0;
    int rc = totals ? put_report(*h, totals, ns) : 0;
    if (rc < 0)
        weft_fail(rc, "cannot write %s: %s", (*h)->path, strerror(-rc));
    html_free(*h);
    *h = NULL;
    return rc;
}
