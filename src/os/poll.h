// SPDX-License-Identifier: MIT
// poll.h - a thread waits for a descriptor, or to be woken.
#ifndef WF_OS_POLL_H
#define WF_OS_POLL_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>

// A descriptor that wakes a thread out of wf_poll: one ring, one answer. wf_bell_new: the
// descriptor, or -EMFILE, -ENFILE, -ENOMEM.
int wf_bell_new(void);
int wf_bell_ring(int bell);     // 0, or -EBADF: somebody closed it
void wf_bell_answer(int bell);  // take the ring; waits until it comes
void wf_bell_silence(int bell); // take all the rings that there are; does not wait
void wf_bell_free(int bell);    // < 0: nothing

// Wait until poll(2) reports one of `events` for fd, the bell was rung, or the CLOCK_MONOTONIC time
// `deadline_ns` has come. The ready events (> 0), 0 (rung, or no reason), -ETIMEDOUT, -EINTR,
// -ENOMEM.
int wf_poll(int fd, short events, int bell, int64_t deadline_ns);

// The same without a bell, and a signal does not end it: the ready events, -ETIMEDOUT, -ENOMEM.
static inline int wf_poll_alone(int fd, short events, int64_t deadline_ns)
{
    int rc;
    do
        rc = wf_poll(fd, events, -1, deadline_ns);
    while (rc == -EINTR);
    return rc;
}

// A descriptor that is readable while fd is, for who would keep fd's file from its end by waiting
// for it: this one does not. Or -EMFILE, -ENFILE, -ENOMEM, -ENOSPC.
int wf_stand_in_new(int fd); // free with wf_bell_free

// A descriptor that is readable while one of the set is pending: or -EMFILE, -ENFILE, -ENOMEM.
int wf_signal_fd(const sigset_t *set); // free with wf_bell_free
int wf_signal_take(int fd);            // the number of a pending one, or 0

#endif
