// SPDX-License-Identifier: MIT
// mutex_helpers.h - a mutex in use: locked each way, and by many who count under it.
#ifndef WEFT_TESTS_MUTEX_HELPERS_H
#define WEFT_TESTS_MUTEX_HELPERS_H

#include "contract.h"

SHARED int lock_it(void *m)
{
    weft_lock(m);
    return 0;
}

SHARED int lock_for_ever(void *m)
{
    return weft_lock_until(m, WEFT_FOREVER);
}

SHARED int try_it(void *m)
{
    return weft_trylock(m) ? 0 : -EBUSY;
}

SHARED int lock_and_unlock(void *m)
{
    weft_lock(m);
    weft_unlock(m);
    return 0;
}

struct tally {
    weft_mutex mu;
    long count; // plain: guarded by mu
    int rounds;
};

SHARED void take_in_turn_by(weft_mutex *m, int way)
{
    if (way == 0 && weft_lock_until(m, weft_after_ns(50 * 1000)) == 0)
        return;
    if (way == 1 && weft_trylock(m))
        return;
    weft_lock(m);
}

SHARED int count_up(void *arg)
{
    struct tally *t = arg;
    for (int i = 0; i < t->rounds; i++) {
        take_in_turn_by(&t->mu, i % 5);
        t->count++;
        if (i % 64 == 0)
            sched_yield(); // with the lock held, so that others must wait
        weft_unlock(&t->mu);
    }
    return 0;
}

#endif
