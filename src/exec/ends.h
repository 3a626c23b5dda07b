// SPDX-License-Identifier: MIT
// ends.h - the descriptors in a task's argument, where what->ends says that they lie.
//
// A member that is {-1} is no descriptor: it is neither collected nor written, and stays {-1}.
// Nothing here waits or fails, but for a description that WEFT_END did not write: that aborts.
#ifndef WF_EXEC_ENDS_H
#define WF_EXEC_ENDS_H

#include <weft/task.h>

// The descriptors of the argument, in the order of what->ends. How many.
int wf_ends_collect(const struct weft_task *what, const void *arg, int fds[WEFT_ENDS_MAX]);

// Write other numbers over those that wf_ends_collect finds in the argument, in the same order:
// what another process knows them by. `count` of them: as many as are found there. False, with
// nothing written: they are more or fewer.
bool wf_ends_write(const struct weft_task *what, void *arg, const int *fds, int count);

// Close them all, of an argument that nobody looks at again.
void wf_ends_drop(const struct weft_task *what, const void *arg);

// The same, and leave {-1} behind.
void wf_ends_close(const struct weft_task *what, void *arg);

#endif
