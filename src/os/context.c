// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // pthread_getattr_np
#include "os/context.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

void wf_context_begin(void);

// As wf_context_switch leaves one: the registers, then the address to go on at.
#if defined(__x86_64__)
enum { BEGIN = 4, ADDRESS = 6, WORDS = 7 }; // rbx; a call follows, so all is popped
#elif defined(__aarch64__)
enum { BEGIN = 0, ADDRESS = 11, WORDS = 20 }; // x19, x30
#else
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

void *wf_context_new(void *top, void (*begin)(void))
{
    uintptr_t *frame = (uintptr_t *)top - WORDS;
    memset(frame, 0, WORDS * sizeof *frame);
    frame[BEGIN] = (uintptr_t)begin;
    frame[ADDRESS] = (uintptr_t)wf_context_begin;
    return frame;
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
