// SPDX-License-Identifier: MIT
// queue.c - each item once, in its producer's order; close and drain; waits that give up.
#include "core/ring.h"
#include "scenario.h"

enum { ITEMS = 2 };

static struct {
    weft_queue *q;
    int got[8], gots;
    weft_mutex mu; // guards what was got
    int puts[2];
    int data[8];
    struct wf_loop *loop;
} s;

// arg / 100 % 10: which of those beside the main task are fibers, a bit each.
static struct beside *beside(void *arg, int i, void *(*run)(void *), void *its)
{
    return go_as(&s.loop, *(int *)arg / 100 % 10 & 1 << i, run, its);
}

// arg / 1000: the newest comes first, which is the other kind of queue (core/queue.c, ring.c).
static void begin(void *arg, size_t capacity)
{
    enum weft_order order = *(int *)arg / 1000 ? WEFT_LIFO : WEFT_FIFO;
    s.q = weft_queue_new(sizeof(int), .capacity = capacity, .order = order);
}

static void end_all(void)
{
    end_loop(&s.loop);
    weft_queue_free(&s.q);
}

static void *put_two(void *arg)
{
    int first = *(int *)arg;
    for (int i = first; i < first + ITEMS; i++) {
        weft_explore_writes(&s.data[i]);
        s.data[i] = 1;
        claim(weft_put(s.q, &i, WEFT_FOREVER) == 0);
    }
    return NULL;
}

static void note(int item)
{
    weft_explore_reads(&s.data[item]);
    claim(s.data[item] == 1);
    s.got[s.gots++] = item;
}

static void each_once(int puts)
{
    int seen = 0;
    for (int i = 0; i < s.gots; i++) {
        claim(!(seen & 1 << s.got[i]));
        seen |= 1 << s.got[i];
    }
    claim(s.gots == puts);
}

static void per_producer(void)
{
    int last[2] = {-1, -1};
    for (int i = 0; i < s.gots; i++) {
        int producer = s.got[i] / ITEMS;
        claim(s.got[i] > last[producer]);
        last[producer] = s.got[i];
    }
}

// arg % 100: capacity * 10 + producers.
static void order_per_producer(void *arg)
{
    int producers = *(int *)arg % 10;
    static int firsts[] = {0, ITEMS};
    struct beside *t[2];
    begin(arg, (size_t)(*(int *)arg / 10 % 10));
    for (int i = 0; i < producers; i++)
        t[i] = beside(arg, i, put_two, &firsts[i]);
    for (int i = 0; i < producers * ITEMS; i++) {
        int item;
        claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
        note(item);
    }
    for (int i = 0; i < producers; i++)
        join_it(t[i]);
    each_once(producers * ITEMS);
    per_producer();
    end_all();
}

static void *get_all(void *arg)
{
    (void)arg;
    int item, rc;
    while ((rc = weft_get(s.q, &item, WEFT_FOREVER)) == 0) {
        weft_lock(&s.mu);
        note(item);
        weft_unlock(&s.mu);
    }
    claim(rc == -EPIPE);
    return NULL;
}

static void two_consumers(void *arg)
{
    static int zero;
    begin(arg, 1);
    struct beside *a = beside(arg, 0, get_all, NULL), *b = beside(arg, 1, get_all, NULL);
    put_two(&zero);
    weft_queue_close(s.q);
    join_it(a);
    join_it(b);
    each_once(ITEMS);
    end_all();
}

// What was put before the close comes out; what comes after is refused.
static void *put_until_closed(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        weft_explore_writes(&s.data[i]);
        s.data[i] = 1;
        int rc = weft_put(s.q, &i, WEFT_FOREVER);
        claim(rc == 0 || rc == -EPIPE);
        if (rc < 0)
            break;
        s.puts[0]++;
    }
    return NULL;
}

static void close_against_put(void *arg)
{
    begin(arg, 1);
    struct beside *a = beside(arg, 0, put_until_closed, NULL), *b = beside(arg, 1, get_all, NULL);
    weft_queue_close(s.q);
    join_it(a);
    join_it(b);
    each_once(s.puts[0]);
    end_all();
}

static void close_alone_ends_a_put(void *arg)
{
    begin(arg, 1);
    struct beside *a = beside(arg, 0, put_until_closed, NULL);
    weft_queue_close(s.q);
    join_it(a);
    claim(s.puts[0] <= 1 && weft_queue_length(s.q) == (size_t)s.puts[0]);
    end_all();
}

