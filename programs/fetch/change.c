// SPDX-License-Identifier: MIT
// change.c - see change.h.
//
// Nothing is kept of a page but counts, so that an endless list needs no memory; what is gone is a
// question to the record at the end.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fetch/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weft/error.h>

#include "fetch/budget.h"
#include "fetch/fault.h"
#include "fetch/record.h"

enum { SHOWN = 20 }; // lines of what is gone, and of what is missing

struct shown { // the first few
    struct {
        char *url;
        int64_t size;
    } rows[SHOWN];
    int length;
};

struct change {
    const struct fetch_settings *set;
    struct record *record;
    struct budgets *budgets; // or NULL
    bool compares;           // for its own sake, or for --max-growth
    char *largest;
    struct shown gone, missing;
    struct change_sum sum;
};

// ---- opening --------------------------------------------------------------------------

struct change *change_open(const struct fetch_settings *set, struct record *record,
                           option_reader *size)
{
    bool compares = set->compare || set->max_growth >= 0;
    if (compares && !record) {
        (void)weft_fail(-EINVAL, "there is no file of runs to compare with");
        return NULL;
    }
    struct change *c = calloc(1, sizeof *c);
    if (!c) {
        (void)weft_fail(-ENOMEM, "out of memory");
        return NULL;
    }
    c->set = set;
    c->record = record;
    c->compares = compares;
    c->sum.last_ms = compares ? record_past(record)->last_ms : 0;
    if (set->budgets && !(c->budgets = budgets_read(set->budgets, size)))
        change_free(&c);
    return c;
}

static void shown_free(struct shown *shown)
{
    for (int i = 0; i < shown->length; i++)
        free(shown->rows[i].url);
}

void change_free(struct change **c)
{
    if (!*c)
        return;
    budgets_free(&(*c)->budgets);
    shown_free(&(*c)->gone);
    shown_free(&(*c)->missing);
    free((*c)->largest);
    free(*c);
    *c = NULL;
}

// ---- a page ---------------------------------------------------------------------------

enum { UNKNOWN = -1 }; // a size

static void note_largest(struct change *c, const char *url, int64_t was, int64_t is)
{
    struct change_sum *sum = &c->sum;
    if (c->largest && is - was <= sum->largest_is - sum->largest_was)
        return;
    char *own = strdup(url);
    if (!own)
        return; // the second largest is shown
    free(c->largest);
    sum->largest = c->largest = own;
    sum->largest_was = was;
    sum->largest_is = is;
}

static void count(struct change *c, const char *url, int64_t was, int64_t is)
{
    struct change_sum *sum = &c->sum;
    if (was == UNKNOWN)
        sum->fresh += is != UNKNOWN;
    else if (is == UNKNOWN)
        sum->unknown++;
    else if (is == was)
        sum->same++;
    else if (is < was)
        sum->shrank++;
    else {
        sum->grew++;
        note_largest(c, url, was, is);
    }
}

// From nothing, any growth is too much.
static bool grew_too_much(const struct change *c, int64_t was, int64_t is)
{
    double most = c->set->max_growth;
    return most >= 0 && was != UNKNOWN && is > was && (double)(is - was) * 100 > most * (double)was;
}

static int64_t budget_of(struct change *c, const char *url)
{
    int64_t own = c->budgets ? budgets_find(c->budgets, url) : -1;
    int64_t all = c->set->budget > 0 ? c->set->budget : -1;
    return own >= 0 ? own : all;
}

// `is` may be UNKNOWN.
static int judge(struct change *c, const char *url, int64_t is, struct page_change *change)
{
    struct change_sum *sum = &c->sum;
    *change = (struct page_change){.before = UNKNOWN, .budget = budget_of(c, url)};
    int rc = c->compares ? record_before(c->record, url, &change->before) : 0;
    if (rc < 0)
        is = UNKNOWN;
    if (c->compares)
        count(c, url, change->before, is);
    bool unjudged = is == UNKNOWN && change->budget >= 0;
    bool too_large = change->budget >= 0 && is > change->budget;
    bool too_much = grew_too_much(c, change->before, is);
    sum->unjudged += unjudged;
    sum->too_large += too_large;
    sum->grew_too_much += too_much;
    change->over = too_large || too_much;
    change->judged = is != UNKNOWN && (change->budget >= 0 || c->set->max_growth >= 0);
    return rc < 0 ? rc : 0;
}

int change_page(struct change *c, const char *url, const struct page *page,
                struct page_change *change)
{
    bool known = page->fault == FAULT_NONE && !page->head;
    return judge(c, url, known ? page->decoded : UNKNOWN, change);
}

