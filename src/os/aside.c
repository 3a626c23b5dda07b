// SPDX-License-Identifier: MIT
// aside.c - a program may run without standard streams, as daemons do, and their numbers are the
// next that the kernel hands out. Then a printf would write into a peer's connection, and the dup2
// that gives the program a log at last would close the epoll under a loop.
//
// Programs open /dev/null there before all else (ours do). A library cannot: it would have to do so
// in the middle of a program that may count on them to be free.
#include "os/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int wf_aside(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int other = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    (void)close(fd);
    errno = error;
    return other;
}

int wf_aside_pair(int fds[2])
{
    fds[0] = wf_aside(fds[0]);
    int error = errno;
    fds[1] = wf_aside(fds[1]);
    if (fds[0] >= 0 && fds[1] >= 0)
        return 0;
    if (fds[0] < 0)
        errno = error;
    int left = fds[0] >= 0 ? fds[0] : fds[1];
    error = errno;
    if (left >= 0)
        (void)close(left);
    errno = error;
    return -1;
}
