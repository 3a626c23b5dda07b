// SPDX-License-Identifier: MIT
// shared.c - what processes share. Each task is a process of its own, with a number; and one may be
// killed between any two of its steps, as SIGKILL does, and is buried as the ancestor does it.
#include "core/current.h"
#include "core/kin.h"
#include "scenario.h"

enum { MAIN = WF_KIN_ROOT, FIRST, SECOND, VICTIM };

static struct {
    weft_shared_mutex mu;
    weft_shared_sem sem;
    weft_shared_event event;
    weft_shared_queue *queue;
    struct guarded guarded;
    int rc[3], data, got[4], mended;
} s;

// ---- processes that live, and one that dies ----------------------------------------------

struct process {
    uint64_t kin;
    void *(*run)(void *);
    void *arg;
    wf_thread thread;
};

static void *be_process(void *arg)
{
    struct process *p = arg;
    (void)wf_self(); // here all have one list of parkers, which must not be left locked
    wf_kin_become(p->kin);
    (void)p->run(p->arg);
    if (p->kin == VICTIM) { // it is too late to kill it
        wf_kin_become(MAIN);
        wf_kin_bury(VICTIM);
    }
    return NULL;
}

static void start(struct process *p, uint64_t kin, void *(*run)(void *), void *arg)
{
    *p = (struct process){.kin = kin, .run = run, .arg = arg};
    xp_kin_add(kin);
    p->thread = go(be_process, p);
}

static void *die_at_any_time(void *arg)
{
    const struct process *victim = arg;
    xp_kill(victim->kin);
    wf_kin_bury(victim->kin);
    return NULL;
}

// ---- mutex ------------------------------------------------------------------------------

static void *lock_and_visit(void *arg)
{
    int rc = weft_shared_lock(&s.mu, WEFT_FOREVER);
    claim(rc == 0 || rc == -EOWNERDEAD);
    if (rc == -EOWNERDEAD) {
        s.mended++;
        s.guarded.inside = 0;
    }
    visit(&s.guarded);
    weft_shared_unlock(&s.mu);
    return arg;
}

static void mutex_excludes(void *arg)
{
    int others = *(int *)arg;
    struct process p[2];
    for (int i = 0; i < others; i++)
        start(&p[i], (uint64_t)(FIRST + i), lock_and_visit, NULL);
    lock_and_visit(NULL);
    for (int i = 0; i < others; i++)
        wf_thread_join(p[i].thread);
    claim(s.guarded.count == others + 1 && s.mended == 0 && s.mu.word_ == 0);
}

static void *lock_in_time(void *arg)
{
    int *rc = arg;
    *rc = weft_shared_lock(&s.mu, sometime());
    if (*rc == 0) {
        visit(&s.guarded);
        weft_shared_unlock(&s.mu);
    }
    return NULL;
}

static void who_gives_up_the_mutex(void *arg)
{
    (void)arg;
    struct process p[2];
    claim(weft_shared_lock(&s.mu, WEFT_FOREVER) == 0);
    start(&p[0], FIRST, lock_in_time, &s.rc[0]);
    start(&p[1], SECOND, lock_and_visit, NULL);
    weft_shared_unlock(&s.mu);
    for (int i = 0; i < 2; i++)
        wf_thread_join(p[i].thread);
    claim(s.rc[0] == 0 || s.rc[0] == -ETIMEDOUT);
    claim(s.guarded.count == 1 + (s.rc[0] == 0));
}

// Whoever lives gets the lock, and at most one is told of the death.
static void the_holder_dies(void *arg)
{
    int others = *(int *)arg;
    struct process victim, p;
    start(&victim, VICTIM, lock_and_visit, NULL);
    if (others > 0)
        start(&p, FIRST, lock_and_visit, NULL);
    struct process reaper;
    start(&reaper, SECOND, die_at_any_time, &victim);
    lock_and_visit(NULL);
    if (others > 0)
        wf_thread_join(p.thread);
    wf_thread_join(reaper.thread);
    lock_and_visit(NULL); // the victim may have been the last to hold it
    claim(s.mended <= 1);
    claim(weft_shared_lock(&s.mu, WEFT_FOREVER) == 0);
}

// ---- semaphore --------------------------------------------------------------------------

static void *acquire(void *arg)
{
    int *rc = arg;
    *rc = weft_shared_acquire(&s.sem, rc == &s.rc[2] ? sometime() : WEFT_FOREVER);
    return NULL;
}

