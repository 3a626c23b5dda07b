// SPDX-License-Identifier: MIT
// 36_trace.c - to see who waits for whom: two cooks, one stove, a waiter.
// Lecture: L41.
//
//     WEFT_TRACE=kitchen.json 36_trace [fibers]
//
// Open kitchen.json in https://ui.perfetto.dev. Each cook has a row, with what he does in it: he
// chops, and the other chops beside him; then one fries, and the other's row says weft_lock, with
// an arrow to its end from the one who had the stove. The waiter waits in weft_get until there is
// a plate. Nothing here depends on the variable: without it the same is done, and not recorded.
#include <string.h>

#include "example.h"

static weft_mutex stove;
static weft_queue *plates;

static int cook(const int *dishes, weft_none *none)
{
    (void)none;
    int rc = 0;
    for (int dish = 1; rc == 0 && dish <= *dishes; dish++) {
        weft_trace_begin("chop");
        rc = weft_sleep(after_seconds(0.2));
        weft_trace_end();
        if (rc < 0)
            return rc;

        weft_guard(&stove);
        weft_trace_begin("fry");
        rc = weft_sleep(after_seconds(0.3));
        weft_trace_end();
        if (rc == 0)
            rc = weft_put(plates, &dish, WEFT_FOREVER);
    }
    return rc;
}
WEFT_TASK(cook, int, weft_none);

static int serve(const int *dishes, weft_none *none)
{
    (void)none;
    for (int i = 0; i < *dishes; i++) {
        int dish;
        int rc = weft_get(plates, &dish, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        weft_trace_mark("served");
    }
    printf("%d dishes are served\n", *dishes);
    return 0;
}
WEFT_TASK(serve, int, weft_none);

int main(int argc, char **argv)
{
    enum weft_kind kind = argc > 1 && strcmp(argv[1], "fibers") == 0 ? WEFT_FIBERS : WEFT_THREADS;
    plates = weft_queue_new(sizeof(int), .capacity = 4);
    if (!plates)
        return failed("plates");
    weft_future *cooks[] = {
        weft_start_as(WEFT_WITH(.kind = kind, .name = "cook Ada"), cook, &(int){3}),
        weft_start_as(WEFT_WITH(.kind = kind, .name = "cook Bo"), cook, &(int){3}),
        weft_start_as(WEFT_WITH(.kind = kind, .name = "waiter"), serve, &(int){6}),
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof cooks / sizeof *cooks; i++)
        if (weft_join(&cooks[i], NULL, 0) < 0)
            rc = failed("kitchen");
    weft_queue_free(&plates);
    return rc;
}
