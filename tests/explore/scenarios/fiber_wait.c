// SPDX-License-Identifier: MIT
// fiber_wait.c - what a loop wakes its fibers for: tokens, deadlines, descriptors and requests to
// stop, against each other; and that what did not end a wait is neither lost nor kept for the next.
#include "core/park.h"
#include "os/atomic.h"
#include "scenario.h"

#if HAS_FIBERS
enum { A_FIBER = 1 };

static struct {
    struct wf_loop *loop;
    struct wf_parker *parker;
    weft_event here, event, other;
    uint32_t flags;
    int data, fd, ended;
    int order[8];
    weft_future *f;
} s;

static struct beside *fiber(void *(*run)(void *), void *arg)
{
    return go_as(&s.loop, A_FIBER, run, arg);
}

static struct beside *thread(void *(*run)(void *), void *arg)
{
    return go_as(&s.loop, 0, run, arg);
}

// ---- tokens ---------------------------------------------------------------------------------

static struct wf_wait on_nothing(void)
{
    return (struct wf_wait){.what = "scenario", .fd = WF_NO_FD};
}

static void *give_token(void *arg)
{
    weft_explore_writes(&s.data);
    s.data = 7;
    wf_unpark(s.parker);
    return arg;
}

static void see_data(void)
{
    weft_explore_reads(&s.data);
    claim(s.data == 7);
}

static void say_who_waits(void)
{
    s.parker = wf_self();
    weft_event_set(&s.here); // nothing of it wakes the setter
}

static void *park_once(void *arg)
{
    const struct wf_wait wait = on_nothing();
    say_who_waits();
    claim(wf_park(&wait, WEFT_FOREVER) == 0);
    see_data();
    return arg;
}

// arg: the waker is a fiber too.
static void a_token_is_remembered(void *arg)
{
    (void)fiber(park_once, NULL);
    claim(weft_event_wait(&s.here, WEFT_FOREVER) == 0);
    join_it(go_as(&s.loop, *(int *)arg, give_token, NULL));
    end_loop(&s.loop);
}

static void *park_in_time(void *arg)
{
    const struct wf_wait wait = on_nothing();
    say_who_waits();
    int rc = wf_park(&wait, sometime());
    claim(rc == 0 || rc == -ETIMEDOUT);
    if (rc == -ETIMEDOUT)
        claim(wf_park(&wait, WEFT_FOREVER) == 0); // it is not lost
    see_data();
    return arg;
}

static void deadline_against_token(void *arg)
{
    (void)fiber(park_in_time, NULL);
    claim(weft_event_wait(&s.here, WEFT_FOREVER) == 0);
    join_it(go_as(&s.loop, *(int *)arg, give_token, NULL));
    end_loop(&s.loop);
}

static void *add_flag(void *arg)
{
    (void)wf_add(&s.flags, 1, WF_SEQ_CST);
    wf_unpark(s.parker);
    return arg;
}

static void *park_until_two(void *arg)
{
    const struct wf_wait wait = on_nothing();
    say_who_waits();
    while (wf_load(&s.flags, WF_SEQ_CST) < 2)
        claim(wf_park(&wait, WEFT_FOREVER) == 0);
    return arg;
}

static void a_fiber_and_a_thread_wake_one(void *arg)
{
    (void)arg;
    (void)fiber(park_until_two, NULL);
    claim(weft_event_wait(&s.here, WEFT_FOREVER) == 0);
    struct beside *a = thread(add_flag, NULL);
    (void)fiber(add_flag, NULL);
    join_it(a);
    end_loop(&s.loop);
}

// ---- timers ---------------------------------------------------------------------------------

static weft_time at(int second)
{
    return (weft_time){INT64_C(1000000000) * (second + 1)};
}

static void *sleep_to(void *arg)
{
    int second = *(int *)arg;
    claim(weft_sleep(at(second)) == 0);
    claim(weft_now().ns >= at(second).ns);
    s.order[s.ended++] = second; // all on one loop
    return NULL;
}

// As many as make a heap of three levels, in an order in which each moves. By a fiber, so that no
// time passes before all are there.
static void *start_four(void *arg)
{
    static int seconds[] = {3, 1, 4, 2};
    for (int i = 0; i < 4; i++)
        (void)fiber(sleep_to, &seconds[i]);
    return arg;
}

static void sleeps_end_in_the_order_of_their_deadlines(void *arg)
{
    (void)arg;
    (void)fiber(start_four, NULL);
    end_loop(&s.loop);
    claim(s.ended == 4);
    for (int i = 0; i < 4; i++)
        claim(s.order[i] == i + 1);
}

