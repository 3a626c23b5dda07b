// SPDX-License-Identifier: MIT
// kin.c - see kin.h. The table lies in the arena; without that nothing is shared, and nobody asks.
#include "core/kin.h"

#include "core/arena.h"
#include "os/atomic.h"
#include "os/futex.h"

#ifndef wf_kin_number
uint64_t wf_kin_number = WF_KIN_ROOT;
#endif

static uint64_t *place_of(struct wf_kin *kin, uint64_t number)
{
    return &kin->living[number % WF_KIN_MAX];
}

uint64_t wf_kin_new(void)
{
    struct wf_kin *kin = wf_arena_kin();
    if (!kin)
        return 0;
    for (unsigned tries = 0; tries < WF_KIN_MAX; tries++) {
        uint64_t number = ++kin->last;
        if (number <= WF_KIN_ROOT || wf_load(place_of(kin, number), WF_RELAXED) != 0)
            continue; // one that was born 65,536 births ago lives
        wf_store(place_of(kin, number), number, WF_RELEASE);
        return number;
    }
    return 0;
}

// Its place is empty before `deaths` changes: who has seen the change finds it dead.
static void tell_death(struct wf_kin *kin)
{
    (void)wf_add(&kin->deaths, 1, WF_RELEASE); // pairs with the acquire of whoever sleeps on it
    wf_futex_wake_some_shared(&kin->deaths, UINT32_MAX);
}

void wf_kin_bury(uint64_t number)
{
    struct wf_kin *kin = wf_arena_kin();
    if (!kin || number == 0)
        return;
    // release: what it wrote, and we have by its end, is seen by who finds it dead
    wf_store(place_of(kin, number), 0, WF_RELEASE);
    tell_death(kin);
}

void wf_kin_bury_all(void)
{
    struct wf_kin *kin = wf_arena_kin();
    if (!kin)
        return;
    for (unsigned i = 0; i < WF_KIN_MAX; i++)
        if (i != WF_KIN_ROOT && wf_load(&kin->living[i], WF_RELAXED) != 0)
            wf_store(&kin->living[i], 0, WF_RELEASE);
    tell_death(kin);
}

void wf_kin_become(uint64_t number)
{
    wf_kin_number = number;
}

void wf_kin_leave(void)
{
    if (wf_arena_kin())
        wf_kin_number = 0;
}

bool wf_kin_lives(uint64_t number)
{
    struct wf_kin *kin = wf_arena_kin();
    if (number == wf_kin_self())
        return true;
    return kin && wf_load(place_of(kin, number), WF_ACQUIRE) == number; // pairs with wf_kin_bury
}

const uint32_t *wf_kin_deaths(void)
{
    static const uint32_t none;
    struct wf_kin *kin = wf_arena_kin();
    return kin ? &kin->deaths : &none;
}