// arg: the second gives up.
static void units_are_not_lost(void *arg)
{
    int *second = *(int *)arg ? &s.rc[2] : &s.rc[1];
    struct process p[2];
    start(&p[0], FIRST, acquire, &s.rc[0]);
    start(&p[1], SECOND, acquire, second);
    weft_shared_release(&s.sem, 1);
    weft_shared_release(&s.sem, 1);
    for (int i = 0; i < 2; i++)
        wf_thread_join(p[i].thread);
    claim(s.rc[0] == 0 && (*second == 0 || (*second == -ETIMEDOUT && *(int *)arg)));
    claim(s.sem.word_ >> 1 == (*second == 0 ? 0 : 1));
}

static void a_waiter_for_units_dies(void *arg)
{
    (void)arg;
    struct process victim, p, reaper;
    start(&victim, VICTIM, acquire, &s.rc[1]);
    start(&p, FIRST, acquire, &s.rc[0]);
    start(&reaper, SECOND, die_at_any_time, &victim);
    weft_shared_release(&s.sem, 2);
    wf_thread_join(p.thread);
    wf_thread_join(reaper.thread);
    claim(s.rc[0] == 0);
}

static int acquire_one(const weft_none *arg, weft_none *none)
{
    (void)arg, (void)none;
    return weft_shared_acquire(&s.sem, WEFT_FOREVER);
}
WEFT_TASK(acquire_one, weft_none, weft_none);

// One that is cancelled while a wake-up is on its way to it passes it on.
static void cancelled_with_a_unit(void *arg)
{
    (void)arg;
    struct process p;
    weft_future *f = weft_start(WEFT_THREADS, acquire_one, &(weft_none){0});
    start(&p, FIRST, acquire, &s.rc[0]);
    weft_shared_release(&s.sem, 1);
    weft_cancel(f);
    int rc = weft_join(&f, NULL, 0);
    if (rc == 0)
        weft_shared_release(&s.sem, 1); // then it had the unit
    wf_thread_join(p.thread);
    claim((rc == 0 || rc == -ECANCELED) && s.rc[0] == 0 && s.sem.word_ >> 1 == 0);
}

// ---- event ------------------------------------------------------------------------------

static void *set_and_clear(void *arg)
{
    weft_explore_writes(&s.data);
    s.data = 1;
    weft_shared_event_set(&s.event);
    if (arg)
        weft_shared_event_clear(&s.event);
    return NULL;
}

static void *await_event(void *arg)
{
    int *rc = arg;
    *rc = weft_shared_event_wait(&s.event, WEFT_FOREVER);
    weft_explore_reads(&s.data);
    claim(s.data == 1);
    return NULL;
}

static const struct xp_task *waiter;

static void *await_seen(void *arg)
{
    waiter = xp->now;
    *(int *)arg = weft_shared_event_wait(&s.event, WEFT_FOREVER);
    return NULL;
}

// A wait that sleeps when the flag is set ends, though it is cleared at once.
static void set_then_clear(void *arg)
{
    (void)arg;
    struct process p;
    start(&p, FIRST, await_seen, &s.rc[0]);
    claim(!weft_shared_event_is_set(&s.event)); // it may be asleep by now
    bool must_end = waiter && waiter->sleeps > 0;
    set_and_clear(&p);
    if (!must_end)
        weft_shared_event_set(&s.event); // it may have begun after the clear
    wf_thread_join(p.thread);
    claim(s.rc[0] == 0);
}

static void a_set_ends_all_waits(void *arg)
{
    (void)arg;
    struct process p[2];
    start(&p[0], FIRST, await_event, &s.rc[0]);
    start(&p[1], SECOND, set_and_clear, NULL);
    await_event(&s.rc[1]);
    for (int i = 0; i < 2; i++)
        wf_thread_join(p[i].thread);
}

// ---- queue ------------------------------------------------------------------------------

static void *put(void *arg)
{
    int item = *(int *)arg;
    claim(weft_shared_put(s.queue, &item, WEFT_FOREVER) == 0);
    return NULL;
}

static void *get(void *arg)
{
    int item = 0;
    if (weft_shared_get(s.queue, &item, WEFT_FOREVER) == 0)
        s.got[item]++;
    return arg;
}

static int one = 1, two = 2;

// arg: capacity.
static void each_item_once(void *arg)
{
    struct process p[3];
    s.queue = weft_shared_queue_new(sizeof(int), (size_t) * (int *)arg);
    start(&p[0], FIRST, put, &one);
    start(&p[1], SECOND, get, NULL);
    put(&two);
    get(NULL);
    for (int i = 0; i < 2; i++)
        wf_thread_join(p[i].thread);
    claim(s.got[1] == 1 && s.got[2] == 1);
    weft_shared_queue_free(&s.queue);
}

static void two_getters_sleep(void *arg)
{
    (void)arg;
    struct process p[2];
    s.queue = weft_shared_queue_new(sizeof(int), 2);
    start(&p[0], FIRST, get, NULL);
    start(&p[1], SECOND, get, NULL);
    put(&one);
    put(&two);
    for (int i = 0; i < 2; i++)
        wf_thread_join(p[i].thread);
    claim(s.got[1] == 1 && s.got[2] == 1);
    weft_shared_queue_free(&s.queue);
}

