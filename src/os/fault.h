// SPDX-License-Identifier: MIT
// fault.h - to be asked about a bad access (SIGSEGV, SIGBUS) before the program dies of it.
#ifndef WF_OS_FAULT_H
#define WF_OS_FAULT_H

#include <stdbool.h>

// Asked in a signal handler, about an access to `address` by who has his stack at `sp`: may call
// only what is allowed there. True: it was ours, and has been told; then the program dies by the
// signal's default action. False: whoever handled the signal before does so.
typedef bool wf_fault_teller(const void *address, const void *sp);

// Give the calling thread a stack for the handler, and install that, once: the first `tell` stays.
// What wf_fault_end takes; NULL: it has none, and is not asked. Does nothing under a sanitizer,
// which tells more.
void *wf_fault_begin(wf_fault_teller *tell);
void wf_fault_end(void *stack);

void wf_say(const char *text, unsigned long size); // to stderr; allowed in a handler

#endif
