// SPDX-License-Identifier: MIT
// shared_helpers.h - objects in a region, and calls of them that can be made elsewhere.
#ifndef WEFT_TESTS_SHARED_HELPERS_H
#define WEFT_TESTS_SHARED_HELPERS_H

#include "contract.h"

struct board {
    weft_shared_mutex mu;
    weft_shared_sem sem;
    weft_shared_event event;
    weft_shared_counter counter;
    long total; // plain: guarded by mu
};

SHARED struct board *board_new(void)
{
    struct board *b = weft_shared(sizeof *b);
    assert_non_null(b);
    return b;
}

SHARED int lock_it(void *board)
{
    return weft_shared_lock(&((struct board *)board)->mu, WEFT_FOREVER);
}

SHARED int lock_soon(void *board)
{
    return weft_shared_lock(&((struct board *)board)->mu, soon());
}

#endif