static void *wait_twice(void *arg)
{
    int rc = weft_event_wait(&s.event, at(2));
    claim(rc == 0 || rc == -ETIMEDOUT);
    claim(weft_event_wait(&s.other, WEFT_FOREVER) == 0); // not by the first one's deadline
    s.order[s.ended++] = 0;
    return arg;
}

static void *set_event(void *arg)
{
    weft_event_set(arg);
    return NULL;
}

// A wait that was ended leaves no timer behind; one that sleeps beside it keeps its own.
static void a_wait_leaves_no_timer(void *arg)
{
    static int second = 3;
    (void)arg;
    (void)fiber(wait_twice, NULL);
    (void)fiber(sleep_to, &second);
    struct beside *a = thread(set_event, &s.event);
    join_it(a);
    claim(weft_sleep(at(4)) == 0);
    weft_event_set(&s.other);
    end_loop(&s.loop);
    claim(s.ended == 2);
}

static void *wait_in_time(void *arg)
{
    int rc = weft_event_wait(&s.event, at(*(int *)arg));
    claim(rc == 0 || rc == -ETIMEDOUT);
    s.order[s.ended++] = rc == 0 ? 10 : *(int *)arg;
    return NULL;
}

static void *start_seven(void *arg)
{
    static int seconds[] = {1, 4, 2, 5, 6, 7, 3};
    for (int i = 0; i < 7; i++)
        (void)fiber(seconds[i] == 5 ? wait_in_time : sleep_to, &seconds[i]);
    return arg;
}

// Out of the middle of the heap, where the last takes its place, and has to rise from there: the
// others keep their order.
static void one_of_many_is_woken(void *arg)
{
    (void)arg;
    (void)fiber(start_seven, NULL);
    weft_event_set(&s.event);
    end_loop(&s.loop);
    int last = 0;
    for (int i = 0; i < 7; i++)
        if (s.order[i] != 10) {
            claim(s.order[i] > last);
            last = s.order[i];
        }
    claim(s.ended == 7 && last == 7);
}

static void *yield_until_done(void *arg)
{
    while (s.ended == 0)
        weft_yield();
    return arg;
}

static void *meet_a_past_deadline(void *arg)
{
    const struct wf_wait wait = on_nothing();
    claim(wf_park(&wait, WEFT_POLL) == -ETIMEDOUT);
    s.ended++;
    return arg;
}

static void *start_both(void *arg)
{
    (void)fiber(yield_until_done, NULL);
    (void)fiber(meet_a_past_deadline, NULL);
    return arg;
}

// A loop that is never idle looks at its timers all the same.
static void a_busy_loop_sees_deadlines(void *arg)
{
    (void)arg;
    (void)fiber(start_both, NULL);
    end_loop(&s.loop);
    claim(s.ended == 1);
}

// ---- descriptors ----------------------------------------------------------------------------

static int wait_for_fd(weft_time deadline)
{
    struct wf_wait wait = {.what = "scenario", .fd = s.fd, .events = 1};
    int rc = wf_wait_begin(&wait);
    while (rc == 0 && wf_load(&s.flags, WF_ACQUIRE) == 0)
        rc = wf_park(&wait, deadline);
    wf_wait_end(&wait);
    return rc;
}

static void *raise_flag(void *arg)
{
    weft_explore_writes(&s.data);
    s.data = 7;
    wf_store(&s.flags, 1, WF_RELEASE);
    wf_unpark(s.parker);
    return arg;
}

static void *make_ready(void *arg)
{
    xp_fd_ready(s.fd);
    return arg;
}

static void *wait_for_fd_or_flag(void *arg)
{
    const int *limited = arg;
    say_who_waits();
    int rc = wait_for_fd(*limited ? sometime() : WEFT_FOREVER);
    claim(rc == 0 || rc == 1 || (*limited && rc == -ETIMEDOUT));
    if (rc == 0)
        see_data();
    s.flags = 0;
    // The descriptor was not wanted by that wait any more, nor is it kept for this one's.
    const struct wf_wait wait = on_nothing();
    rc = wf_park(&wait, sometime());
    claim(rc == 0 || rc == -ETIMEDOUT);
    s.ended++;
    return NULL;
}

// arg: with a deadline too.
static void descriptor_against_unpark(void *arg)
{
    s.fd = xp_fd_new(0);
    (void)fiber(wait_for_fd_or_flag, arg);
    claim(weft_event_wait(&s.here, WEFT_FOREVER) == 0);
    struct beside *a = thread(raise_flag, NULL), *b = thread(make_ready, NULL);
    join_it(a);
    join_it(b);
    end_loop(&s.loop);
    claim(s.ended == 1);
}

static void *wait_for_it(void *arg)
{
    const int *limited = arg;
    const struct wf_wait wait = {.what = "scenario", .fd = s.fd, .events = 1};
    int rc = wf_park(&wait, *limited ? sometime() : WEFT_FOREVER);
    claim(rc == 1 || (*limited && rc == -ETIMEDOUT));
    return NULL;
}

