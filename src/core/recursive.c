// SPDX-License-Identifier: MIT
// recursive.c - a mutex that knows its holder.
//
// owner_ is written only by who holds mu_, and a task can find its own id there only if it wrote
// it itself: so the unlocked look at it is right. Atomic, because others look too.
//
// In the child of a fork it is free, as all locks are, and owner_ nobody's: both in one step, or
// who held it could find his id there while another has mu_. But who held it and begins by giving
// it back has it until he has done so as often as he took it: were it free between two of those,
// another's depth_ would be counted down.
#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"

// First in each call but the one that only tells.
static void make_fresh(weft_recursive *r, bool gives)
{
    if (!wf_is_stale(&r->mu_) || !wf_adopt_begin(&r->mu_.fork_))
        return; // another has done it by now
    bool held = gives && wf_load(&r->owner_, WF_RELAXED) == wf_current()->id;
    if (!held)
        wf_store(&r->owner_, 0, WF_RELAXED);
    wf_mutex_renew(&r->mu_, held);
}

static bool is_mine(const weft_recursive *r)
{
    return wf_load(&r->mu_.fork_, WF_ACQUIRE) == wf_fork_count &&
           wf_load(&r->owner_, WF_RELAXED) == wf_current()->id;
}

static int enter(weft_recursive *r, int rc)
{
    if (rc == 0) {
        r->depth_ = 1;
        wf_store(&r->owner_, wf_current()->id, WF_RELAXED);
    }
    return rc;
}

static void enter_again(weft_recursive *r)
{
    wf_require(r->depth_ < UINT32_MAX, "weft_recursive_lock(%p): locked too often", (void *)r);
    r->depth_++;
}

void weft_recursive_lock(weft_recursive *r)
{
    wf_require(r, "weft_recursive_lock(NULL)");
    make_fresh(r, false);
    if (is_mine(r)) {
        enter_again(r);
        return;
    }
    (void)enter(r, wf_mutex_lock(&r->mu_, "weft_recursive_lock", WEFT_FOREVER, false, false));
}

int weft_recursive_lock_until(weft_recursive *r, weft_time deadline)
{
    wf_require(r, "weft_recursive_lock_until(NULL)");
    make_fresh(r, false);
    if (!is_mine(r))
        return enter(r, wf_mutex_lock(&r->mu_, "weft_recursive_lock_until", deadline, true, false));
    int rc = wf_interrupted();
    if (rc == 0)
        enter_again(r);
    return wf_failed("weft_recursive_lock_until", rc);
}

void weft_recursive_unlock(weft_recursive *r)
{
    wf_require(r, "weft_recursive_unlock(NULL)");
    make_fresh(r, true);
    wf_require(is_mine(r), "weft_recursive_unlock(%p): the caller does not hold it", (void *)r);
    if (--r->depth_ > 0)
        return;
    wf_store(&r->owner_, 0, WF_RELAXED);
    weft_unlock(&r->mu_);
}

uint32_t weft_recursive_depth(const weft_recursive *r)
{
    wf_require(r, "weft_recursive_depth(NULL)");
    return is_mine(r) ? r->depth_ : 0;
}
