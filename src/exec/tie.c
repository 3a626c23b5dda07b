// SPDX-License-Identifier: MIT
// tie.c - see tie.h. Which ends are open is known whenever a fork copies them: the spin bit is held
// across it, and otherwise for a system call or two, which do not sleep. The lock of the family
// (family.c) would not do, for who starts the ancestor holds that for milliseconds, and who forks
// may be a fiber, which cannot wait in the middle of it.
#include "exec/tie.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "os/futex.h"
#include "os/packet.h"
#include "os/thread.h"

static struct {
    uint32_t busy; // spin bit: guards the ends
    int ends[2];   // or -1
} tie = {.ends = {-1, -1}};

static void close_end(enum wf_tie_end end)
{
    if (tie.ends[end] >= 0)
        (void)close(tie.ends[end]); // it brings messages, and keeps none
    tie.ends[end] = -1;
}

static void before_fork(void)
{
    wf_spin_lock(&tie.busy);
}

static void after_fork(void)
{
    wf_spin_unlock(&tie.busy);
}

static void in_child(void)
{
    close_end(WF_TIE_OURS);
    close_end(WF_TIE_THEIRS);
    wf_spin_unlock(&tie.busy);
}

int wf_tie_open(int ends[2])
{
    static bool forks_are_told;
    if (!forks_are_told && wf_thread_at_fork(before_fork, after_fork, in_child) < 0)
        return -ENOMEM;
    forks_are_told = true;
    wf_spin_lock(&tie.busy);
    int rc = wf_packet_pair(ends);
    if (rc == 0) {
        tie.ends[WF_TIE_OURS] = ends[WF_TIE_OURS];
        tie.ends[WF_TIE_THEIRS] = ends[WF_TIE_THEIRS];
    }
    wf_spin_unlock(&tie.busy);
    return rc;
}

void wf_tie_close(enum wf_tie_end end)
{
    wf_spin_lock(&tie.busy);
    close_end(end);
    wf_spin_unlock(&tie.busy);
}