// arg: the second is a fiber as well, else a thread. The first does not wait for ever.
static void two_wait_for_one_descriptor(void *arg)
{
    static int limited = 1, unlimited = 0;
    s.fd = xp_fd_new(0);
    (void)fiber(wait_for_it, &limited);
    struct beside *b = go_as(&s.loop, *(int *)arg, wait_for_it, &unlimited);
    make_ready(NULL);
    join_it(b);
    end_loop(&s.loop);
}

// ---- requests to stop -----------------------------------------------------------------------

static int wait_for_event(const int *forever, weft_none *none)
{
    (void)none;
    return weft_event_wait(&s.event, *forever ? WEFT_FOREVER : sometime());
}
WEFT_TASK(wait_for_event, int, weft_none);

static void a_request_is_not_slept_through(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_FIBERS, wait_for_event, &(int){1});
    weft_cancel(s.f);
    claim(weft_join(&s.f, NULL, 0) == -ECANCELED);
}

// arg: for ever, or not.
static void cancel_against_wakeup_and_deadline(void *arg)
{
    const int *forever = arg;
    s.f = weft_start(WEFT_FIBERS, wait_for_event, forever);
    struct beside *other = thread(set_event, &s.event);
    weft_cancel(s.f);
    join_it(other);
    int rc = weft_join(&s.f, NULL, 0);
    claim(rc == 0 || rc == -ECANCELED || (!*forever && rc == -ETIMEDOUT));
    claim(weft_event_is_set(&s.event));
}

static int cancel_another(const int *n, weft_none *none)
{
    weft_future *f = weft_start(WEFT_FIBERS, wait_for_event, n);
    (void)none;
    weft_yield();
    weft_cancel(f);
    return weft_join(&f, NULL, 0);
}
WEFT_TASK(cancel_another, int, weft_none);

static void a_fiber_cancels_another(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_FIBERS, cancel_another, &(int){1});
    claim(weft_join(&s.f, NULL, 0) == -ECANCELED);
}

const struct scenario fiber_wait_scenarios[] = {
    {"fiber: an unpark is remembered", a_token_is_remembered, .bound = 2},
    {"fiber: an unpark is remembered, bound 3", a_token_is_remembered, .bound = 3, .is_long = true},
    {"fiber: an unpark of a fiber's is remembered", a_token_is_remembered, .arg = 1, .bound = 3},
    {"fiber: deadline against unpark", deadline_against_token, .bound = 2},
    {"fiber: deadline against unpark, bound 3", deadline_against_token, .bound = 3,
     .is_long = true},
    {"fiber: deadline against unpark by a fiber", deadline_against_token, .arg = 1, .bound = 2},
    {"fiber: woken by a fiber and a thread", a_fiber_and_a_thread_wake_one, .bound = 2},
    {"timers: in the order of deadlines", sleeps_end_in_the_order_of_their_deadlines, .bound = 3},
    {"timers: none is left by a wait", a_wait_leaves_no_timer, .bound = 1},
    {"timers: none is left by a wait, bound 2", a_wait_leaves_no_timer, .bound = 2,
     .is_long = true},
    {"timers: one is taken out of the middle", one_of_many_is_woken, .bound = 2},
    {"timers: seen by a loop that is busy", a_busy_loop_sees_deadlines, .bound = 2},
    {"fiber: descriptor against unpark", descriptor_against_unpark, .bound = 1},
    {"fiber: descriptor against unpark, bound 2", descriptor_against_unpark, .bound = 2,
     .is_long = true},
    {"fiber: descriptor, unpark and deadline", descriptor_against_unpark, .arg = 1, .bound = 1},
    {"fiber: descriptor, unpark and deadline, bound 2", descriptor_against_unpark, .arg = 1,
     .bound = 2, .is_long = true},
    {"fiber: a descriptor of a fiber and a thread", two_wait_for_one_descriptor, .bound = 2},
    {"fiber: a descriptor of two fibers", two_wait_for_one_descriptor, .arg = 1, .bound = 3},
    {"fiber: a request is not slept through", a_request_is_not_slept_through, .bound = 3},
    {"fiber: a request, delayed stores", a_request_is_not_slept_through, .bound = 2,
     .delayed_stores = true},
    {"fiber: cancel against wake-up", cancel_against_wakeup_and_deadline, .arg = 1, .bound = 2},
    {"fiber: cancel, wake-up and deadline", cancel_against_wakeup_and_deadline, .bound = 2},
    {"fiber: cancelled by another of its loop", a_fiber_cancels_another, .bound = 3},
    {.name = NULL},
};
#else
const struct scenario fiber_wait_scenarios[] = {{.name = NULL}};
#endif