// A get that gives up takes nothing with it: the other gets the item.
static void *get_in_time(void *arg)
{
    int item, rc = weft_get(s.q, &item, sometime());
    claim(rc == 0 || rc == -ETIMEDOUT || rc == -EPIPE);
    *(int *)arg = rc;
    if (rc == 0) {
        weft_lock(&s.mu);
        note(item);
        weft_unlock(&s.mu);
    }
    return NULL;
}

static void who_gives_up_takes_nothing(void *arg)
{
    int rc, item = 0;
    begin(arg, 2);
    struct beside *a = beside(arg, 0, get_in_time, &rc), *b = beside(arg, 1, get_all, NULL);
    s.data[0] = 1;
    claim(weft_put(s.q, &item, WEFT_FOREVER) == 0);
    join_it(a);
    weft_queue_close(s.q);
    join_it(b);
    each_once(1);
    end_all();
}

static int get_one(const int *unused, int *item)
{
    (void)unused;
    return weft_get(s.q, item, WEFT_FOREVER);
}
WEFT_TASK(get_one, int, int);

// A cancelled get had no effect: the item is there, or it was got.
static void cancel_against_put(void *arg)
{
    int item = 3, out = 0;
    begin(arg, 1);
    weft_future *f = weft_start(kind_of(arg), get_one, &item);
    claim(weft_put(s.q, &item, WEFT_FOREVER) == 0);
    weft_cancel(f);
    int rc = weft_join_as(&f, get_one, &out);
    claim(rc == 0 ? out == 3 : rc == -ECANCELED);
    claim(weft_queue_length(s.q) == (rc == 0 ? 0 : 1));
    end_all();
}

static void *put_the_only(void *arg)
{
    (void)arg;
    int item = 0;
    weft_explore_writes(&s.data[item]);
    s.data[item] = 1;
    claim(weft_put(s.q, &item, WEFT_FOREVER) == 0);
    return NULL;
}

// Whoever got the last item may free the queue: who put it touches it no more.
static void the_last_one_frees_it(void *arg)
{
    int item;
    begin(arg, 1);
    struct beside *a = beside(arg, 0, put_the_only, NULL);
    claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
    note(item);
    weft_queue_free(&s.q);
    join_it(a);
    end_loop(&s.loop);
}

// Two get one item each. Whoever got the last may free the queue, though the other has just left.
static void *get_and_maybe_free(void *arg)
{
    int item;
    (void)arg;
    claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
    if (item == ITEMS - 1)
        weft_queue_free(&s.q);
    return NULL;
}

static void the_last_of_two_frees_it(void *arg)
{
    static int zero;
    begin(arg, ITEMS);
    struct beside *a = beside(arg, 0, get_and_maybe_free, NULL);
    struct beside *b = beside(arg, 1, get_and_maybe_free, NULL);
    put_two(&zero);
    join_it(a);
    join_it(b);
    end_loop(&s.loop);
}

// A put that gives up puts nothing; another one in line behind it is not forgotten.
static void *put_in_time(void *arg)
{
    int item = 1;
    weft_explore_writes(&s.data[item]);
    s.data[item] = 1;
    *(int *)arg = weft_put(s.q, &item, sometime());
    claim(*(int *)arg == 0 || *(int *)arg == -ETIMEDOUT);
    return NULL;
}

// Two get one item each, and not for ever, like who puts the last. Whoever got that knows that all
// calls are through, and may free the queue: whose deadline passes just then must not touch it.
static void *get_in_time_and_maybe_free(void *arg)
{
    int item, rc = weft_get(s.q, &item, sometime());
    claim(rc == 0 || rc == -ETIMEDOUT);
    if (rc == 0 && item == 1)
        weft_queue_free(&s.q);
    return arg;
}

static void a_late_put_leaves_it_alone(void *arg)
{
    int rc;
    begin(arg, 1);
    put_the_only(NULL);
    struct beside *a = beside(arg, 0, put_in_time, &rc);
    struct beside *b = beside(arg, 1, get_in_time_and_maybe_free, NULL);
    get_in_time_and_maybe_free(NULL);
    join_it(a);
    join_it(b);
    end_all();
}

static void a_late_get_leaves_it_alone(void *arg)
{
    int rc;
    begin(arg, 1);
    struct beside *a = beside(arg, 0, get_in_time_and_maybe_free, NULL);
    struct beside *b = beside(arg, 1, get_in_time_and_maybe_free, NULL);
    put_the_only(NULL);
    put_in_time(&rc);
    join_it(a);
    join_it(b);
    end_all();
}

