// SPDX-License-Identifier: MIT
// 08_thread_pool.c - a hundred jobs of three seconds, at once. Lecture: L56, L57, L58.
//
// The lecture takes a pool of 100 threads from the third-party package `threadpool`, whose calls
// are here: ThreadPool is weft_pool_open, makeRequests the WEFT_TASK line, putRequest weft_spawn,
// wait weft_pool_close. It takes 3 s; the 30 s of the lecture's comment belong to a pool of 10, and
// one after the other would be 300 s.
//
// Different here: Python's print writes the text and then the newline, so that lines of two threads
// may be glued. One printf is one line.
#include "example.h"

static int get_html(const int *url, weft_none *none)
{
    (void)none;
    int rc = weft_sleep(after_seconds(3));
    if (rc < 0)
        return rc;
    printf("%d\n", *url);
    return 0;
}
WEFT_TASK(get_html, int, weft_none);

int main(void)
{
    weft_time start_time = weft_now();
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 100);
    if (!pool)
        return failed("pool");
    for (int url = 0; url < 100; url++)
        if (weft_spawn(pool, get_html, &url) < 0)
            return failed("spawn");
    weft_pool_close(&pool); // waits for all of them
    printf(":>>>> %.6f\n", seconds_since(start_time));
    return 0;
}
