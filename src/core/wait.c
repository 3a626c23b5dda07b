// SPDX-License-Identifier: MIT
// wait.c - waiting for what is not weft's: descriptors, signals. (Calls that block: exec/block.c.)
#include <weft/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/park.h"
#include "os/poll.h"

int weft_wait_fd(int fd, short events, weft_time deadline)
{
    if (fd < 0)
        return weft_fail(-EBADF, "weft_wait_fd: %d is no descriptor", fd);
    return wf_failed("weft_wait_fd", wf_wait_fd("weft_wait_fd", fd, events, deadline, NULL));
}

// ---- signals ----------------------------------------------------------------------------

static bool is_empty(const sigset_t *set)
{
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        if (sigismember(set, sig) == 1)
            return false;
    return true;
}

static int take_signal(int fd, weft_time deadline)
{
    for (;;) {
        int rc = wf_wait_fd("weft_wait_signal", fd, POLLIN, deadline, NULL);
        if (rc < 0)
            return rc;
        int sig = rc > 0 ? wf_signal_take(fd) : 0;
        if (sig > 0)
            return sig;
    }
}

// A signalfd, because a descriptor can be waited for together with a request to stop.
int weft_wait_signal(const sigset_t *set, weft_time deadline)
{
    wf_require(set, "weft_wait_signal(NULL)");
    if (is_empty(set))
        return weft_fail(-EINVAL, "weft_wait_signal: the set is empty");
    int fd = wf_signal_fd(set);
    if (fd < 0)
        return weft_fail(fd, "weft_wait_signal: %s", strerror(-fd));
    sigset_t before;
    (void)pthread_sigmask(SIG_BLOCK, set, &before); // else its action would come first
    int rc = take_signal(fd, deadline);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    wf_bell_free(fd);
    return wf_failed("weft_wait_signal", rc);
}
