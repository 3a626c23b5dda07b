// SPDX-License-Identifier: MIT
// board.h - memory that a test shares with its tasks, whatever kind runs them.
//
// It lies at one address here and in the workers, so what is on the board may be handed to a task
// by its address.
#ifndef WEFT_TESTS_BOARD_H
#define WEFT_TESTS_BOARD_H

#include "unit.h"

// Zeroed, and there until the program ends.
SHARED void *take_board(size_t size)
{
    void *region = weft_shared(size);
    assert_non_null(region);
    return region;
}
#define on_board(type) ((__typeof__(type) *)take_board(sizeof(type)))

#endif
