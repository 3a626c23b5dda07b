// SPDX-License-Identifier: MIT
// 16_pages_in_order.c - one page after the other; errors travel with the result. Lecture: L18, L20,
// L22 to L24, L38.
//
// A page that fails does so in another thread. Joining it returns the code that it returned there,
// and weft_error() has its words: what future.result() does by raising again. The size is written
// only on success, the lecture's `else`. All five take the sum of their times; 17 takes that of the
// slowest.
#include "pages.h"

int main(void)
{
    for (size_t i = 0; i < PAGES; i++) {
        long size = 0;
        weft_future *loading = weft_start(WEFT_THREADS, load_url, &pages[i]);
        if (!loading)
            return failed("start");
        int rc = weft_join_as(&loading, load_url, &size);
        print_page(pages[i].url, rc, weft_error(), size);
    }
    return 0;
}
