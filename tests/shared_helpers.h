// SPDX-License-Identifier: MIT
// shared_helpers.h - calls of objects in a region that can be made elsewhere.
#ifndef WEFT_TESTS_SHARED_HELPERS_H
#define WEFT_TESTS_SHARED_HELPERS_H

#include "contract.h"
#include "shared_board.h"

SHARED int lock_it(void *board)
{
    return weft_shared_lock(&((struct board *)board)->mu, WEFT_FOREVER);
}

SHARED int lock_soon(void *board)
{
    return weft_shared_lock(&((struct board *)board)->mu, soon());
}

#endif
