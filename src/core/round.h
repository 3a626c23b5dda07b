// SPDX-License-Identifier: MIT
// round.h - up to the next multiple.
#ifndef WF_CORE_ROUND_H
#define WF_CORE_ROUND_H

#include <stddef.h>

// Units are powers of two; the compiler, which does not know, would divide, three times a future.
static inline size_t wf_round_up(size_t size, size_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

#endif
