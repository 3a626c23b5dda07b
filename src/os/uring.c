// SPDX-License-Identifier: MIT
// uring.c - an engine on io_uring (liburing 2.3): readiness and transfers, one system call a turn.
//
// What is asked for is written into the submission ring and handed over by the next look. The
// kernel does its part of the work (DEFER_TASKRUN) only while this thread is inside that look,
// and says by a bit in shared memory (TASKRUN_FLAG) that there is some, so a look that finds
// nothing to do costs no system call. Without DEFER_TASKRUN, which needs Linux 6.1,
// COOP_TASKRUN (5.19); without either io_uring is no better than epoll, and the loop takes
// that.
//
// Linux tells every poll of the peer's end (POLLRDHUP), asked for or not, and goes on telling.
// A wait for other events that it ends so is handed to an epoll beside the ring, whose
// descriptor the ring waits for. So is one that it refuses (-EINVAL): for what a file, which
// has nobody to be woken by, never is.
//
// A send takes what goes at once, and who wants more waits for room. One that waits in the ring is
// told of the peer's end as room too, tries in vain, and then lies in a kernel thread of its own,
// where a cancel may not find it: its fiber would wait on, past each deadline, for that peer.
//
// The buffer of a transfer is its asker's, who does not go on before he was told: so the kernel
// never writes into memory that has another use. One shot a transfer: multishot receives take what
// nobody reads yet, which every other look at the connection would have to know of, and save little
// (docs/design.md, "Two engines").
#define _GNU_SOURCE // MSG_*
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "os/aside.h"
#include "os/clock.h"
#include "os/engine.h"
#include "os/sanitizer.h"

enum { SUBMISSIONS = 256, COMPLETIONS = 4096 };
enum { ENDS = POLLERR | POLLHUP | POLLNVAL };

struct uring {
    struct wf_engine base; // first
    struct io_uring ring;
    uint64_t rings; // where the bell's eventfd is read into
    bool enabled, has_bell, ended;
    struct wf_engine *beside; // an epoll
    bool has_beside;          // the ring waits for it
};

// A sanitizer does not see what the kernel reads and writes. It sees this: a call that reads and
// writes each byte, on memory that must still be its asker's.
#if defined(WF_ASAN) || defined(WF_TSAN)
static void let_be_seen(const struct wf_io *io, int size)
{
    static void *(*const volatile touch)(void *, const void *, size_t) = memmove;
    if (io->kind == WF_IO_RECEIVE && size > 0)
        (void)touch(io->bytes, io->bytes, (size_t)size);
}
#else
static void let_be_seen(const struct wf_io *io, int size)
{
    (void)io, (void)size;
}
#endif

static struct uring *uring_of(struct wf_engine *engine)
{
    return (struct uring *)engine;
}

// On the loop's thread, which the ring then belongs to (SINGLE_ISSUER).
static void enable(struct uring *u)
{
    u->enabled = true;
    // As in set_up, it is allowed.
    (void)io_uring_register((unsigned)u->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    (void)io_uring_register_ring_fd(&u->ring); // without it each look is a little slower
}

// What the kernel said to a call of the ring. It was allowed once; that may be over.
static void check(int rc)
{
    if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY && rc != -ENOMEM)
        wf_engine_lost("io_uring", -rc);
}

static struct io_uring_sqe *next_sqe(struct uring *u)
{
    struct io_uring_sqe *sqe;
    if (!u->enabled)
        enable(u);
    while (!(sqe = io_uring_get_sqe(&u->ring)))
        check(io_uring_submit(&u->ring)); // full: hand over what there is
    return sqe;
}

