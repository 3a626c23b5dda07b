// SPDX-License-Identifier: MIT
// shared_board.h - objects in a region.
#ifndef WEFT_TESTS_SHARED_BOARD_H
#define WEFT_TESTS_SHARED_BOARD_H

#include "unit.h"

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

#endif
