// SPDX-License-Identifier: MIT
// fibers_weft.c - what a fiber costs, with weft: fibers_weft ROW prints nanoseconds, or bytes.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "measure.h"

static int nothing(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

static weft_future *start_fiber(weft_future *f)
{
    return f ? f : (weft_future *)die(weft_error());
}

// ---- yield: two fibers on one loop --------------------------------------------------------

NOT_INLINED static int keep_yielding(const long *n, weft_none *out)
{
    (void)out;
    for (long i = 0; i < *n; i++)
        weft_yield();
    return 0;
}
WEFT_TASK(keep_yielding, long, weft_none);

static double yield(void)
{
    long n = 2000000;
    double begin = now_ns();
    weft_future *other = start_fiber(weft_start(WEFT_FIBERS, keep_yielding, &n));
    (void)keep_yielding(&n, NULL);
    weft_join(&other, NULL, 0);
    return (now_ns() - begin) / (2.0 * (double)n);
}

// ---- start and join -------------------------------------------------------------------------

static double start_join(void)
{
    enum { N = 300000 };
    double begin = now_ns();
    for (long i = 0; i < N; i++) {
        weft_future *f = start_fiber(weft_start(WEFT_FIBERS, nothing, &(weft_none){0}));
        weft_join(&f, NULL, 0);
    }
    return (now_ns() - begin) / N;
}

// ---- queues -----------------------------------------------------------------------------------

struct line {
    weft_queue *there, *back;
    long n;
};

// What comes goes on, n times.
static int relay(const struct line *l, weft_none *out)
{
    (void)out;
    long item = 0;
    for (long i = 0; i < l->n; i++) {
        weft_get(l->there, &item, WEFT_FOREVER);
        weft_put(l->back, &item, WEFT_FOREVER);
    }
    return 0;
}
WEFT_TASK(relay, struct line, weft_none);

static double ping_pong(void)
{
    enum { N = 500000 };
    struct line there = {weft_queue_new(sizeof(long), .capacity = 1),
                         weft_queue_new(sizeof(long), .capacity = 1), N};
    struct line back = {there.back, there.there, N};
    double begin = now_ns();
    weft_future *one = start_fiber(weft_start(WEFT_FIBERS, relay, &there));
    weft_future *other = start_fiber(weft_start(WEFT_FIBERS, relay, &back));
    weft_put(there.there, &(long){1}, WEFT_FOREVER);
    weft_join(&one, NULL, 0);
    weft_join(&other, NULL, 0);
    return (now_ns() - begin) / N;
}

static int produce(const struct line *l, weft_none *out)
{
    (void)out;
    for (long i = 0; i < l->n; i++)
        weft_put(l->there, &i, WEFT_FOREVER);
    weft_queue_close(l->there);
    return 0;
}
WEFT_TASK(produce, struct line, weft_none);

static int consume(const struct line *l, long *count)
{
    long item;
    for (*count = 0; weft_get(l->there, &item, WEFT_FOREVER) == 0;)
        ++*count;
    return *count == l->n ? 0 : -EPROTO;
}
WEFT_TASK(consume, struct line, long);

static double through_queue(void)
{
    struct line l = {weft_queue_new(sizeof(long), .capacity = 128), NULL, 2000000};
    long count;
    double begin = now_ns();
    weft_future *producer = start_fiber(weft_start(WEFT_FIBERS, produce, &l));
    weft_future *consumer = start_fiber(weft_start(WEFT_FIBERS, consume, &l));
    if (weft_join_as(&consumer, consume, &count) < 0)
        die(weft_error());
    weft_join(&producer, NULL, 0);
    return (now_ns() - begin) / (double)l.n;
}

// ---- memory -----------------------------------------------------------------------------------

static weft_event morning;

static int sleep_in(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    return weft_event_wait(&morning, WEFT_FOREVER);
}
WEFT_TASK(sleep_in, weft_none, weft_none);

static double parked(void)
{
    enum { N = 100000 };
    static weft_future *all[N];
    double before = resident_bytes();
    for (long i = 0; i < N; i++)
        all[i] = start_fiber(weft_start(WEFT_FIBERS, sleep_in, &(weft_none){0}));
    weft_sleep(weft_after_ms(500));
    double each = (resident_bytes() - before) / N;
    weft_event_set(&morning);
    for (long i = 0; i < N; i++)
        weft_join(&all[i], NULL, 0);
    return each;
}

// ---- on one loop: what a fiber starts runs beside it ----------------------------------------

typedef double measure(void);

static int run(measure *const *row, double *figure)
{
    *figure = (*row)();
    return 0;
}
WEFT_TASK(run, measure *, double);

static double in_fiber(measure *row)
{
    double figure;
    weft_future *f = start_fiber(weft_start(WEFT_FIBERS, run, &row));
    if (weft_join_as(&f, run, &figure) < 0)
        die(weft_error());
    return figure;
}

static double yield_beside(void)
{
    return in_fiber(yield);
}

static double start_join_beside(void)
{
    return in_fiber(start_join);
}

static double ping_pong_beside(void)
{
    return in_fiber(ping_pong);
}

static double through_queue_beside(void)
{
    return in_fiber(through_queue);
}

int main(int argc, char **argv)
{
    static const struct row rows[] = {
        {"yield", yield_beside},
        {"start_join", start_join_beside},
        {"ping_pong", ping_pong_beside},
        {"buffered", through_queue_beside},
        {"between_loops", through_queue}, // from the main thread: the two get a loop each
        {"parked", parked},
    };
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
