// SPDX-License-Identifier: MIT
// epoll.c - an engine that knows of readiness only.
//
// A level wait arms the descriptor for one shot, with the events of all who ask. An edge wait
// arms it once and for all: the kernel then tells of each change, and what comes while nobody
// waits is kept for the next who asks. Which of the two a descriptor is armed for, and by whom,
// `edges` says: a closed descriptor leaves epoll by itself, and its number may come back as
// another file, whose asker has another number. A shot has a number of its own, since one that
// nobody waits for any more stays armed.
#define _GNU_SOURCE // epoll_pwait2, POLLRDHUP
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "os/aside.h"
#include "os/atomic.h"
#include "os/clock.h"
#include "os/engine.h"
#include "os/poll.h"

enum { AT_ONCE = 64 };
enum { ENDS = POLLERR | POLLHUP | POLLNVAL };
enum { FOR_GOOD = ENDS | POLLRDHUP };                            // stays true once it is
enum { OF_A_FILE = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM }; // always true, and no others
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
                   EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP && EPOLLPRI == POLLPRI,
               "epoll's events are poll's");

#define EDGES ((UINT64_C(1) << 48) - 1) // by then the first ones are long closed
#define SHOT (UINT64_C(1) << 31)        // in a tag; a descriptor is smaller

struct watched {
    struct wf_io *first; // who asks for it: a list through beside
    uint64_t edges : 48; // armed for these; 0: for one shot, or not at all
    uint64_t kept : 16;  // of the edges, what nobody has asked for yet; else the number of the shot
};

struct epoll {
    struct wf_engine base;   // first
    struct watched *watched; // by descriptor
    int room;
    uint16_t shots; // that were armed
};

static struct epoll *epoll_of(struct wf_engine *engine)
{
    return (struct epoll *)engine;
}

