// SPDX-License-Identifier: MIT
// waitgroup.c - a count of outstanding work.
//
//     0                        nothing outstanding
//     count << 6 | COUNT       nobody has waited
//     WAITED [| first waiter]  value_ is the count, because the line needs its place
//
// The last done takes the whole line out and leaves 0, in one store, its last touch: the one who
// waited may free the object. A waiter that gives up leaves WAITED behind, and the count with it.
#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/waiters.h"

#include <weft/sync.h>

enum { COUNT = 2, WAITED = 4 };

static uintptr_t with_count(uintptr_t count)
{
    return count > 0 ? count << WF_SHIFT | COUNT : 0;
}

static uintptr_t count_in(const weft_waitgroup *w, uintptr_t value)
{
    return value & WAITED ? w->value_ : value >> WF_SHIFT;
}

static uintptr_t after_fork(uintptr_t value, uint32_t value_)
{
    return value & WAITED ? with_count(value_) : value;
}

void weft_waitgroup_add(weft_waitgroup *w, uint32_t n)
{
    wf_require(w, "weft_waitgroup_add(NULL)");
    (void)wf_fresh(w, after_fork);
    uintptr_t value = wf_word_lock(&w->word_);
    uintptr_t count = count_in(w, value) + n;
    bool fits = count <= UINT32_MAX;
    if (fits && (value & WAITED))
        w->value_ = (uint32_t)count;
    else if (fits)
        value = with_count(count);
    wf_word_unlock(&w->word_, value);
    wf_require(fits, "weft_waitgroup_add(%p, %u): the count is too large", (void *)w, n);
}

void weft_waitgroup_done(weft_waitgroup *w)
{
    wf_require(w, "weft_waitgroup_done(NULL)");
    (void)wf_fresh(w, after_fork);
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&w->word_);
    bool outstanding = value != 0;
    if (value & COUNT) {
        value = with_count((value >> WF_SHIFT) - 1);
    } else if (outstanding && --w->value_ == 0) {
        while (wf_line_serve(&value, &end))
            continue;
        value = 0;
    }
    wf_word_unlock(&w->word_, value); // the last touch
    wf_require(outstanding, "weft_waitgroup_done(%p): nothing was added", (void *)w);
    wf_signal(woken);
}

int weft_waitgroup_wait(weft_waitgroup *w, weft_time deadline)
{
    wf_require(w, "weft_waitgroup_wait(NULL)");
    (void)wf_fresh(w, after_fork);
    int rc = wf_interrupted();
    if (rc < 0 || wf_load(&w->word_, WF_ACQUIRE) == 0) // pairs with the last done
        return wf_failed("weft_waitgroup_wait", rc);
    struct weft_waiter node;
    wf_waiter_begin(&node, 0);
    uintptr_t value = wf_word_lock(&w->word_);
    if (value == 0) {
        wf_word_unlock(&w->word_, 0);
        return 0;
    }
    if (value & COUNT) {
        w->value_ = (uint32_t)(value >> WF_SHIFT);
        value = WAITED;
    }
    wf_word_unlock(&w->word_, wf_line_append(value, &node));
    struct wf_wait wait = {
        .what = "weft_waitgroup_wait", .object = w, .fd = WF_NO_FD, .stops = true};
    return wf_failed("weft_waitgroup_wait", wf_line_wait(&w->word_, &node, &wait, deadline, 0));
}
