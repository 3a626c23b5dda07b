// SPDX-License-Identifier: MIT
// guard.c - a guard for a stack, the best that the kernel gives.
//
// A page that the kernel marks without splitting the mapping (MADV_GUARD_INSTALL, Linux 6.13).
// Where it cannot, mprotect, which does split, for half of the process's table of mappings
// (vm.max_map_count, by default 65,530): the rest is the program's own. Beyond that a stack has no
// guard, but a canary at its floor, which costs it one more page; the page that would be the guard
// takes the first 4 KiB of an overflow, before it reaches the neighbour's record.
//
// The table is the process's, and so is the budget: one counter for all loops. What is written
// below is atomic because loops guard side by side. The order is relaxed, but where it says why
// not: each is a number that leads to no other memory, and a late look costs one more refusal.
#define _GNU_SOURCE // madvise
#include "os/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/atomic.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { NO_SUCH_ADVICE = 0x7ffffff0, USUAL_MAPPINGS = 65530, SLACK = 1000 };

static uint32_t best_guard = WF_GUARD_ADVICE; // atomic, as the others: only ever gets worse
static uint32_t is_advice_tested;
static long protections, most_protections = -1; // -1: not asked yet

void wf_stack_guard_by(enum wf_guard best, long most)
{
    wf_store(&best_guard, (uint32_t)best, WF_RELAXED);
    wf_store(&most_protections, most, WF_RELAXED);
}

static long read_most_mappings(void)
{
    char text[32] = "";
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return USUAL_MAPPINGS;
    ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd); // only read
    long most = n > 0 ? strtol(text, NULL, 10) : 0;
    return most > 0 ? most : USUAL_MAPPINGS;
}

// Each splits a mapping, and so takes two lines of the table. Who asks at the same time as another
// gets the same answer.
static long budget(void)
{
    long most = wf_load(&most_protections, WF_RELAXED);
    if (most < 0) {
        most = (read_most_mappings() / 2 - SLACK) / 2;
        most = most > 0 ? most : 0;
        wf_store(&most_protections, most, WF_RELAXED);
    }
    return most;
}

// Counted before it is made, so that all loops together stay within the budget.
static bool is_protected(char *page)
{
    if (wf_add(&protections, 1, WF_RELAXED) < budget() &&
        mprotect(page, WF_GUARD_SIZE, PROT_NONE) == 0)
        return true;
    (void)wf_sub(&protections, 1, WF_RELAXED);
    return false;
}

// Who accepts any advice, as qemu-user does, follows none. Release and acquire: who sees that it
// was tested sees what came of it.
static void test_advice(char *page)
{
    if (wf_load(&is_advice_tested, WF_ACQUIRE) != 0)
        return;
    if (madvise(page, WF_GUARD_SIZE, NO_SUCH_ADVICE) == 0)
        wf_store(&best_guard, WF_GUARD_PROTECTION, WF_RELAXED);
    wf_store(&is_advice_tested, 1, WF_RELEASE);
}

static bool is_marked(char *page)
{
    if (wf_load(&best_guard, WF_RELAXED) != WF_GUARD_ADVICE)
        return false;
    test_advice(page);
    if (wf_load(&best_guard, WF_RELAXED) != WF_GUARD_ADVICE)
        return false;
    if (madvise(page, WF_GUARD_SIZE, MADV_GUARD_INSTALL) == 0)
        return true;
    if (errno == EINVAL) // an older kernel, or memory that is locked: so it will be for the others
        wf_store(&best_guard, WF_GUARD_PROTECTION, WF_RELAXED);
    return false;
}

enum wf_guard wf_guard_page(char *page)
{
    if (is_marked(page))
        return WF_GUARD_ADVICE;
    bool may = wf_load(&best_guard, WF_RELAXED) != WF_GUARD_CANARY;
    return may && is_protected(page) ? WF_GUARD_PROTECTION : WF_GUARD_CANARY;
}