static int uring_ask(struct wf_engine *engine, struct wf_io *io)
{
    struct uring *u = uring_of(engine);
    struct io_uring_sqe *sqe = next_sqe(u);
    if (io->kind == WF_IO_READY) {
        io_uring_prep_poll_add(sqe, io->fd, (unsigned)(unsigned short)io->events);
    } else if (io->kind == WF_IO_RECEIVE) {
        io_uring_prep_recv(sqe, io->fd, io->bytes, io->size, 0);
        sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
    } else {
        io_uring_prep_send(sqe, io->fd, io->bytes, io->size, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    io_uring_sqe_set_data(sqe, io);
    io->state = WF_IO_ASKED;
    io->aside = io->forgotten = false;
    engine->asked++;
    return 0;
}

static bool uring_forget(struct wf_engine *engine, struct wf_io *io)
{
    struct uring *u = uring_of(engine);
    if (io->aside)
        return u->beside->ops->forget(u->beside, io);
    io->forgotten = true;
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_cancel(sqe, io, 0);
    io_uring_sqe_set_data(sqe, NULL); // whatever comes of it, io is told of
    return false;
}

static void watch_beside(struct uring *u)
{
    if (u->has_beside)
        return;
    u->has_beside = true;
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_poll_add(sqe, u->beside->fd, POLLIN);
    io_uring_sqe_set_data(sqe, &u->beside);
}

static void look_beside(struct uring *u)
{
    u->has_beside = false;
    u->beside->ops->look(u->beside, 0);
    if (u->beside->asked > 0)
        watch_beside(u);
}

// 0: the epoll tells of it from now on. 1: it is DONE. Or a negative errno.
static int put_aside(struct uring *u, struct wf_io *io)
{
    int rc = u->beside->ops->ask(u->beside, io);
    if (rc == 0) {
        io->aside = true;
        watch_beside(u);
    }
    return rc;
}

static bool is_for_epoll(const struct wf_io *io, int result)
{
    return io->kind == WF_IO_READY &&
           (result == -EINVAL || (result > 0 && !(result & (io->events | ENDS))));
}

// As poll(2) would say it. Who reads by edges wants to know of the peer's end, asked for or not.
static int ready(const struct wf_io *io, int result)
{
    if (result == -EBADF)
        return POLLNVAL;
    return result < 0 || io->edges != 0 ? result : result & (io->events | ENDS);
}

static void tell(struct uring *u, struct wf_io *io, int result)
{
    u->base.asked--;
    let_be_seen(io, result);
    io->result = io->kind == WF_IO_READY ? ready(io, result) : result;
    if (is_for_epoll(io, result)) {
        int rc = io->forgotten ? -ECANCELED : put_aside(u, io); // nobody would take it back again
        if (rc == 0)
            return;
        io->result = rc < 0 ? rc : io->result;
    }
    io->state = WF_IO_DONE;
    io->told(io);
}

static void tell_of_all(struct uring *u)
{
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        void *data = io_uring_cqe_get_data(cqe);
        if (data == &u->rings)
            u->has_bell = false;
        else if (data == &u->beside)
            look_beside(u);
        else if (data)
            tell(u, data, cqe->res);
        n++;
    }
    io_uring_cq_advance(&u->ring, n);
}

static void listen_for_bell(struct uring *u)
{
    if (u->has_bell)
        return;
    u->has_bell = true;
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_read(sqe, u->base.bell, &u->rings, sizeof u->rings, 0);
    io_uring_sqe_set_data(sqe, &u->rings);
}

static bool has_work(const struct uring *u)
{
    unsigned flags = IO_URING_READ_ONCE(*u->ring.sq.kflags);
    return io_uring_sq_ready(&u->ring) > 0 || io_uring_cq_ready(&u->ring) > 0 ||
           (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

static void wait_for_some(struct uring *u, int64_t deadline_ns)
{
    struct io_uring_cqe *first;
    struct __kernel_timespec left = {0, 0};
    if (deadline_ns != INT64_MAX) {
        int64_t ns = deadline_ns - wf_clock_now();
        struct timespec t = wf_clock_timespec(ns > 0 ? ns : 0);
        left = (struct __kernel_timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};
    }
    check(io_uring_submit_and_wait_timeout(&u->ring, &first, 1,
                                           deadline_ns != INT64_MAX ? &left : NULL, NULL));
}

static void uring_look(struct wf_engine *engine, int64_t deadline_ns)
{
    struct uring *u = uring_of(engine);
    if (deadline_ns > 0) {
        listen_for_bell(u);
        wait_for_some(u, deadline_ns);
    } else if (has_work(u)) {
        check(io_uring_submit_and_get_events(&u->ring));
    }
    tell_of_all(u);
}

// The ring must be left where it was enabled: a registered ring is a thread's own.
static void uring_end(struct wf_engine *engine)
{
    struct uring *u = uring_of(engine);
    if (u->has_bell) {
        struct io_uring_sqe *sqe = next_sqe(u);
        io_uring_prep_cancel(sqe, &u->rings, 0);
        io_uring_sqe_set_data(sqe, NULL);
    }
    while (u->has_bell) {
        wait_for_some(u, INT64_MAX);
        tell_of_all(u);
    }
    io_uring_queue_exit(&u->ring);
    u->ended = true;
}

static void uring_free(struct wf_engine *engine)
{
    struct uring *u = uring_of(engine);
    if (!u->ended)
        io_uring_queue_exit(&u->ring);
    u->beside->ops->free(u->beside);
    free(u);
}

// From the moment that it is enabled the ring takes what is asked for above and no more: a filter
// of system calls (seccomp) does not see what a ring is told to do, so this must not open files or
// connect for who has taken the process over. Without it the ring works all the same.
static void restrict_to_ours(struct io_uring *ring)
{
    static const uint8_t operations[] = {IORING_OP_POLL_ADD, IORING_OP_RECV, IORING_OP_SEND,
                                         IORING_OP_READ, IORING_OP_ASYNC_CANCEL};
    static const uint8_t calls[] = {IORING_REGISTER_ENABLE_RINGS, IORING_REGISTER_RING_FDS,
                                    IORING_UNREGISTER_RING_FDS};
    struct io_uring_restriction all[sizeof operations + sizeof calls] = {0};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof operations; i++, n++) {
        all[n].opcode = IORING_RESTRICTION_SQE_OP;
        all[n].sqe_op = operations[i];
    }
    for (size_t i = 0; i < sizeof calls; i++, n++) {
        all[n].opcode = IORING_RESTRICTION_REGISTER_OP;
        all[n].register_op = calls[i];
    }
    // liburing 2.3 declares a function for it, and lacks it.
    (void)io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, all, n);
}

// The ring, and whether the kernel lets us use it: seccomp may refuse each of its calls by itself.
static int set_up(struct io_uring *ring, unsigned how)
{
    struct io_uring_params params = {
        .flags = how | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE |
                 IORING_SETUP_R_DISABLED,
        .cq_entries = COMPLETIONS,
    };
    int rc = io_uring_queue_init_params(SUBMISSIONS, ring, &params);
    if (rc < 0)
        return rc;
    int fd = wf_aside(ring->ring_fd);
    rc = fd < 0 ? -errno : 0;
    ring->ring_fd = ring->enter_ring_fd = fd;
    if (rc < 0) {
        io_uring_queue_exit(ring);
        return rc;
    }
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    io_uring_free_probe(probe);
    restrict_to_ours(ring);
    rc = io_uring_enter((unsigned)ring->ring_fd, 0, 0, 0, NULL);
    if (probe && (rc == 0 || rc == -EBADFD)) // it is not enabled yet
        return 0;
    io_uring_queue_exit(ring);
    return probe ? rc : -EPERM;
}

int wf_uring_new(int bell, struct wf_engine **engine)
{
    static const struct wf_engine_ops ops = {
        .transfers = true,
        .ask = uring_ask,
        .forget = uring_forget,
        .look = uring_look,
        .end = uring_end,
        .free = uring_free,
    };
    struct uring *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->base.ops = &ops;
    u->base.bell = bell;
    int rc = wf_epoll_new(WF_NO_BELL, &u->beside);
    if (rc == 0)
        rc = set_up(&u->ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    if (rc == -EINVAL)
        rc = set_up(&u->ring, IORING_SETUP_COOP_TASKRUN);
    if (rc == 0) {
        u->base.fd = u->ring.ring_fd;
        *engine = &u->base;
        return 0;
    }
    if (u->beside)
        u->beside->ops->free(u->beside);
    free(u);
    return rc;
}
