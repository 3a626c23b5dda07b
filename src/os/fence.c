// SPDX-License-Identifier: MIT
// fence.c - see fence.h: the heavy fence is membarrier(2), which a constructor asks for.
#include "os/fence.h"

#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/before_main.h"
#include "os/sanitizer.h"
#include "os/valgrind.h"

bool wf_fence_works;

static bool command(int which)
{
    return syscall(SYS_membarrier, which, 0, 0) == 0;
}

// Before there are other threads it is quick, and nobody has asked yet whether it works.
WF_BEFORE_MAIN static void begin(void)
{
#ifndef WF_TSAN
    wf_fence_works = RUNNING_ON_VALGRIND == 0 && command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
#endif
}

bool wf_fence_try(void)
{
    return wf_fence_works && command(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

// Refused later, by a filter of system calls: nobody could be sure of anything any more.
void wf_fence_heavy(void)
{
    if (command(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
        return;
    (void)fputs("weft: the kernel refuses membarrier, which it took when fibers began\n", stderr);
    abort();
}
