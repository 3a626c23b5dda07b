// SPDX-License-Identifier: MIT
// reasons.c - see reasons.h. Apart from what can fail, for the words are as long as the code.
#define _GNU_SOURCE // sigabbrev_np
#include "exec/reasons.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/error.h"
#include "exec/ancestor.h"
#include "os/spawn.h"

int wf_reasons_against_all(void)
{
    const char *why = NULL;
    if (getenv(WF_SPAWN_VARIABLE))
        why = "this is itself a fresh start of a program, for its workers";
    else if (!wf_modules_is_linked(&wf_ancestor_would_stop))
        why = "weft was loaded by dlopen, so a fresh start of the program would not stop before "
              "main";
    else if (!wf_ancestor_would_stop)
        why = "a constructor that runs before weft's own can have none";
    return why ? weft_fail(-ENOTSUP, "processes: %s", why) : 0;
}

int wf_reasons_against_start(int rc)
{
    if (rc == WF_HAS_THREADS)
        return weft_fail(-ENOTSUP, "processes: a constructor of the program or of a library starts "
                                   "a thread, which no worker can have");
    bool never = rc == -ENOENT || rc == -ETIMEDOUT || rc == -EPIPE;
    const char *why = rc == -EPIPE ? "what was started ended at once; is /proc/self/exe another "
                                     "program, as under valgrind?"
                                   : strerror(-rc);
    return weft_fail(never ? -ENOTSUP : rc,
                     "processes: the program cannot be started once more: %s", why);
}

int wf_reasons_against_stack(size_t size)
{
    size_t most = wf_spawn_most_stack();
    return size <= most
               ? 0
               : weft_fail(-EINVAL, "processes: a stack of %zu bytes: at most %zu", size, most);
}

void wf_reasons_against(const void *here, const char *name)
{
    struct wf_symbol symbol;
    const char *why = "lies in a library that was loaded by dlopen";
    if (!wf_modules_name(here, &symbol))
        why = "lies in no file, so no other process has it";
    else if (wf_modules_is_linked(here))
        why = "lies in a file that was replaced since the program began";
    (void)weft_fail(-ENOTSUP, "processes: %s %s", name, why);
}

void wf_reasons_of_death(int died, char *text, size_t size)
{
    if (died < 0)
        (void)snprintf(text, size, "could not be made: %s", strerror(-died));
    else if (WIFSIGNALED(died) && sigabbrev_np(WTERMSIG(died)))
        (void)snprintf(text, size, "was killed by SIG%s (%s)", sigabbrev_np(WTERMSIG(died)),
                       sigdescr_np(WTERMSIG(died)));
    else if (WIFSIGNALED(died))
        (void)snprintf(text, size, "was killed by signal %d", WTERMSIG(died));
    else
        (void)snprintf(text, size, "ended with status %d", WEXITSTATUS(died));
}
