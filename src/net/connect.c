// SPDX-License-Identifier: MIT
// connect.c - connect: a race of the host's addresses (RFC 8305, "Happy Eyeballs").
//
// Families take turns, the system's first choice first. An attempt gets a head start of 250 ms,
// then the next begins beside it, and at once when one fails; the first to connect wins and the
// others are closed. So a family that leads nowhere costs a quarter of a second, and not the two
// minutes in which the kernel gives up.
//
// It is one task and one wait: an epoll holds the attempts, and is itself the descriptor that the
// task parks on. We thought of a task for each address: they would have to be told of the winner,
// and joined, for what is a list of descriptors here. With one address there is no epoll.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <weft/error.h>
#include "core/error.h"
#include "core/misuse.h"
#include "core/park.h"
#include "net/conn.h"
#include "os/aside.h"
#include "os/engine.h"

enum { HEAD_START_MS = 250, AGAIN_MS = 1 };
static const char CALL[] = "weft_connect";

struct race {
    const struct wf_addresses *to;
    struct wf_io *attempts; // by address; one is under way while its fd >= 0
    size_t begun, under_way;
    size_t last; // that was begun, or came to its end: of a socket that connected, its address
    struct wf_engine *engine; // an epoll of those under way; NULL: there is one address
    int error;                // the most telling so far, or 0
};

int wf_socket_new(int family)
{
    int fd = wf_aside(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return fd < 0 ? -errno : fd;
}

// ---- order and errors -------------------------------------------------------------------

// Behind each the next of another family, as long as there is one.
static void interleave(const struct wf_addresses *a)
{
    for (size_t i = 1; i < a->count; i++) {
        size_t next = i;
        while (next < a->count && a->items[next].any.sa_family == a->items[i - 1].any.sa_family)
            next++;
        if (next == a->count)
            return; // only one family is left
        struct wf_address moved = a->items[next];
        memmove(&a->items[i + 1], &a->items[i], (next - i) * sizeof moved);
        a->items[i] = moved;
    }
}

// What we lack can be cured; that there is no way from here says the least of the host.
static int telling(int error)
{
    switch (-error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return 2;
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
    case ENETUNREACH:
        return 0;
    default:
        return 1;
    }
}

static int note(struct race *r, int error)
{
    if (r->error == 0 || telling(error) > telling(r->error))
        r->error = error;
    return error;
}

// ---- attempts ---------------------------------------------------------------------------

static void told(struct wf_io *io)
{
    (void)io; // wait_for_one sees that it is done
}

// The next address: a connected socket, -EINPROGRESS, or the error, which is noted.
static int begin(struct race *r)
{
    size_t i = r->last = r->begun++;
    const struct wf_address *to = &r->to->items[i];
    int fd = wf_socket_new(to->any.sa_family);
    if (fd < 0)
        return note(r, fd);
    if (connect(fd, &to->any, to->size) == 0)
        return fd;
    int rc = -errno;
    struct wf_io *io = &r->attempts[i];
    *io = (struct wf_io){.fd = fd, .events = POLLOUT, .told = told};
    if (rc == -EINPROGRESS || rc == -EINTR) // which goes on as well: connect(2)
        rc = r->engine ? r->engine->ops->ask(r->engine, io) : 0;
    if (rc >= 0) {
        r->under_way++;
        return -EINPROGRESS;
    }
    io->fd = -1;
    (void)close(fd); // nothing was written
    return note(r, rc);
}

// An attempt has come to its end: its socket, connected, or the error, which is noted.
static int settle(struct race *r, int fd)
{
    for (size_t i = 0; i < r->begun; i++) {
        if (r->attempts[i].fd == fd) {
            r->attempts[i].fd = -1;
            r->last = i;
        }
    }
    r->under_way--;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error == 0)
        return fd;
    (void)close(fd); // nothing was written
    return note(r, -error);
}

// Until an attempt has come to its end: its socket; -ETIMEDOUT, -ECANCELED...
static int wait_for_one(const struct race *r, weft_time until)
{
    if (!r->engine) {
        int rc = wf_wait_fd(CALL, r->attempts[0].fd, POLLOUT, until, NULL);
        return rc < 0 ? rc : r->attempts[0].fd;
    }
    for (;;) {
        for (size_t i = 0; i < r->begun; i++)
            if (r->attempts[i].fd >= 0 && r->attempts[i].state == WF_IO_DONE)
                return r->attempts[i].fd;
        int rc = wf_wait_fd(CALL, r->engine->fd, POLLIN, until, NULL);
        if (rc < 0)
            return rc;
        r->engine->ops->look(r->engine, 0);
    }
}

// ---- the race ---------------------------------------------------------------------------

