// SPDX-License-Identifier: MIT
// context.h - from one stack to another, on one thread.
//
// A stack that is left has its callee-saved registers pushed, and its pointer in *left. The switch
// is assembly (context_*.S); the sanitizers are told before and after each, here.
#ifndef WF_OS_CONTEXT_H
#define WF_OS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "os/sanitizer.h"

// C++ notes in each thread which exceptions are being handled, and how many were thrown and not
// caught yet. A fiber may wait in a catch block, or in a destructor on the way to one.
struct wf_exceptions {
    void *handled;
    unsigned thrown;
};

// What a thread keeps for the code that runs on it, and each stack finds as it left it. Looked up
// once, because to find it costs a call.
struct wf_kept {
    int *error;                       // where errno is
    struct wf_exceptions *exceptions; // NULL: there is no C++ here
};
struct wf_kept wf_kept_here(void); // of the calling thread

void wf_context_switch(void **left, void *entered);

// What is on its way in C++ stays with the stack that it belongs to: put away before a switch,
// taken back after it. `here` is wf_kept's. Not in registers meanwhile: each that is in use across
// the switch costs a push and a pop more.
static inline void wf_exceptions_put_away(struct wf_exceptions *here, struct wf_exceptions *away)
{
    if (!here)
        return;
    *away = *here;
    *here = (struct wf_exceptions){NULL, 0};
}
static inline void wf_exceptions_take_back(struct wf_exceptions *here,
                                           const struct wf_exceptions *away)
{
    if (here)
        *here = *away;
}

// What a new stack begins with: the pointer to enter it by. Where begin() returns, its stack is
// left for good, and the one is entered whose pointer it returned. `top`: one past the stack's last
// byte, aligned to 16.
void *wf_context_new(void *top, void *(*begin)(void));

// ---- sanitizers ---------------------------------------------------------------------------
// A stack as a sanitizer knows it. The first is a thread's own: wf_seen_thread.
struct wf_stack_seen {
    const void *bottom;
    size_t size;
    void *tsan, *fake;
};

#if defined(WF_ASAN) || defined(WF_TSAN)
void wf_seen_new(struct wf_stack_seen *seen, void *bottom, size_t size); // a stack used anew
void wf_seen_thread(struct wf_stack_seen *seen);                         // the caller's own
void wf_seen_end(struct wf_stack_seen *seen);                            // it is not used any more
#ifdef WF_ASAN
void wf_seen_leaving(struct wf_stack_seen *left, struct wf_stack_seen *entered, bool for_good);
void wf_seen_arrived(struct wf_stack_seen *here);
#else
#include <sanitizer/tsan_interface.h>
// Inlined: a function of its own would be noted as entered on one stack and left on another.
__attribute__((always_inline)) static inline void wf_seen_leaving(struct wf_stack_seen *left,
                                                                  struct wf_stack_seen *entered,
                                                                  bool for_good)
{
    (void)left, (void)for_good;
    __tsan_switch_to_fiber(entered->tsan, 0);
}
static inline void wf_seen_arrived(struct wf_stack_seen *here)
{
    (void)here;
}
#endif
#else
static inline void wf_seen_new(struct wf_stack_seen *seen, void *bottom, size_t size)
{
    (void)seen, (void)bottom, (void)size;
}
static inline void wf_seen_thread(struct wf_stack_seen *seen)
{
    (void)seen;
}
static inline void wf_seen_end(struct wf_stack_seen *seen)
{
    (void)seen;
}
static inline void wf_seen_leaving(struct wf_stack_seen *left, struct wf_stack_seen *entered,
                                   bool for_good)
{
    (void)left, (void)entered, (void)for_good;
}
static inline void wf_seen_arrived(struct wf_stack_seen *here)
{
    (void)here;
}
#endif

#endif
