// SPDX-License-Identifier: MIT
// guard.h - what lies below a stack, so that an overflow is found and not run into the next one.
#ifndef WF_OS_GUARD_H
#define WF_OS_GUARD_H

#include <stdint.h>

// The best first: a page that the kernel marks in the mapping, a page that is protected, and so
// splits it, or nothing, but a word at the stack's floor that tells. 0: none of them yet.
enum wf_guard { WF_GUARD_ADVICE = 1, WF_GUARD_PROTECTION, WF_GUARD_CANARY };
#define WF_CANARY UINT64_C(0x9d3f6c21b75ae048) // no address, no small number, no text
enum { WF_GUARD_SIZE = 4096 };

// Guard by this page, for good: the best that can be had. Any thread; it calls the kernel.
enum wf_guard wf_guard_page(char *page);

// For tests: guard new ones by this or what is worse; so many by protection (< 0: as many as the
// system's table of mappings leaves room for).
void wf_stack_guard_by(enum wf_guard best, long most_protections);

#endif
