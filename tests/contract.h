// SPDX-License-Identifier: MIT
// contract.h - what the tests of locks, queues, errors and the task's own state share.
//
// Besides claims, two needs, a header each: to make a call elsewhere and have it interrupted
// (contract_away.h), and to take an object's memory away as soon as that is allowed
// (contract_mortals.h).
//
// cmocka's assertions jump and belong to the thread that runs the tests; all else uses CHECK.
#ifndef WEFT_TESTS_CONTRACT_H
#define WEFT_TESTS_CONTRACT_H

#include "unit.h"

#include <malloc.h>

#define TEST(name) static void name(void **state __attribute__((unused)))

// ---- time and claims ----------------------------------------------------------------

SHARED weft_time soon(void) // it comes
{
    return weft_after_ms(20);
}

static const weft_time long_past = {1};

// Take all memory that malloc would give. In a scene, which ends soon after.
SHARED void exhaust_memory(void)
{
    struct rlimit limit = {256u << 20, 256u << 20};
    (void)mallopt(M_PERTURB, 0); // MALLOC_PERTURB_ would write to each page of it
    setrlimit(RLIMIT_AS, &limit);
    void *volatile block; // else the compiler knows that nobody uses it
    for (size_t size = 16u << 20; size >= 16; size /= 2)
        while ((block = malloc(size)) != NULL)
            continue;
}

#include "contract_away.h"
#include "contract_mortals.h"

#endif
