// SPDX-License-Identifier: MIT
// once.c - not yet, RUNNING (with those who wait in line), DONE.
//
// A run that failed leaves "not yet" behind and wakes all who waited: one of them runs next. Under
// WEFT_CHECK=1 value_ says who runs it (check.h).
#include <errno.h>

#include "core/check.h"
#include "core/error.h"
#include "core/misuse.h"
#include "core/waiters.h"

#include <weft/sync.h>

enum { RUNNING = 2, DONE = 4 };

static uintptr_t after_fork(uintptr_t value, uint32_t value_)
{
    (void)value_;
    return value & DONE; // who ran it stayed behind
}

static void finish(weft_once *once, uintptr_t as)
{
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&once->word_);
    while (wf_line_first(value))
        value = wf_line_take(value, &end);
    wf_word_unlock(&once->word_, as); // the last touch; pairs with the first look
    wf_signal(woken);
}

// The function has forked, and this is the child, where "not yet" was found by whoever came: he may
// be running it, or have done so. What he says counts then, and not what comes of our run.
static void finish_in_child(weft_once *once, bool done)
{
    (void)wf_fresh(once, after_fork);
    uintptr_t value = wf_word_lock(&once->word_);
    wf_word_unlock(&once->word_, value == 0 && done ? DONE : value);
}

static int run(weft_once *once, int (*fn)(void *), void *arg)
{
    if (__builtin_expect(wf_checking, 0))
        wf_check_took(&once->value_);
    uint32_t fork = wf_fork_count;
    int rc = fn(arg);
    if (__builtin_expect(fork != wf_fork_count, 0)) {
        finish_in_child(once, rc >= 0);
    } else {
        if (__builtin_expect(wf_checking, 0))
            wf_check_gives(&once->value_, "weft_once_do", "once", once);
        finish(once, rc < 0 ? 0 : DONE);
    }
    return rc < 0 ? wf_failed_in("weft_once_do", rc) : 0;
}

int weft_once_do(weft_once *once, int (*fn)(void *), void *arg)
{
    wf_require(once && fn, "weft_once_do: the once or the function is NULL");
    (void)wf_fresh(once, after_fork);
    while (wf_load(&once->word_, WF_ACQUIRE) != DONE) {
        uintptr_t value = wf_word_lock(&once->word_);
        if (value == 0) {
            wf_word_unlock(&once->word_, RUNNING);
            return run(once, fn, arg);
        }
        if (value & DONE) {
            wf_word_unlock(&once->word_, value);
            break;
        }
        struct weft_waiter node;
        wf_waiter_begin(&node, 0);
        wf_word_unlock(&once->word_, wf_line_append(value, &node));
        struct wf_wait wait = {.what = "weft_once_do",
                               .thing = "once",
                               .object = once,
                               .owner = &once->value_,
                               .fd = WF_NO_FD};
        (void)wf_line_wait(&once->word_, &node, &wait, WEFT_FOREVER, 0); // never stops
    }
    return 0;
}
