// SPDX-License-Identifier: MIT
// atomic.h - in the place of src/os/atomic.h: each operation asks the explorer for its turn.
#ifndef WF_OS_ATOMIC_H
#define WF_OS_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/explore.h>

#define WF_RELAXED __ATOMIC_RELAXED
#define WF_ACQUIRE __ATOMIC_ACQUIRE
#define WF_RELEASE __ATOMIC_RELEASE
#define WF_ACQ_REL __ATOMIC_ACQ_REL
#define WF_SEQ_CST __ATOMIC_SEQ_CST

// One operation: what, on what, how.
struct xp_access {
    void *object;
    unsigned size;
    int order;
    struct weft_place_ place;
};

uint64_t xp_load(const struct xp_access *access);
void xp_store(const struct xp_access *access, uint64_t value);
uint64_t xp_exchange(const struct xp_access *access, uint64_t value);
uint64_t xp_add(const struct xp_access *access, uint64_t value);
bool xp_cas(const struct xp_access *access, void *expected, uint64_t desired);

// clang-format off
#define XP_ACCESS(verb, object, order) \
    (&(const struct xp_access){(void *)(uintptr_t)(object), sizeof *(object), (order), \
                               {__FILE__, __LINE__, verb " " #object}})
#define XP_LIKE(object, bits) ((__typeof__(*(object)))(uintptr_t)(bits))

#define wf_load(object, order) XP_LIKE(object, xp_load(XP_ACCESS("load", object, order)))
#define wf_store(object, value, order) \
    xp_store(XP_ACCESS("store", object, order), (uint64_t)(uintptr_t)(value))
#define wf_exchange(object, value, order) \
    XP_LIKE(object, xp_exchange(XP_ACCESS("exchange", object, order), (uint64_t)(uintptr_t)(value)))
#define wf_add(object, value, order) \
    XP_LIKE(object, xp_add(XP_ACCESS("add to", object, order), (uint64_t)(value)))
#define wf_sub(object, value, order) \
    XP_LIKE(object, xp_add(XP_ACCESS("take from", object, order), -(uint64_t)(value)))
#define wf_cas(object, expected, desired, order) \
    xp_cas(XP_ACCESS("cas", object, order), (expected), (uint64_t)(uintptr_t)(desired))
// clang-format on

#endif
