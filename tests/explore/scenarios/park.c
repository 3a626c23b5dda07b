// SPDX-License-Identifier: MIT
// park.c - the seam itself.
#include "core/park.h"
#include "os/atomic.h"
#include "scenario.h"

static struct {
    struct wf_parker *parker;
    uint32_t flag;
    int data, rc;
    int fd;
    weft_future *future;
    weft_event event;
} s;

static int park_until_flag(weft_time deadline)
{
    struct wf_wait wait = {.what = "scenario", .fd = WF_NO_FD};
    int rc = wf_wait_begin(&wait);
    while (rc == 0 && wf_load(&s.flag, WF_ACQUIRE) == 0)
        rc = wf_park(&wait, deadline);
    wf_wait_end(&wait);
    return rc;
}

static void *raise_flag(void *arg)
{
    (void)arg;
    weft_explore_writes(&s.data);
    s.data = 7;
    wf_store(&s.flag, 1, WF_RELEASE);
    wf_unpark(s.parker);
    return NULL;
}

static void check_data(void)
{
    weft_explore_reads(&s.data);
    claim(s.data == 7);
}

static void no_wakeup_is_lost(void *arg)
{
    (void)arg;
    s.parker = wf_self();
    wf_thread other = go(raise_flag, NULL);
    claim(park_until_flag(WEFT_FOREVER) == 0);
    check_data();
    wf_thread_join(other);
}

// Two tokens are one; it is taken by the first park, whoever gave it.
static void two_wakers(void *arg)
{
    (void)arg;
    s.parker = wf_self();
    wf_thread a = go(raise_flag, NULL);
    claim(park_until_flag(WEFT_FOREVER) == 0);
    s.flag = 0;
    wf_thread_join(a);
    wf_thread b = go(raise_flag, NULL); // the first's token may still be there
    claim(park_until_flag(WEFT_FOREVER) == 0);
    check_data();
    wf_thread_join(b);
}

static void *give_token(void *arg)
{
    (void)arg;
    weft_explore_writes(&s.data);
    s.data = 7;
    wf_unpark(s.parker);
    return NULL;
}

// An unpark is remembered by a park that comes later.
static void a_token_is_remembered(void *arg)
{
    (void)arg;
    struct wf_wait wait = {.what = "scenario", .fd = WF_NO_FD};
    s.parker = wf_self();
    wf_thread other = go(give_token, NULL);
    claim(wf_park(&wait, WEFT_FOREVER) == 0); // for ever, if the token came first and was lost
    check_data();
    wf_thread_join(other);
}

// One park ends by the deadline or by the token, and what did not end it is not lost.
static void deadline_against_token(void *arg)
{
    (void)arg;
    struct wf_wait wait = {.what = "scenario", .fd = WF_NO_FD};
    s.parker = wf_self();
    wf_thread other = go(give_token, NULL);
    int rc = wf_park(&wait, sometime());
    claim(rc == 0 || rc == -ETIMEDOUT);
    if (rc == -ETIMEDOUT)
        claim(wf_park(&wait, WEFT_FOREVER) == 0);
    check_data();
    wf_thread_join(other);
}

static void flag_against_deadline(void *arg)
{
    (void)arg;
    s.parker = wf_self();
    wf_thread other = go(raise_flag, NULL);
    int rc = park_until_flag(sometime());
    claim(rc == 0 || rc == -ETIMEDOUT);
    if (rc == 0)
        check_data();
    wf_thread_join(other);
    claim(wf_load(&s.flag, WF_RELAXED) == 1);
}

// ---- descriptors ------------------------------------------------------------------------

static int wait_for_fd(weft_time deadline)
{
    struct wf_wait wait = {.what = "scenario", .fd = s.fd, .events = 1};
    int rc = wf_wait_begin(&wait);
    while (rc == 0 && wf_load(&s.flag, WF_ACQUIRE) == 0)
        rc = wf_park(&wait, deadline);
    wf_wait_end(&wait);
    return rc;
}

