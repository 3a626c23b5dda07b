// SPDX-License-Identifier: MIT
// pipe.c - messages between tasks: packets (os/packet.h), and the waiting.
//
// An end is a descriptor and nothing else: no memory of ours goes with it, so that it may move to
// another process, be there twice after a fork, or die with a process, and the kernel alone keeps
// what was sent. Hence nothing is read ahead either, which would be faster: what one process has
// taken it could not hand on with the end.
//
// To read takes two system calls, and no other reader must come between them. A spin bit keeps them
// apart that is chosen by the descriptor: ends that share one only wait for a moment. It names the
// process that holds it by wf_fork_count, since the child of a fork has a copy of a bit that
// another thread may have held, and that nobody would ever give back there.
#include <weft/pipe.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/park.h"
#include "os/atomic.h"
#include "os/futex.h"
#include "os/packet.h"

enum { READERS = 64 };

struct reader {
    _Alignas(64) uint32_t holder; // 0: nobody; else 1 + wf_fork_count of his process. Atomic
};
static struct reader readers[READERS];

static struct reader *lock_reader(int fd)
{
    struct reader *reader = &readers[(unsigned)fd % READERS];
    uint32_t ours = wf_fork_count + 1;
    for (unsigned round = 0;; round++) {
        uint32_t holder = wf_load(&reader->holder, WF_RELAXED);
        // acquire: pairs with unlock_reader
        if (holder != ours && wf_cas(&reader->holder, &holder, ours, WF_ACQUIRE))
            return reader;
        wf_spin(round);
    }
}

static void unlock_reader(struct reader *reader)
{
    wf_store(&reader->holder, 0, WF_RELEASE); // pairs with lock_reader
}

static ssize_t take(int fd, void *buf, size_t cap)
{
    struct reader *reader = lock_reader(fd);
    ssize_t n = wf_packet_take(fd, buf, cap, WEFT_MESSAGE_MAX);
    unlock_reader(reader);
    return n;
}

// 0: look again.
static int await(const char *call, weft_end end, short events, weft_time deadline)
{
    int rc = wf_wait_fd(call, end.fd, events, deadline, NULL);
    return rc > 0 ? 0 : rc;
}

int weft_pipe(weft_end *a, weft_end *b)
{
    wf_require(a && b, "weft_pipe(NULL)");
    wf_require(a != b, "weft_pipe(%p, %p): the two ends need two variables", (void *)a, (void *)b);
    int fds[2] = {-1, -1};
    int rc = wf_packet_pair(fds);
    a->fd = fds[0];
    b->fd = fds[1];
    return wf_failed("weft_pipe", rc);
}

int weft_send(weft_end end, const void *msg, size_t size, weft_time deadline)
{
    wf_require(msg || size == 0, "weft_send: %zu bytes of NULL", size);
    int rc = wf_interrupted();
    if (rc == 0 && size > WEFT_MESSAGE_MAX)
        return weft_fail(-EMSGSIZE, "weft_send: %zu bytes, and a message has at most %d", size,
                         (int)WEFT_MESSAGE_MAX);
    while (rc == 0 && (rc = wf_packet_send(end.fd, msg, size)) == -EAGAIN)
        rc = await("weft_send", end, POLLOUT, deadline);
    wf_go_on(1);
    return wf_failed("weft_send", rc);
}

ssize_t weft_recv(weft_end end, void *buf, size_t cap, weft_time deadline)
{
    wf_require(buf || cap == 0, "weft_recv: %zu bytes of NULL", cap);
    if (cap > WEFT_MESSAGE_MAX)
        cap = WEFT_MESSAGE_MAX;
    int rc = wf_interrupted();
    ssize_t n = rc;
    while (rc == 0 && (n = take(end.fd, buf, cap)) == -EAGAIN)
        n = rc = await("weft_recv", end, POLLIN, deadline);
    wf_go_on(1);
    if (n == -EBADMSG)
        return weft_fail(-EBADMSG, "weft_recv: what came is larger than any message of weft");
    return n < 0 ? wf_failed("weft_recv", (int)n) : n;
}

void weft_end_close(weft_end *end)
{
    wf_require(end, "weft_end_close(NULL): pass the address of the end");
    if (end->fd >= 0)
        (void)close(end->fd); // what it cannot tell: no packet is under way here
    end->fd = -1;
}
