// SPDX-License-Identifier: MIT
// reasons.h - what is said of processes that cannot be had, and of those that died.
#ifndef WF_EXEC_REASONS_H
#define WF_EXEC_REASONS_H

#include <stdbool.h>
#include <stddef.h>

// Set the error and return -ENOTSUP, if this program can have no workers at all. Else 0.
int wf_reasons_against_all(void);

// Set the error, and return its code: the program could not be started once more, with this code of
// wf_spawn_self or of the handshake.
enum { WF_HAS_THREADS = -4095 }; // of the handshake alone; no errno: a constructor's threads
int wf_reasons_against_start(int rc);

// Set the error and return -EINVAL, if no process can have a stack of this size. Else 0.
int wf_reasons_against_stack(size_t size);

// Set the error to -ENOTSUP: what is called so and lies `here` is not in the workers.
void wf_reasons_against(const void *here, const char *name);

// "was killed by SIGSEGV (Segmentation fault)", "ended with status 3", "could not be made: ...": of
// what the owner of a process was told (family.h).
void wf_reasons_of_death(int died, char *text, size_t size);

#endif