// The tag comes back with each event. A file lives on, and tells, while a fork's child or a dup has
// it too, though its number has become another's here.
static int arm(const struct epoll *e, int fd, uint32_t events, uint64_t tag)
{
    struct epoll_event event = {.events = events, .data.u64 = tag | (uint32_t)fd};
    if (epoll_ctl(e->base.fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    if (errno == ENOENT && epoll_ctl(e->base.fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return -errno;
}

static int arm_for_one(struct epoll *e, int fd)
{
    struct watched *w = &e->watched[fd];
    int events = 0;
    for (const struct wf_io *io = w->first; io; io = io->beside)
        events |= io->events;
    w->kept = ++e->shots;
    return arm(e, fd, (uint32_t)events | EPOLLONESHOT, (uint64_t)w->kept << 32 | SHOT);
}

static int arm_for_good(const struct epoll *e, int fd)
{
    return arm(e, fd, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
               (uint64_t)e->watched[fd].edges << 32);
}

// Only for what is open: a number by mistake may be any, and would take as much memory.
static int make_room(struct epoll *e, int fd)
{
    if (fd < e->room)
        return 0;
    if (fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    int room = fd < 64 ? 64 : fd + fd / 2;
    struct watched *watched = realloc(e->watched, (size_t)room * sizeof *watched);
    if (!watched)
        return -ENOMEM;
    memset(watched + e->room, 0, (size_t)(room - e->room) * sizeof *watched);
    e->watched = watched;
    e->room = room;
    return 0;
}

// What ends a wait. Who reads by edges is also told of the peer's end and of urgent bytes, by
// which a short read does not prove that all was read.
static int that_end(const struct wf_io *io)
{
    int ends = io->events | ENDS;
    return io->edges != 0 && io->events & POLLIN ? ends | POLLRDHUP | POLLPRI : ends;
}

static void put_in(struct epoll *e, struct wf_io *io)
{
    struct watched *w = &e->watched[io->fd];
    io->state = WF_IO_ASKED;
    io->beside = w->first;
    w->first = io;
    e->base.asked++;
}

static void take_out(struct epoll *e, struct wf_io *io, enum wf_io_state state)
{
    struct wf_io **at = &e->watched[io->fd].first;
    while (*at != io)
        at = &(*at)->beside;
    *at = io->beside;
    io->state = state;
    e->base.asked--;
}

static int done(struct wf_io *io, int result)
{
    io->state = WF_IO_DONE;
    io->result = result;
    return 1;
}

// Edges that came earlier: they end the wait, and only once.
static int take_kept(struct watched *w, const struct wf_io *io)
{
    int ready = (int)w->kept & that_end(io);
    w->kept &= (uint16_t) ~(ready & ~FOR_GOOD);
    return ready;
}

static int epoll_ask(struct wf_engine *engine, struct wf_io *io)
{
    struct epoll *e = epoll_of(engine);
    int rc = make_room(e, io->fd);
    if (rc < 0)
        return rc == -EBADF ? done(io, POLLNVAL) : rc;
    struct watched *w = &e->watched[io->fd];
    bool armed = io->edges != 0 && w->edges == (io->edges & EDGES);
    int kept = armed ? take_kept(w, io) : 0;
    if (kept != 0)
        return done(io, kept);
    put_in(e, io);
    if (armed)
        return 0;
    w->edges = io->edges & EDGES;
    w->kept = 0;
    rc = io->edges != 0 ? arm_for_good(e, io->fd) : arm_for_one(e, io->fd);
    if (rc == 0 || (rc == -EPERM && !(io->events & OF_A_FILE)))
        return 0; // a file never hangs up
    w->edges = 0;
    take_out(e, io, WF_IO_NONE);
    if (rc == -EPERM)
        return done(io, io->events & OF_A_FILE);
    return rc == -EBADF ? done(io, POLLNVAL) : rc;
}

// The kernel may still tell of it once: then nobody is there.
static bool epoll_forget(struct wf_engine *engine, struct wf_io *io)
{
    take_out(epoll_of(engine), io, WF_IO_NONE);
    return true;
}

// What the descriptor is armed for now.
static bool is_of(const struct watched *w, uint64_t tag)
{
    uint64_t number = tag >> 32;
    if (tag & SHOT)
        return w->edges == 0 && number == w->kept;
    return w->edges != 0 && number == (uint32_t)w->edges;
}

static void tell(struct epoll *e, uint64_t tag, int events)
{
    int fd = (int)(tag & (SHOT - 1));
    struct watched *w = &e->watched[fd];
    if (!is_of(w, tag))
        return; // of a file that had the number before
    int kept = events;
    for (struct wf_io *io = w->first, *next; io; io = next) {
        next = io->beside;
        int ready = events & that_end(io);
        if (ready == 0)
            continue;
        kept &= ~(ready & ~FOR_GOOD);
        take_out(e, io, WF_IO_DONE);
        io->result = ready;
        io->told(io);
    }
    if (w->edges != 0)
        w->kept |= (uint16_t)kept;
    else if (w->first)
        (void)arm_for_one(e, fd); // that was one shot, and others ask for something else
}

// In milliseconds, rounded up: not before the deadline.
static int milliseconds(const struct timespec *left)
{
    if (!left)
        return -1;
    int64_t ms = (int64_t)left->tv_sec * 1000 + (left->tv_nsec + 999999) / 1000000;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

// Linux before 5.11, filters of system calls and valgrind know no epoll_pwait2.
static int wait_for_some(const struct epoll *e, struct epoll_event *events, int64_t deadline_ns)
{
    static uint32_t is_old; // atomic; set once
    struct timespec left = {0, 0};
    if (deadline_ns != INT64_MAX && deadline_ns > 0) {
        int64_t ns = deadline_ns - wf_clock_now();
        left = wf_clock_timespec(ns > 0 ? ns : 0);
    }
    const struct timespec *timeout = deadline_ns == INT64_MAX ? NULL : &left;
    if (wf_load(&is_old, WF_RELAXED) == 0) {
        int n = epoll_pwait2(e->base.fd, events, AT_ONCE, timeout, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        wf_store(&is_old, 1, WF_RELAXED);
    }
    return epoll_wait(e->base.fd, events, AT_ONCE, milliseconds(timeout));
}

static void epoll_look(struct wf_engine *engine, int64_t deadline_ns)
{
    struct epoll *e = epoll_of(engine);
    struct epoll_event events[AT_ONCE];
    if (deadline_ns == 0 && engine->asked == 0)
        return; // the bell need not be heard by who is awake
    int n;
    do
        n = wait_for_some(e, events, deadline_ns);
    while (n < 0 && errno == EINTR); // by a signal, which says nothing about the descriptors
    if (n < 0)
        wf_engine_lost("epoll", errno);
    for (int i = 0; i < n; i++)
        if ((int)events[i].data.u64 == engine->bell)
            wf_bell_answer(engine->bell);
        else
            tell(e, events[i].data.u64, (int)events[i].events);
}

static void epoll_end(struct wf_engine *engine)
{
    (void)engine;
}

static void epoll_free(struct wf_engine *engine)
{
    struct epoll *e = epoll_of(engine);
    (void)close(engine->fd); // nothing was written that could be lost
    free(e->watched);
    free(e);
}

int wf_epoll_new(int bell, struct wf_engine **engine)
{
    static const struct wf_engine_ops ops = {
        .ask = epoll_ask,
        .forget = epoll_forget,
        .look = epoll_look,
        .end = epoll_end,
        .free = epoll_free,
    };
    struct epoll *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->base = (struct wf_engine){
        .ops = &ops, .bell = bell, .fd = wf_aside(epoll_create1(EPOLL_CLOEXEC))};
    int rc = e->base.fd < 0 ? -errno : 0;
    if (rc == 0 && bell != WF_NO_BELL)
        rc = arm(e, bell, EPOLLIN | EPOLLET, 0);
    if (rc == 0)
        *engine = &e->base;
    else if (e->base.fd < 0)
        free(e);
    else
        epoll_free(&e->base);
    return rc;
}
