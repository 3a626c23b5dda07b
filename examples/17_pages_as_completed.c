// SPDX-License-Identifier: MIT
// 17_pages_as_completed.c - five pages at once, printed as they come. Lecture: L18, L21 to L24.
//
// ThreadPoolExecutor(5) is weft_pool_open, as_completed is weft_group_next, and the dictionary from
// future to URL is the tag. The fastest comes first, so the page that fails; that stops no other.
#include "pages.h"

int main(void)
{
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 5);
    if (!pool)
        return failed("pool");
    WEFT_SCOPED(weft_group_close) weft_group *group = weft_group_open(pool);
    if (!group)
        return failed("group");
    for (int i = 0; i < PAGES; i++)
        if (weft_group_add(group, i, load_url, &pages[i]) < 0)
            return failed("add");

    struct weft_outcome done;
    long size;
    while (weft_group_next(group, &done, &size, sizeof size, WEFT_FOREVER) > 0)
        print_page(pages[done.tag].url, done.code, done.message, size);
    return 0;
}