static void a_bell_wakes_from_a_descriptor(void *arg)
{
    (void)arg;
    s.parker = wf_self();
    s.fd = xp_fd_new(0);
    wf_thread other = go(raise_flag, NULL);
    claim(wait_for_fd(WEFT_FOREVER) == 0);
    check_data();
    // No ring is left over that would wake the next wait, or be missing there.
    wf_thread_join(other);
    s.flag = 0;
    claim(wait_for_fd(sometime()) == -ETIMEDOUT || s.flag == 0);
}

static void *make_ready(void *arg)
{
    (void)arg;
    xp_fd_ready(s.fd);
    return NULL;
}

static void descriptor_bell_and_deadline(void *arg)
{
    (void)arg;
    s.parker = wf_self();
    s.fd = xp_fd_new(0);
    wf_thread a = go(raise_flag, NULL), b = go(make_ready, NULL);
    int rc = wait_for_fd(sometime());
    claim(rc == 0 || rc == 1 || rc == -ETIMEDOUT);
    if (rc == 0)
        check_data();
    wf_thread_join(a);
    wf_thread_join(b);
}

// ---- requests to stop -------------------------------------------------------------------

static int wait_for_event(const int *forever, weft_none *none)
{
    (void)none;
    return weft_event_wait(&s.event, *forever ? WEFT_FOREVER : sometime());
}
WEFT_TASK(wait_for_event, int, weft_none);

static void a_request_is_not_slept_through(void *arg)
{
    (void)arg;
    s.future = weft_start(WEFT_THREADS, wait_for_event, &(int){1});
    weft_cancel(s.future);
    claim(weft_join(&s.future, NULL, 0) == -ECANCELED);
}

static void *set_event(void *arg)
{
    (void)arg;
    weft_event_set(&s.event);
    return NULL;
}

static void cancel_against_wakeup_and_deadline(void *arg)
{
    const int *forever = arg;
    s.future = weft_start(WEFT_THREADS, wait_for_event, forever);
    wf_thread other = go(set_event, NULL);
    weft_cancel(s.future);
    wf_thread_join(other);
    int rc = weft_join(&s.future, NULL, 0);
    claim(rc == 0 || rc == -ECANCELED || (!*forever && rc == -ETIMEDOUT));
    claim(weft_event_is_set(&s.event));
}

const struct scenario park_scenarios[] = {
    {"park: no wake-up is lost", no_wakeup_is_lost, .search = WEFT_EXHAUSTIVE},
    {"park: no wake-up is lost, delayed stores", no_wakeup_is_lost, .bound = 4,
     .delayed_stores = true},
    {"park: sleeps that end for no reason", no_wakeup_is_lost, .bound = 4, .faults = 2},
    {"park: an unpark is remembered", a_token_is_remembered, .search = WEFT_EXHAUSTIVE},
    {"park: two wake-ups, one after the other", two_wakers, .search = WEFT_EXHAUSTIVE},
    {"park: deadline against unpark", deadline_against_token, .search = WEFT_EXHAUSTIVE},
    {"park: deadline against a flag", flag_against_deadline, .search = WEFT_EXHAUSTIVE},
    {"park: unpark against a descriptor's sleep", a_bell_wakes_from_a_descriptor,
     .search = WEFT_EXHAUSTIVE},
    {"park: descriptor, unpark and deadline", descriptor_bell_and_deadline, .bound = 3},
    {"park: a request is not slept through", a_request_is_not_slept_through, .bound = 3},
    {"park: a request, delayed stores", a_request_is_not_slept_through, .bound = 2,
     .delayed_stores = true},
    {"park: cancel against wake-up", cancel_against_wakeup_and_deadline, .arg = 1, .bound = 2},
    {"park: cancel against wake-up and deadline", cancel_against_wakeup_and_deadline, .bound = 2},
    {.name = NULL},
};
