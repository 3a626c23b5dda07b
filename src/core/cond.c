// SPDX-License-Identifier: MIT
// cond.c - a line of waiters, and nothing else: the word is the first of them, or 0.
//
// A waiter stands in line before it lets the mutex go, so whoever changes the state under the mutex
// and signals afterwards finds it there. A signal takes the first out of the line while the word
// is busy; one who times out leaves only if nobody has taken it. So each signal ends exactly one
// wait, nobody who gave up has eaten one, and no wait ends without one.
//
// A waiter comes back to the mutex, and not to the condition. So that may be freed by who has woken
// all who wait, and holds the mutex, which tells him that nobody else will: where a deadline ends a
// wait just then, a signal lets that waiter have his last touch first.
#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"

static int wait_once(weft_cond *c, weft_mutex *m, const char *call, weft_time deadline, bool own)
{
    int rc = wf_interrupted();
    if (rc < 0)
        return rc;
    struct weft_waiter node;
    wf_waiter_begin(&node, 0);
    uintptr_t value = wf_word_lock(&c->word_);
    wf_word_unlock(&c->word_, wf_line_append(value, &node));
    weft_unlock(m);
    struct wf_wait wait = {.what = call, .object = c, .fd = WF_NO_FD, .stops = true};
    rc = wf_line_wait(&c->word_, &node, &wait, deadline, 0);
    (void)wf_mutex_lock(m, call, WEFT_FOREVER, false, own); // cannot fail
    return rc;
}

static void begin(weft_cond *c, weft_mutex *m, const char *call)
{
    wf_require(c && m, "%s: the condition or the mutex is NULL", call);
    wf_require(wf_mutex_is_held(m), "%s(%p): the mutex is not held by the caller", call, (void *)c);
    (void)wf_fresh(c, wf_after_fork_free);
}

int weft_cond_wait(weft_cond *c, weft_mutex *m, weft_time deadline)
{
    begin(c, m, "weft_cond_wait");
    return wf_failed("weft_cond_wait", wait_once(c, m, "weft_cond_wait", deadline, false));
}

int wf_cond_wait(const char *call, weft_cond *c, weft_mutex *m, weft_time deadline)
{
    (void)wf_fresh(c, wf_after_fork_free);
    return wait_once(c, m, call, deadline, true);
}

int weft_cond_wait_for(weft_cond *c, weft_mutex *m, bool (*ready)(const void *), const void *arg,
                       weft_time deadline)
{
    wf_require(ready, "weft_cond_wait_for(%p): no predicate", (void *)c);
    begin(c, m, "weft_cond_wait_for");
    int rc = wf_interrupted();
    while (rc == 0 && !ready(arg))
        rc = wait_once(c, m, "weft_cond_wait_for", deadline, false);
    if (rc == -ETIMEDOUT && wf_interrupted() == 0 && ready(arg))
        return 0;
    return wf_failed("weft_cond_wait_for", rc);
}

// The first in line leaves: let him. He needs the word for that, and nothing else.
static uintptr_t let_it_leave(weft_cond *c, uintptr_t value, unsigned round)
{
    wf_word_unlock(&c->word_, value);
    if (wf_load(&c->word_, WF_RELAXED) == value)
        wf_spin(round);
    return wf_word_lock(&c->word_);
}

// Take the first `most` out of the line, then wake them.
static void signal_some(weft_cond *c, const char *call, size_t most)
{
    wf_require(c, "%s(NULL)", call);
    (void)wf_fresh(c, wf_after_fork_free);
    // Nobody in line: nobody who signals under the mutex, or after it, can have missed a waiter,
    // because the mutex orders this look after the waiter's step into the line.
    if (wf_load(&c->word_, WF_ACQUIRE) == 0)
        return;
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&c->word_);
    for (unsigned round = 0; most > 0 && wf_line_first(value);)
        if (wf_line_try(&value, &end))
            most--;
        else
            value = let_it_leave(c, value, round++);
    wf_word_unlock(&c->word_, value); // the last touch
    wf_signal(woken);
}

void weft_cond_signal(weft_cond *c)
{
    signal_some(c, "weft_cond_signal", 1);
}

void weft_cond_broadcast(weft_cond *c)
{
    signal_some(c, "weft_cond_broadcast", SIZE_MAX);
}