static void *put_third(void *arg)
{
    (void)arg;
    int item = 2;
    weft_explore_writes(&s.data[item]);
    s.data[item] = 1;
    claim(weft_put(s.q, &item, WEFT_FOREVER) == 0);
    return NULL;
}

static void a_put_gives_up(void *arg)
{
    int rc, item;
    begin(arg, 1);
    put_the_only(NULL);
    struct beside *a = beside(arg, 0, put_in_time, &rc), *b = beside(arg, 1, put_third, NULL);
    for (int i = 0; i < 2; i++) {
        claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
        note(item);
    }
    join_it(a);
    if (rc == 0) {
        claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
        note(item);
    }
    join_it(b);
    each_once(rc == 0 ? 3 : 2);
    claim(s.got[0] == 0 && weft_queue_length(s.q) == 0);
    end_all();
}

static int put_one(const int *item, weft_none *unused)
{
    (void)unused;
    return weft_put(s.q, item, WEFT_FOREVER);
}
WEFT_TASK(put_one, int, weft_none);

// A cancelled put had no effect: the item never comes, or it was put.
static void cancel_against_get(void *arg)
{
    int one = 1, item = 7;
    begin(arg, 1);
    put_the_only(NULL);
    weft_future *f = weft_start(kind_of(arg), put_one, &one);
    weft_cancel(f);
    claim(weft_get(s.q, &item, WEFT_FOREVER) == 0 && item == 0);
    int rc = weft_join(&f, NULL, 0);
    claim(rc == 0 || rc == -ECANCELED);
    claim(weft_queue_length(s.q) == (rc == 0));
    claim(weft_put(s.q, &one, WEFT_POLL) == (rc == 0 ? -ETIMEDOUT : 0));
    end_all();
}

// Three ends: an item is looked for, one is waited for, and both are put.
static void *get_at_once(void *arg)
{
    int item, rc = weft_get(s.q, &item, WEFT_POLL);
    claim(rc == 0 || rc == -ETIMEDOUT);
    *(int *)arg = rc == 0 ? item : -1;
    return NULL;
}

static void who_only_looks_takes_one_or_none(void *arg)
{
    static int zero;
    int got[2], item;
    begin(arg, 1);
    struct beside *a = beside(arg, 0, get_at_once, &got[0]);
    struct beside *b = beside(arg, 1, put_two, &zero);
    claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
    note(item);
    join_it(a);
    if (got[0] >= 0)
        note(got[0]);
    else
        claim(weft_get(s.q, &item, WEFT_FOREVER) == 0 && (note(item), item == 1));
    join_it(b);
    each_once(ITEMS);
    end_all();
}

#if HAS_FIBERS
// ---- a loop has the ring for itself (core/home.h), and then the main task comes

static void *put_three(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        weft_explore_writes(&s.data[i]);
        s.data[i] = 1;
        claim(weft_put(s.q, &i, WEFT_FOREVER) == 0);
    }
    return NULL;
}

static void get_and_note(void)
{
    int item;
    claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
    weft_lock(&s.mu);
    note(item);
    weft_unlock(&s.mu);
}

static void *get_two(void *arg)
{
    get_and_note();
    get_and_note();
    return arg;
}

// They have gone round the ring, whose counters only they have seen; it may be full.
static void one_comes_after_three(void *arg)
{
    int item = 3;
    begin(arg, 1);
    struct beside *a = beside(arg, 0, put_three, NULL), *b = beside(arg, 1, get_two, NULL);
    weft_explore_writes(&s.data[item]);
    s.data[item] = 1;
    int rc = weft_put(s.q, &item, WEFT_POLL);
    claim(rc == 0 || rc == -ETIMEDOUT);
    get_and_note();
    if (rc == 0)
        get_and_note();
    join_it(a);
    join_it(b);
    each_once(rc == 0 ? 4 : 3);
    end_all();
}

static void *put_it(void *arg)
{
    (void)arg;
    claim(weft_put(s.q, &(int){1}, WEFT_FOREVER) == 0);
    return NULL;
}

