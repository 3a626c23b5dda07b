// SPDX-License-Identifier: MIT
// systemd.c - sockets that the service manager opened for us: the protocol of sd_listen_fds(3).
//
// Descriptors 3, 4... are ours if LISTEN_PID is our process: LISTEN_FDS says how many, and
// LISTEN_FDNAMES their names, with colons between. The environment is left as it is, because to
// change it is no matter for a library in a program of many threads; a child does not take it for
// its own, since LISTEN_PID is not. What was taken once is noted here: its number may have become
// another file by now.
#include "net/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/error.h>

#include "core/mutex.h"

enum { FIRST = 3, MOST = 256 };

static struct {
    weft_mutex mu; // guards the other
    bool taken[MOST];
} passed;

// Of a variable: not negative, or -1 if it is no number or not there.
static long number_in(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return *end == '\0' && errno == 0 ? number : -1;
}

// The names are as many as the descriptors, or none: then each is called "unknown".
static bool has_name(const char *names, long i, const char *name)
{
    if (!names)
        return strcmp(name, "unknown") == 0;
    for (; i > 0 && names; i--) {
        names = strchr(names, ':');
        names = names ? names + 1 : NULL;
    }
    size_t length = strlen(name);
    return names && strcspn(names, ":") == length && memcmp(names, name, length) == 0;
}

// Its index, or -1. With mu held.
static long find(const char *name)
{
    if (number_in("LISTEN_PID") != (long)getpid())
        return -1;
    long count = number_in("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    for (long i = 0; i < count && i < MOST; i++)
        if (!passed.taken[i] && (name[0] == '\0' || has_name(names, i, name)))
            return i;
    return -1;
}

static int value_of(int fd, int option)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -errno : value;
}

static int prepare(int fd)
{
    int listens = value_of(fd, SO_ACCEPTCONN);
    if (listens < 0)
        return listens;
    if (!listens || value_of(fd, SO_TYPE) != SOCK_STREAM)
        return -EINVAL;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : fd;
}

int wf_systemd_take(const char *name)
{
    wf_guard(&passed.mu);
    long i = find(name);
    if (i < 0)
        return weft_fail(-ENOENT, "listen systemd:%s: no such socket was passed, or none is left",
                         name);
    int fd = prepare(FIRST + (int)i);
    if (fd < 0)
        return weft_fail(fd, "listen systemd:%s: descriptor %ld: %s", name, FIRST + i,
                         fd == -EINVAL ? "it is no stream socket that listens" : strerror(-fd));
    passed.taken[i] = true;
    return fd;
}
