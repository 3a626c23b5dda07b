// SPDX-License-Identifier: MIT
// html_pick.c - the pages that are drawn: those of highest rank, of any number that come.
//
// A heap would keep exactly so many. Two times as many, sorted when they are full, cost less to
// read: a page that ranks below the floor, as most do, is one comparison.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/html_parts.h"

static void drop(struct html_pick *pick)
{
    free(pick->url);
    free(pick->words);
    *pick = (struct html_pick){0};
}

static int by_rank(const void *left, const void *right)
{
    const struct html_pick *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static int by_begin(const void *left, const void *right)
{
    const struct html_pick *a = left, *b = right;
    if (a->page.begin_ns != b->page.begin_ns)
        return a->page.begin_ns < b->page.begin_ns ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

void html_picks_by_rank(struct html_picks *p)
{
    qsort(p->picks, (size_t)p->length, sizeof *p->picks, by_rank);
    for (; p->length > HTML_SHOWN; p->length--)
        drop(&p->picks[p->length - 1]);
}

void html_picks_by_begin(struct html_picks *p)
{
    html_picks_by_rank(p);
    qsort(p->picks, (size_t)p->length, sizeof *p->picks, by_begin);
}

static void make_room(struct html_picks *p)
{
    html_picks_by_rank(p);
    p->floor = p->picks[HTML_SHOWN - 1].rank;
}

int html_pick(struct html_picks *p, int64_t rank, int64_t number, const char *url,
              const struct page *page, const struct page_change *change)
{
    static const struct page_change none = {.before = -1, .budget = -1};
    p->offered++;
    if (p->offered > HTML_SHOWN && rank <= p->floor)
        return 0;
    if (p->length == 2 * HTML_SHOWN)
        make_room(p);
    struct html_pick pick = {
        .rank = rank,
        .number = number,
        .url = strdup(url),
        .words = page->fault != FAULT_NONE ? html_words(page) : NULL,
        .page = *page,
        .change = change ? *change : none,
    };
    pick.page.target = NULL;
    pick.page.hops = NULL;
    if (!pick.url || (page->fault != FAULT_NONE && !pick.words)) {
        drop(&pick);
        return -ENOMEM;
    }
    p->picks[p->length++] = pick;
    return 0;
}

void html_picks_free(struct html_picks *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->length; i++)
        drop(&p->picks[i]);
    free(p);
}