// Who comes beside the first puts decides, once, that nobody has it: else each put would ask again.
static void who_comes_decides(void *arg)
{
    begin(arg, 2);
    struct beside *a = beside(arg, 0, put_it, NULL);
    (void)put_it(NULL);
    join_it(a);
    claim(weft_queue_length(s.q) == 2);
    const struct wf_ring *ring = (const void *)s.q; // its first member
    claim(ring->settles <= WF_RING_SETTLES);
    end_all();
}

// One of them gives up, at the same time perhaps.
static void *get_until_late(void *arg)
{
    int item, rc;
    (void)arg;
    while ((rc = weft_get(s.q, &item, sometime())) == 0)
        note(item);
    claim(rc == -ETIMEDOUT || rc == -EPIPE);
    return NULL;
}

// arg % 10: the queue is closed meanwhile.
static void one_gives_up_at_home(void *arg)
{
    begin(arg, 2);
    struct beside *a = beside(arg, 0, put_the_only, NULL);
    join_it(a);
    struct beside *b = beside(arg, 1, get_until_late, NULL);
    if (*(int *)arg % 10)
        weft_queue_close(s.q);
    join_it(b);
    each_once(1);
    end_all();
}
#endif

const struct scenario queue_scenarios[] = {
    {"queue: 1 producer, capacity 1", order_per_producer, .arg = 11, .bound = 3},
    {"queue: 1 producer, capacity 1, bound 4", order_per_producer, .arg = 11, .bound = 4,
     .is_long = true},
    {"queue: 1 producer, capacity 2", order_per_producer, .arg = 21, .bound = 3},
    {"queue: 2 producers, capacity 1", order_per_producer, .arg = 12, .bound = 1},
    {"queue: 2 producers, capacity 1, bound 2", order_per_producer, .arg = 12, .bound = 2,
     .is_long = true},
    {"queue: 1 producer, delayed stores", order_per_producer, .arg = 11, .bound = 2,
     .delayed_stores = true},
    {"queue: 2 consumers, close and drain", two_consumers, .bound = 1},
    {"queue: 2 consumers, close and drain, bound 2", two_consumers, .bound = 2, .is_long = true},
    {"queue: close against put and get", close_against_put, .bound = 2},
    {"queue: close against a put that waits", close_alone_ends_a_put, .bound = 3},
    {"queue: who gives up takes nothing", who_gives_up_takes_nothing, .bound = 2},
    {"queue: cancel against put", cancel_against_put, .bound = 2},
    {"queue: who got the last frees it", the_last_one_frees_it, .bound = 3},
    {"queue: who got the last frees it, delayed stores", the_last_one_frees_it, .bound = 2,
     .delayed_stores = true},
    {"queue: who got the last of two frees it", the_last_of_two_frees_it, .bound = 2},
    {"queue: a put gives up, one stays", a_put_gives_up, .bound = 1},
    {"queue: a put gives up, one stays, bound 2", a_put_gives_up, .bound = 2, .is_long = true},
    {"queue: cancel a put against get", cancel_against_get, .bound = 2},
    {"queue: one looks, one waits", who_only_looks_takes_one_or_none, .bound = 1},
    {"queue: one looks, one waits, bound 2", who_only_looks_takes_one_or_none, .bound = 2,
     .is_long = true},
    {"queue: a late put, and who got the last frees it", a_late_put_leaves_it_alone, .bound = 2},
    {"queue: a late get, and who got the last frees it", a_late_get_leaves_it_alone, .bound = 1},
    {"queue: a late get, and who got the last, bound 2", a_late_get_leaves_it_alone, .bound = 2,
     .is_long = true},
    {"queue: 2 consumers, delayed stores", two_consumers, .bound = 1, .delayed_stores = true},
    {"queue: newest first, 1 producer", order_per_producer, .arg = 1011, .bound = 3},
    {"queue: newest first, 2 consumers", two_consumers, .arg = 1000, .bound = 1},
    {"queue: newest first, close", close_against_put, .arg = 1000, .bound = 2},
    {"queue: newest first, one gives up", who_gives_up_takes_nothing, .arg = 1000, .bound = 2},
    {"queue: newest first, who got the last", the_last_one_frees_it, .arg = 1000, .bound = 3},
    {"queue: newest first, a late put", a_late_put_leaves_it_alone, .arg = 1000, .bound = 2},
    {"queue: newest first, a late get", a_late_get_leaves_it_alone, .arg = 1000, .bound = 1},
#if HAS_FIBERS
    // ---- with fibers: the main task is a thread all the same
    {"queue: 1 producer, a fiber", order_per_producer, .arg = 111, .bound = 2},
    {"queue: 1 producer, a fiber, delayed stores", order_per_producer, .arg = 111, .bound = 2,
     .delayed_stores = true},
    {"queue: 2 producers, fiber and thread", order_per_producer, .arg = 112, .bound = 1},
    {"queue: 2 producers, fiber and thread, bound 2", order_per_producer, .arg = 112, .bound = 2,
     .is_long = true},
    {"queue: 2 producers, both fibers", order_per_producer, .arg = 312, .bound = 2},
    {"queue: 2 consumers, fiber and thread", two_consumers, .arg = 100, .bound = 1},
    {"queue: 2 consumers, fiber and thread, bound 2", two_consumers, .arg = 100, .bound = 2,
     .is_long = true},
    {"queue: 2 consumers, both fibers", two_consumers, .arg = 300, .bound = 2},
    {"queue: close, fibers put and get", close_against_put, .arg = 300, .bound = 2},
    {"queue: close, a fiber puts, a thread gets", close_against_put, .arg = 100, .bound = 2},
    {"queue: close, a thread puts, a fiber gets", close_against_put, .arg = 200, .bound = 1},
    {"queue: close against a fiber's put", close_alone_ends_a_put, .arg = 100, .bound = 3},
    {"queue: a fiber gives up, a thread gets", who_gives_up_takes_nothing, .arg = 100, .bound = 2},
    {"queue: a thread gives up, a fiber gets", who_gives_up_takes_nothing, .arg = 200, .bound = 1},
    {"queue: a thread gives up, a fiber gets, bound 2", who_gives_up_takes_nothing, .arg = 200,
     .bound = 2, .is_long = true},
    {"queue: of two fibers one gives up", who_gives_up_takes_nothing, .arg = 300, .bound = 2},
    {"queue: of two fibers one gives up, bound 3", who_gives_up_takes_nothing, .arg = 300,
     .bound = 3, .is_long = true},
    {"queue: a fiber's cancel against put", cancel_against_put, .arg = 1, .bound = 3},
    {"queue: who got a fiber's last frees it", the_last_one_frees_it, .arg = 100, .bound = 2},
    {"queue: who got the last of two frees it, a fiber", the_last_of_two_frees_it, .arg = 100,
     .bound = 2},
    {"queue: a fiber's put gives up, a thread's stays", a_put_gives_up, .arg = 100, .bound = 1},
    {"queue: a thread's put gives up, a fiber's stays", a_put_gives_up, .arg = 200, .bound = 1},
    {"queue: of two fibers' puts one gives up", a_put_gives_up, .arg = 300, .bound = 2},
    {"queue: cancel a fiber's put against get", cancel_against_get, .arg = 1, .bound = 2},
    {"queue: a fiber looks, a thread puts", who_only_looks_takes_one_or_none, .arg = 100,
     .bound = 1},
    {"queue: a fiber looks, another puts", who_only_looks_takes_one_or_none, .arg = 300,
     .bound = 2},
    {"queue: two fibers, then one comes", one_comes_after_three, .arg = 300, .bound = 2},
    {"queue: a fiber puts, and who else comes decides", who_comes_decides, .arg = 100, .bound = 2},
    {"queue: of two fibers one gives up at home", one_gives_up_at_home, .arg = 300, .bound = 3},
    {"queue: a fiber gives up at home, against a close", one_gives_up_at_home, .arg = 301,
     .bound = 2},
    {"queue: 2 producers, both fibers, delayed stores", order_per_producer, .arg = 312, .bound = 2,
     .delayed_stores = true},
    {"queue: close, fibers put and get, delayed stores", close_against_put, .arg = 300, .bound = 2,
     .delayed_stores = true},
    {"queue: of two fibers' puts one gives up, delayed stores", a_put_gives_up, .arg = 300,
     .bound = 1, .delayed_stores = true},
    {"queue: a fiber's late put, and who got the last", a_late_put_leaves_it_alone, .arg = 100,
     .bound = 1},
    {"queue: a late put, and a fiber that got the last", a_late_put_leaves_it_alone, .arg = 200,
     .bound = 1},
    {"queue: two fibers, a late put of one", a_late_put_leaves_it_alone, .arg = 300, .bound = 2},
    {"queue: two fibers, a late get of one", a_late_get_leaves_it_alone, .arg = 300, .bound = 2},
    {"queue: newest first, a fiber", order_per_producer, .arg = 1111, .bound = 2},
#endif
    {.name = NULL},
};
