// SPDX-License-Identifier: MIT
// event.c - a flag, or the line of those who wait for it: never both.
//
// A set takes the whole line out in one step, and later steps cannot give it back: whoever stood
// there is woken, also if the flag is cleared before he runs.
#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/waiters.h"

#include <weft/sync.h>

enum { SET = 2 };

static uintptr_t after_fork(uintptr_t value, uint32_t value_)
{
    (void)value_;
    return value & SET;
}

void weft_event_set(weft_event *e)
{
    wf_require(e, "weft_event_set(NULL)");
    (void)wf_fresh(e, after_fork);
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&e->word_);
    while (wf_line_serve(&value, &end))
        continue;
    wf_word_unlock(&e->word_, SET); // the last touch
    wf_signal(woken);
}

void weft_event_clear(weft_event *e)
{
    wf_require(e, "weft_event_clear(NULL)");
    (void)wf_fresh(e, after_fork);
    uintptr_t value = wf_word_lock(&e->word_);
    wf_word_unlock(&e->word_, value & ~(uintptr_t)SET);
}

bool weft_event_is_set(const weft_event *e)
{
    wf_require(e, "weft_event_is_set(NULL)");
    return (wf_load(&e->word_, WF_ACQUIRE) & SET) != 0; // pairs with weft_event_set
}

int weft_event_wait(weft_event *e, weft_time deadline)
{
    wf_require(e, "weft_event_wait(NULL)");
    (void)wf_fresh(e, after_fork);
    int rc = wf_interrupted();
    if (rc < 0 || weft_event_is_set(e))
        return wf_failed("weft_event_wait", rc);
    struct weft_waiter node;
    wf_waiter_begin(&node, 0);
    uintptr_t value = wf_word_lock(&e->word_);
    bool set = (value & SET) != 0;
    wf_word_unlock(&e->word_, set ? value : wf_line_append(value, &node));
    if (set)
        return 0;
    struct wf_wait wait = {.what = "weft_event_wait", .object = e, .fd = WF_NO_FD, .stops = true};
    return wf_failed("weft_event_wait", wf_line_wait(&e->word_, &node, &wait, deadline, 0));
}