static void closed_and_drained(void *arg)
{
    (void)arg;
    struct process p;
    int item;
    s.queue = weft_shared_queue_new(sizeof(int), 1);
    start(&p, FIRST, get, NULL);
    int rc = weft_shared_put(s.queue, &one, WEFT_POLL);
    weft_shared_queue_close(s.queue);
    claim(weft_shared_put(s.queue, &two, WEFT_FOREVER) == -EPIPE);
    wf_thread_join(p.thread);
    claim(rc == 0 && s.got[1] == 1 && s.got[2] == 0);
    claim(weft_shared_get(s.queue, &item, WEFT_FOREVER) == -EPIPE);
    weft_shared_queue_free(&s.queue);
}

static void close_ends_a_get(void *arg)
{
    (void)arg;
    struct process p;
    s.queue = weft_shared_queue_new(sizeof(int), 1);
    start(&p, FIRST, get, NULL);
    weft_shared_queue_close(s.queue);
    wf_thread_join(p.thread);
    weft_shared_queue_free(&s.queue);
}

// arg: the one who puts dies, else one who gets. An item is there or not, never by halves.
static void one_end_dies(void *arg)
{
    struct process victim, reaper;
    int item = 0, rc;
    s.queue = weft_shared_queue_new(sizeof(int), 2);
    if (*(int *)arg)
        start(&victim, VICTIM, put, &one);
    else
        start(&victim, VICTIM, get, NULL);
    start(&reaper, SECOND, die_at_any_time, &victim);
    put(&two);
    if (!*(int *)arg)
        put(&two); // one for the dead
    rc = weft_shared_get(s.queue, &item, WEFT_FOREVER);
    claim(rc == 0 && (item == 1 || item == 2));
    wf_thread_join(reaper.thread);
    weft_shared_queue_free(&s.queue);
}

const struct scenario shared_scenarios[] = {
    {"shared mutex: exclusion, 2 processes", mutex_excludes, .arg = 1, .bound = 3},
    {"shared mutex: exclusion, delayed stores", mutex_excludes, .arg = 1, .bound = 2,
     .delayed_stores = true},
    {"shared mutex: exclusion, 3 processes", mutex_excludes, .arg = 2, .bound = 2},
    {"shared mutex: who gives up", who_gives_up_the_mutex, .bound = 1},
    {"shared mutex: who gives up, bound 2", who_gives_up_the_mutex, .bound = 2, .is_long = true},
    {"shared mutex: a holder dies", the_holder_dies, .arg = 0, .bound = 3, .allows_leaks = true},
    {"shared mutex: a holder dies, 2 others", the_holder_dies, .arg = 1, .bound = 1,
     .allows_leaks = true},
    {"shared mutex: a holder dies, 2 others, bound 2", the_holder_dies, .arg = 1, .bound = 2,
     .allows_leaks = true, .is_long = true},
    {"shared semaphore: no unit is lost", units_are_not_lost, .arg = 0, .bound = 2},
    {"shared semaphore: who gives up", units_are_not_lost, .arg = 1, .bound = 2},
    {"shared semaphore: a waiter dies", a_waiter_for_units_dies, .bound = 1, .allows_leaks = true},
    {"shared semaphore: a waiter dies, bound 2", a_waiter_for_units_dies, .bound = 2,
     .allows_leaks = true, .is_long = true},
    {"shared semaphore: a waiter is cancelled", cancelled_with_a_unit, .bound = 2},
    {"shared event: set and clear", set_then_clear, .bound = 2},
    {"shared event: a set ends all waits", a_set_ends_all_waits, .bound = 2},
    {"shared queue: each item once, capacity 1", each_item_once, .arg = 1, .bound = 1},
    {"shared queue: each item once, capacity 2", each_item_once, .arg = 2, .bound = 1},
    {"shared queue: two getters sleep", two_getters_sleep, .bound = 1},
    {"shared queue: two getters sleep, bound 2", two_getters_sleep, .bound = 2, .is_long = true},
    {"shared queue: closed and drained", closed_and_drained, .bound = 2},
    {"shared queue: a close ends a get", close_ends_a_get, .bound = 2},
    {"shared queue: a putter dies", one_end_dies, .arg = 1, .bound = 1, .allows_leaks = true},
    {"shared queue: a getter dies", one_end_dies, .arg = 0, .bound = 1, .allows_leaks = true},
    {"shared queue: a getter dies, bound 2", one_end_dies, .arg = 0, .bound = 2,
     .allows_leaks = true, .is_long = true},
    {.name = NULL},
};
