// SPDX-License-Identifier: MIT
// spawn.h - the program's own executable, started once more.
#ifndef WF_OS_SPAWN_H
#define WF_OS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WF_SPAWN_FD = 3, WF_SPAWN_TITLE = 128 };

// Start /proc/self/exe with `title` for its name, WF_SPAWN_FD for a copy of the descriptor fd, the
// standard streams, and nothing else open; no signal blocked or ignored; and the environment with
// WF_SPAWN_VARIABLE=WF_SPAWN_FD added. 0 or a negative errno: -EAGAIN, -ENOMEM, -ENOENT (no /proc).
#define WF_SPAWN_VARIABLE "WEFT_ANCESTOR_"
int wf_spawn_self(const char *title, int fd, pid_t *pid);

// In a process that was started so: true, if it is asked before main for the first time. The
// variable is gone then.
bool wf_spawn_was(void);

void wf_spawn_reap(pid_t pid); // wait until it has ended, and leave no zombie

// The largest stack that the one thread of a process which descends from us can have; and let that
// of this process grow to `size`. 0, -ENOMEM (something lies there), -EPERM.
size_t wf_spawn_most_stack(void);
int wf_spawn_let_stack_grow(size_t size);

// What ps shows of this process, whose first argument was WF_SPAWN_TITLE bytes long: see title. It
// is shorter than that.
void wf_spawn_set_title(const char *title);

#endif
