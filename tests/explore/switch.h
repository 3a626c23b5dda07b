// SPDX-License-Identifier: MIT
// switch.h - from one stack to another, on one thread.
//
// A stack that is left has its callee-saved registers pushed, and its pointer in *left. Floating-
// point control words are everybody's: a test does not change them.
#ifndef XP_SWITCH_H
#define XP_SWITCH_H

#include <stddef.h>
#include <stdint.h>

void xp_switch(void **left, void *entered);

// A stack that begins in begin(), which must not return.
void *xp_new_stack(void *memory, size_t size, void (*begin)(void));

// What a sanitizer must be told: before each switch where it goes, after it that it has arrived,
// and that a stack is used anew. When arriving, `bottom` and `size` are of the stack that was left.
#if defined(__SANITIZE_ADDRESS__)
#define XP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XP_ASAN 1
#endif
#endif

#ifdef XP_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define xp_leaving(bottom, size) __sanitizer_start_switch_fiber(NULL, (bottom), (size))
#define xp_arrived(bottom, size) __sanitizer_finish_switch_fiber(NULL, (bottom), (size))
#define xp_renew(memory, size) __asan_unpoison_memory_region((memory), (size))
#else
#define xp_leaving(bottom, size) ((void)(bottom), (void)(size))
#define xp_arrived(bottom, size) ((void)(bottom), (void)(size))
#define xp_renew(memory, size) ((void)(memory), (void)(size))
#endif

#endif
