// SPDX-License-Identifier: MIT
// sem.c - a count, or, when that is 0, the line of those who wait for it to grow.
//
//     0                      no units, nobody waits
//     count << 6 | COUNT     units to be had, nobody waits
//     first waiter           no units
//
// A release hands its units to the first in line, so the order of coming is kept and a unit cannot
// be lost between a wake-up and its taking. (A mutex does not hand over, for speed; here the order
// is part of the contract.) One word holds both, so the release's last store is its last touch.
#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/waiters.h"

#include <weft/sync.h>

enum { COUNT = 2 };

static uint64_t count_in(uintptr_t value)
{
    return value & COUNT ? value >> WF_SHIFT : 0;
}

static uintptr_t with_count(uint64_t count)
{
    return count > 0 ? (uintptr_t)count << WF_SHIFT | COUNT : 0;
}

static uintptr_t after_fork(uintptr_t value, uint32_t value_)
{
    (void)value_;
    return with_count(count_in(value));
}

static bool take_unit(weft_sem *s)
{
    uintptr_t value = wf_load(&s->word_, WF_RELAXED);
    while (count_in(value) > 0 && !(value & WF_BUSY))
        if (wf_cas(&s->word_, &value, with_count(count_in(value) - 1), WF_ACQUIRE))
            return true; // pairs with the release in weft_release
    return false;
}

// True: got one. False: in line.
static bool take_or_stand_in_line(weft_sem *s, struct weft_waiter *node)
{
    uintptr_t value = wf_word_lock(&s->word_);
    uint64_t count = count_in(value);
    wf_word_unlock(&s->word_, count > 0 ? with_count(count - 1) : wf_line_append(value, node));
    return count > 0;
}

int weft_acquire(weft_sem *s, weft_time deadline)
{
    wf_require(s, "weft_acquire(NULL)");
    (void)wf_fresh(s, after_fork);
    int rc = wf_interrupted();
    if (rc < 0 || take_unit(s))
        return wf_failed("weft_acquire", rc);
    struct weft_waiter node;
    wf_waiter_begin(&node, 0);
    if (take_or_stand_in_line(s, &node))
        return 0;
    struct wf_wait wait = {.what = "weft_acquire", .object = s, .fd = WF_NO_FD, .stops = true};
    return wf_failed("weft_acquire", wf_line_wait(&s->word_, &node, &wait, deadline, 0));
}

void weft_release(weft_sem *s, uint32_t n)
{
    wf_require(s, "weft_release(NULL)");
    (void)wf_fresh(s, after_fork);
    if (n == 0)
        return;
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&s->word_);
    uint64_t count = count_in(value) + n;
    uint64_t most = s->bound_ > 0 ? s->bound_ - 1 : UINT32_MAX;
    bool fits = count <= most;
    if (fits) {
        value = value & COUNT ? 0 : value;
        while (count > 0 && wf_line_serve(&value, &end))
            count--;
        if (count > 0)
            value = with_count(count);
    }
    wf_word_unlock(&s->word_, value); // the last touch
    wf_require(fits, "weft_release(%p, %u): %llu units, beyond the bound of %llu", (void *)s, n,
               (unsigned long long)count, (unsigned long long)most);
    wf_signal(woken);
}
