// SPDX-License-Identifier: MIT
// keepalive.c - how soon a silent connection is asked whether its peer still lives.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include <weft/error.h>
#include "core/misuse.h"
#include "net/conn.h"

enum { ASKED = 3, LONGEST_S = 32767 }; // the latter is the kernel's

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static int set_times(int fd, int idle_s)
{
    int every_s = idle_s / ASKED;
    int rc = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    if (rc == 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s > 0 ? every_s : 1);
    return rc < 0 ? rc : set(fd, IPPROTO_TCP, TCP_KEEPCNT, ASKED);
}

int weft_conn_keepalive(weft_conn *c, int idle_s)
{
    wf_require(c, "weft_conn_keepalive(NULL)");
    int fd = weft_conn_fd(c);
    if (idle_s < 0 || idle_s > LONGEST_S)
        return weft_fail(-EINVAL, "weft_conn_keepalive: %d is not 0 to %d seconds", idle_s,
                         LONGEST_S);
    int rc = idle_s > 0 ? set_times(fd, idle_s) : 0;
    if (rc == -EOPNOTSUPP || rc == -ENOPROTOOPT)
        return 0; // a Unix socket: the end of its peer is seen at once
    if (rc == 0)
        rc = set(fd, SOL_SOCKET, SO_KEEPALIVE, idle_s > 0);
    return rc < 0 ? weft_fail(rc, "weft_conn_keepalive: %s", strerror(-rc)) : 0;
}
