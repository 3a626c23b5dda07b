// SPDX-License-Identifier: MIT
// context.c - see context.h: a stack before its first switch, and what sanitizers are told. The
// switch is assembly (context_*.S).
#define _GNU_SOURCE // pthread_getattr_np
#include "os/context.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "weft has no context switch for this machine: add src/os/context_<machine>.S"
#endif

// Of the Itanium C++ ABI (2.2.2), which all runtimes of these machines keep: libstdc++, libc++abi.
// Not there in a program without C++.
__attribute__((weak, visibility("default"))) struct wf_exceptions *exceptions_here(void) __asm__(
    "__cxa_get_globals");

struct wf_kept wf_kept_here(void)
{
    return (struct wf_kept){&errno, exceptions_here ? exceptions_here() : NULL};
}

// The lowest bit tells wf_context_switch that nobody was there yet.
void *wf_context_new(void *top, void *(*begin)(void))
{
    enum { WORDS = 2 }; // the second keeps the stack aligned
    void **stack = (void **)top - WORDS;
    stack[0] = (void *)(uintptr_t)begin;
    stack[1] = NULL;
    return (char *)stack + 1;
}

#if defined(WF_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

void wf_seen_new(struct wf_stack_seen *seen, void *bottom, size_t size)
{
    *seen = (struct wf_stack_seen){.bottom = bottom, .size = size};
    __asan_unpoison_memory_region(bottom, size); // what the one before left there
}

void wf_seen_thread(struct wf_stack_seen *seen)
{
    pthread_attr_t attr;
    void *bottom = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        (void)pthread_attr_getstack(&attr, &bottom, &size);
        (void)pthread_attr_destroy(&attr);
    }
    *seen = (struct wf_stack_seen){.bottom = bottom, .size = size};
}

void wf_seen_end(struct wf_stack_seen *seen)
{
    (void)seen;
}

void wf_seen_leaving(struct wf_stack_seen *left, struct wf_stack_seen *entered, bool for_good)
{
    __sanitizer_start_switch_fiber(for_good ? NULL : &left->fake, entered->bottom, entered->size);
}

void wf_seen_arrived(struct wf_stack_seen *here)
{
    __sanitizer_finish_switch_fiber(here->fake, NULL, NULL);
}
#elif defined(WF_TSAN)
#include <sanitizer/tsan_interface.h>

void wf_seen_new(struct wf_stack_seen *seen, void *bottom, size_t size)
{
    *seen = (struct wf_stack_seen){.bottom = bottom, .size = size, .tsan = __tsan_create_fiber(0)};
}

void wf_seen_thread(struct wf_stack_seen *seen)
{
    *seen = (struct wf_stack_seen){.tsan = __tsan_get_current_fiber()};
}

void wf_seen_end(struct wf_stack_seen *seen)
{
    __tsan_destroy_fiber(seen->tsan);
}
#endif