static int is_over(weft_time deadline)
{
    int rc = wf_interrupted();
    return rc < 0 ? rc : weft_now().ns >= deadline.ns ? -ETIMEDOUT : 0;
}

// A connected socket, or why there is none. `due`, when the next attempt begins, is in the future
// only while one is under way.
static int run(struct race *r, weft_time deadline)
{
    weft_time due = WEFT_POLL;
    for (;;) {
        bool more = r->begun < r->to->count;
        int fd;
        if (more && weft_now().ns >= due.ns) {
            fd = begin(r);
            due = fd == -EINPROGRESS ? weft_after_ms(HEAD_START_MS) : WEFT_POLL;
        } else if (r->under_way == 0) {
            return r->error;
        } else {
            fd = wait_for_one(r, more ? weft_sooner(due, deadline) : deadline);
            int over = fd == -ETIMEDOUT && more ? is_over(deadline) : fd;
            if (over < 0)
                return over;
            if (fd >= 0) {
                fd = settle(r, fd);
                due = WEFT_POLL;
            }
        }
        if (fd >= 0)
            return fd;
    }
}

static void end(const struct race *r)
{
    if (r->engine) // first: it knows of the descriptors
        r->engine->ops->free(r->engine);
    for (size_t i = 0; r->attempts && i < r->to->count; i++)
        if (r->attempts[i].fd >= 0)
            (void)close(r->attempts[i].fd); // nothing was written
    free(r->attempts);
}

// A socket, connected to *won; or why there is none.
static int race(const struct wf_addresses *to, weft_time deadline, const struct wf_address **won)
{
    interleave(to);
    struct race r = {.to = to, .attempts = calloc(to->count, sizeof *r.attempts)};
    int fd = r.attempts ? 0 : -ENOMEM;
    for (size_t i = 0; r.attempts && i < to->count; i++)
        r.attempts[i].fd = -1;
    if (fd == 0 && to->count > 1)
        fd = wf_epoll_new(WF_NO_BELL, &r.engine);
    if (fd == 0)
        fd = run(&r, deadline);
    *won = &to->items[r.last];
    end(&r);
    return fd;
}

// ---- Unix -------------------------------------------------------------------------------

// One whose backlog is full says EAGAIN, and nothing tells when there is room.
static int connect_again(int fd, const struct wf_address *address, weft_time deadline)
{
    for (;;) {
        if (connect(fd, &address->any, address->size) == 0)
            return 0;
        if (errno != EAGAIN)
            return -errno;
        if (weft_now().ns >= deadline.ns)
            return -ETIMEDOUT;
        int rc = weft_sleep(weft_sooner(weft_after_ms(AGAIN_MS), deadline));
        if (rc < 0)
            return rc;
    }
}

static int connect_to_path(const struct wf_address *address, weft_time deadline)
{
    int fd = wf_socket_new(AF_UNIX);
    if (fd < 0)
        return fd;
    int rc = connect_again(fd, address, deadline);
    if (rc == 0)
        return fd;
    (void)close(fd); // nothing was written
    return rc;
}

// Named as the system does, which knows more ("0.0.0.0" is a host of ours) unless it was reset.
static weft_conn *connected(int fd, const struct wf_address *to)
{
    struct wf_address named = {.size = sizeof named.storage};
    if (getpeername(fd, &named.any, &named.size) < 0)
        named = *to;
    wf_conn_set_options(fd);
    return wf_conn_new(fd, &named);
}

// The system gives up too, after two minutes without an answer: that is no deadline of ours.
static const char *why_not(int rc, weft_time deadline)
{
    bool in_time = weft_now().ns < deadline.ns && wf_interrupted() == 0;
    return rc == -ETIMEDOUT && in_time ? strerror(ETIMEDOUT) : wf_why(rc);
}

weft_conn *weft_connect(const char *address, weft_time deadline)
{
    wf_require(address, "weft_connect(NULL)");
    int rc = wf_interrupted();
    if (rc < 0) {
        (void)weft_fail(rc, "connect " WF_ADDRESS_SHOWN ": the caller was asked to stop", address);
        return NULL;
    }
    struct wf_addresses found;
    if (wf_addresses_find(address, false, deadline, &found) < 0)
        return NULL;
    bool is_path = found.count == 1 && found.items[0].any.sa_family == AF_UNIX;
    const struct wf_address *to = &found.items[0];
    int fd = is_path ? connect_to_path(to, deadline) : race(&found, deadline, &to);
    weft_conn *c = fd >= 0 ? connected(fd, to) : NULL;
    free(found.items);
    if (fd < 0)
        (void)weft_fail(fd, "connect " WF_ADDRESS_SHOWN ": %s", address, why_not(fd, deadline));
    return c;
}
