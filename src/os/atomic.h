// SPDX-License-Identifier: MIT
// atomic.h - every atomic operation of the library.
//
// Nothing else in src/ touches an atomic (tools/check_hooks sees to it), so that a test build can
// put a scheduler in place of this file and choose each interleaving. Objects are plain integers
// or pointers; the memory order is the last argument and is always written out.
#ifndef WF_OS_ATOMIC_H
#define WF_OS_ATOMIC_H

#include <stdbool.h>

#define WF_RELAXED __ATOMIC_RELAXED
#define WF_ACQUIRE __ATOMIC_ACQUIRE
#define WF_RELEASE __ATOMIC_RELEASE
#define WF_ACQ_REL __ATOMIC_ACQ_REL
#define WF_SEQ_CST __ATOMIC_SEQ_CST

#define wf_load(object, order) __atomic_load_n((object), (order))
#define wf_store(object, value, order) __atomic_store_n((object), (value), (order))
#define wf_exchange(object, value, order) __atomic_exchange_n((object), (value), (order))
#define wf_add(object, value, order) __atomic_fetch_add((object), (value), (order))
#define wf_sub(object, value, order) __atomic_fetch_sub((object), (value), (order))

// Compare and swap: true if *object was *expected, and is now `desired` (with `order`). Otherwise
// *expected is what it was instead (relaxed: who fails looks again before it relies on anything).
#define wf_cas(object, expected, desired, order) \
    __atomic_compare_exchange_n((object), (expected), (desired), false, (order), __ATOMIC_RELAXED)

#endif