int change_done(struct change *c, const char *url, int64_t decoded, struct page_change *change)
{
    return judge(c, url, c->set->head ? UNKNOWN : decoded, change);
}

// ---- the end --------------------------------------------------------------------------

static void show(struct shown *shown, const char *url, int64_t size)
{
    char *own = shown->length < SHOWN ? strdup(url) : NULL;
    if (!own)
        return; // it is counted
    shown->rows[shown->length].url = own;
    shown->rows[shown->length++].size = size;
}

static void add_gone(void *ctx, const char *url, int64_t decoded)
{
    struct change *c = ctx;
    c->sum.gone++;
    show(&c->gone, url, decoded);
}

static void add_missing(void *ctx, const char *url, int64_t size)
{
    struct change *c = ctx;
    c->sum.missing++;
    show(&c->missing, url, size);
}

int change_end(struct change *c, bool whole)
{
    if (whole && c->budgets)
        budgets_missing(c->budgets, add_missing, c);
    int rc = whole && c->set->compare ? record_gone(c->record, add_gone, c) : 0;
    c->sum.gone = rc == 0 ? c->sum.gone : -1;
    return rc < 0 ? rc : 0;
}

const struct change_sum *change_sum(const struct change *c)
{
    return &c->sum;
}

bool change_missed(const struct change *c)
{
    return c->sum.too_large > 0 || c->sum.grew_too_much > 0 || c->sum.missing > 0;
}

// ---- printed --------------------------------------------------------------------------

static void print_shown(FILE *out, const struct shown *shown, int64_t all, const char *what)
{
    for (int i = 0; i < shown->length; i++) {
        (void)fprintf(out, "%s: ", what);
        print_clean(out, shown->rows[i].url);
        (void)fprintf(out, ", %lld bytes\n", (long long)shown->rows[i].size);
    }
    if (all < 0)
        (void)fprintf(out, "%s: not known, for not all was kept\n", what);
    else if (all > shown->length)
        (void)fprintf(out, "%s: %lld more\n", what, (long long)(all - shown->length));
}

static void print_largest(FILE *out, const struct change_sum *sum)
{
    long long was = sum->largest_was, is = sum->largest_is;
    (void)fprintf(out, "largest growth: ");
    print_clean(out, sum->largest);
    (void)fprintf(out, ", %lld -> %lld bytes", was, is);
    if (was > 0)
        (void)fprintf(out, " (+%.1f %%)", (double)(is - was) * 100 / (double)was);
    (void)putc('\n', out);
}

// The numbers that are more than 0, with commas between; `zero` if none is.
struct item {
    int64_t number;
    const char *what;
};

static void print_items(FILE *out, const struct item *items, size_t length, const char *zero)
{
    bool first = true;
    for (size_t i = 0; i < length; i++) {
        if (items[i].number <= 0)
            continue;
        (void)fprintf(out, "%s%lld %s", first ? "" : ", ", (long long)items[i].number,
                      items[i].what);
        first = false;
    }
    (void)fprintf(out, "%s\n", first ? zero : "");
}

static void print_comparison(FILE *out, const struct change *c)
{
    const struct change_sum *sum = &c->sum;
    const struct item items[] = {
        {sum->grew, "grew"}, {sum->shrank, "shrank"}, {sum->same, "as before"},
        {sum->fresh, "new"}, {sum->gone, "gone"},     {sum->unknown, "not known: failed"},
    };
    print_shown(out, &c->gone, sum->gone, "gone");
    char when[32] = "";
    time_t seconds = (time_t)(sum->last_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local))
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    (void)fprintf(out, "since %s: ", when);
    print_items(out, items, sizeof items / sizeof *items, "no pages");
    if (sum->largest)
        print_largest(out, sum);
}

static void print_budgets(FILE *out, const struct change_sum *sum)
{
    const struct item items[] = {
        {sum->too_large, "too large"},
        {sum->grew_too_much, "grew too much"},
        {sum->missing, "not fetched"},
        {sum->unjudged, "not known: failed"},
    };
    (void)fprintf(out, "budgets: ");
    print_items(out, items, sizeof items / sizeof *items, "all kept");
}

void change_print(const struct change *c, FILE *out)
{
    const struct change_sum *sum = &c->sum;
    if (c->compares && sum->last_ms == 0) // then no growth is too much, and nobody should wonder
        (void)fprintf(out, "no finished run to compare with yet\n");
    else if (c->set->compare)
        print_comparison(out, c);
    print_shown(out, &c->missing, sum->missing, "budget of a page that was not fetched");
    if (c->budgets || c->set->budget > 0 || c->set->max_growth >= 0)
        print_budgets(out, sum);
}
