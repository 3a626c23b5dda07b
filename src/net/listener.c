// SPDX-License-Identifier: MIT
// listener.c - listen and accept.
#define _GNU_SOURCE // accept4
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <weft/error.h>
#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/park.h"
#include "net/conn.h"
#include "net/systemd.h"
#include "os/aside.h"
#include "os/atomic.h"
#include "os/poll.h"

enum { BACKLOG = 4096 };
static const char SYSTEMD[] = "systemd:";

// A task in weft_accept; on its stack.
struct acceptor {
    LIST_ENTRY(acceptor) link;
    struct wf_parker *parker;
};

struct weft_listener {
    int fd;
    uint32_t refs;   // atomic: the owner, and each accept; more of them with mu held
    uint32_t closed; // atomic; set with mu held
    weft_mutex mu;   // guards the next two
    LIST_HEAD(, acceptor) acceptors;
    uint32_t fork; // wf_fork_count of the process that it is used in
    int stand_in;  // of fd, for rings; negative: not made
    char address[WF_ADDRESS_TEXT];
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; // of a Unix socket, or ""
    struct stat file; // that lay there after the bind: while we listen its number is no other's
};

// ---- listen -----------------------------------------------------------------------------

// 1: the Unix socket's file is there, and nobody listens on it. 0: not so. Negative: no descriptor
// to ask with. That is a socket of another type, so that a living server is not bothered: to that
// the answer is EPROTOTYPE.
static int is_stale(const struct wf_address *address)
{
    struct stat file;
    const struct sockaddr_un *un = (const void *)&address->storage;
    if (address->any.sa_family != AF_UNIX || stat(un->sun_path, &file) < 0 ||
        !S_ISSOCK(file.st_mode)) // what is no socket refuses as well, and is somebody's file
        return 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool refused = connect(fd, &address->any, address->size) < 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_to(int fd, const struct wf_address *address)
{
    if (bind(fd, &address->any, address->size) == 0)
        return 0;
    int error = errno;
    int stale = error == EADDRINUSE ? is_stale(address) : 0;
    if (stale < 0)
        return stale;
    const struct sockaddr_un *un = (const void *)&address->storage;
    if (stale && unlink(un->sun_path) == 0 && bind(fd, &address->any, address->size) == 0)
        return 0;
    return -error;
}

// What decides who else may have the port, and who may connect: before the bind.
static int set_options(int fd, const struct wf_address *address,
                       const struct weft_listen_options *o)
{
    const int on = 1, v6_only = o->v6_only;
    int family = address->any.sa_family;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // means nothing on a path
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof on) < 0)
        return -errno;
    if (o->reuse_port && family == AF_UNIX)
        return -EOPNOTSUPP; // some systems would take it and mean nothing
    if (o->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return -errno;
    // The file gets the mode of its socket, less the umask: at no time may more of them connect.
    if (o->mode != 0 && family == AF_UNIX && fchmod(fd, o->mode) < 0)
        return -errno;
    return 0;
}

static int listen_on(const struct wf_address *address, const struct weft_listen_options *o)
{
    int fd = wf_socket_new(address->any.sa_family);
    if (fd < 0)
        return fd;
    int rc = set_options(fd, address, o);
    if (rc == 0)
        rc = bind_to(fd, address);
    if (rc == 0 && listen(fd, o->backlog > 0 ? o->backlog : BACKLOG) < 0)
        rc = -errno;
    if (rc == 0)
        return fd;
    (void)close(fd);
    return rc;
}

// Takes fd over, also if it fails. `own`: the file of a Unix socket is ours to remove.
static weft_listener *new_listener(int fd, const struct wf_address *own)
{
    weft_listener *l = calloc(1, sizeof *l);
    if (!l) {
        (void)close(fd);
        (void)weft_fail(-ENOMEM, "weft_listen: out of memory");
        return NULL;
    }
    wf_conn_set_options(fd);
    *l = (weft_listener){.fd = fd, .refs = 1, .fork = wf_fork_count, .stand_in = -1};
    struct wf_address got = {.size = sizeof got.storage};
    if (getsockname(fd, &got.any, &got.size) < 0)
        got = own ? *own : (struct wf_address){.storage.ss_family = AF_UNIX}; // "unix:"
    wf_address_text(&got, l->address);
    if (own && own->any.sa_family == AF_UNIX)
        memcpy(l->path, ((const struct sockaddr_un *)(const void *)&own->storage)->sun_path,
               sizeof l->path);
    if (l->path[0] != '\0' && stat(l->path, &l->file) < 0)
        l->path[0] = '\0'; // somebody was faster
    return l;
}

// Another address may do where this one does not. Of every address (":port") only a system without
// IPv6 is served by the second: else it would be half of what was asked for.
static bool try_next(int error, bool every)
{
    if (every)
        return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
    return error != -EMFILE && error != -ENFILE && error != -ENOMEM && error != -ENOBUFS;
}

// ":port" is every address: the system names IPv4's first, but IPv6's serves both.
static const struct wf_address *best_of(const struct wf_addresses *found, size_t i)
{
    return &found->items[found->count - 1 - i];
}

static weft_listener *listen_on_one_of(const struct wf_addresses *found,
                                       const struct weft_listen_options *o)
{
    bool every = o->address[0] == ':';
    weft_listener *l = NULL;
    int fd = o->v6_only ? -EAFNOSUPPORT : -EADDRNOTAVAIL;
    for (size_t i = 0; i < found->count && fd < 0 && try_next(fd, every); i++) {
        const struct wf_address *at = every ? best_of(found, i) : &found->items[i];
        if (o->v6_only && at->any.sa_family == AF_INET)
            continue;
        fd = listen_on(at, o);
        if (fd >= 0)
            l = new_listener(fd, at);
    }
    if (fd < 0)
        (void)weft_fail(fd, "listen %s: %s", o->address, strerror(-fd));
    return l;
}

weft_listener *weft_listen_(struct weft_listen_options o)
{
    wf_require(o.address, "weft_listen(NULL)");
    wf_require(o.backlog >= 0, "weft_listen(%s): a backlog of %d", o.address, o.backlog);
    if (strncmp(o.address, SYSTEMD, strlen(SYSTEMD)) == 0) {
        int fd = wf_systemd_take(o.address + strlen(SYSTEMD));
        return fd < 0 ? NULL : new_listener(fd, NULL);
    }
    struct wf_addresses found;
    if (wf_addresses_find(o.address, true, WEFT_FOREVER, &found) < 0)
        return NULL;
    weft_listener *l = listen_on_one_of(&found, &o);
    free(found.items);
    return l;
}

const char *weft_listener_address(const weft_listener *l)
{
    wf_require(l, "weft_listener_address(NULL)");
    return l->address;
}

// First in each call, with mu held. The tasks that were in weft_accept stayed behind, and the file
// of a Unix socket is the parent's: it may go on listening.
static void after_fork(weft_listener *l)
{
    if (__builtin_expect(l->fork == wf_fork_count, 1))
        return;
    l->fork = wf_fork_count;
    wf_store(&l->refs, 1, WF_RELAXED);
    LIST_INIT(&l->acceptors);
    l->path[0] = '\0';
}

// What lies there by now may be another's: who takes the address over moves our file away.
static void remove_file(const weft_listener *l)
{
    struct stat now;
    if (l->path[0] != '\0' && stat(l->path, &now) == 0 && now.st_ino == l->file.st_ino &&
        now.st_dev == l->file.st_dev)
        (void)unlink(l->path); // if somebody was faster, that is as good
}

static void listener_unref(weft_listener *l)
{
    if (wf_sub(&l->refs, 1, WF_ACQ_REL) > 1)
        return;
    (void)close(l->fd); // nothing was written
    wf_bell_free(l->stand_in);
    free(l);
}

void weft_listener_close(weft_listener **listener)
{
    wf_require(listener, "weft_listener_close(NULL): pass the address of the listener");
    weft_listener *l = *listener;
    *listener = NULL;
    if (!l)
        return;
    wf_lock(&l->mu);
    after_fork(l);
    remove_file(l);
    wf_store(&l->closed, 1, WF_RELEASE);
    const struct acceptor *a;
    LIST_FOREACH (a, &l->acceptors, link)
        wf_unpark(a->parker);
    weft_unlock(&l->mu);
    listener_unref(l);
}

// ---- accept -----------------------------------------------------------------------------

static void arrive(weft_listener *l, struct acceptor *a)
{
    wf_guard(&l->mu);
    after_fork(l);
    (void)wf_add(&l->refs, 1, WF_RELAXED); // the caller has one
    a->parker = wf_self();
    LIST_INSERT_HEAD(&l->acceptors, a, link);
}

static void depart(weft_listener *l, struct acceptor *a)
{
    wf_lock(&l->mu);
    LIST_REMOVE(a, link);
    weft_unlock(&l->mu);
    listener_unref(l);
}

// The errors of a connection that died in the queue (accept(2)): the next one may live.
static bool is_of_connection(int error)
{
    static const int errors[] = {ECONNABORTED, EINTR,       EPROTO, ENETDOWN,
                                 ENOPROTOOPT,  EHOSTDOWN,   ENONET, EHOSTUNREACH,
                                 EOPNOTSUPP,   ENETUNREACH, EPERM};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i] == error)
            return true;
    return false;
}

// A ring holds the files that it waits for, and when its process is killed it lets go of them some
// milliseconds after the process is gone: until then a listener's port would be taken. Without a
// descriptor for a stand-in, so be it.
static int waited_for(weft_listener *l)
{
    if (!wf_transfers())
        return l->fd;
    wf_guard(&l->mu);
    if (l->stand_in < 0)
        l->stand_in = wf_stand_in_new(l->fd);
    return l->stand_in < 0 ? l->fd : l->stand_in;
}

static int accept_one(weft_listener *l, weft_time deadline, struct wf_address *peer)
{
    for (;;) {
        if (wf_load(&l->closed, WF_ACQUIRE) != 0)
            return -EPIPE;
        peer->size = sizeof peer->storage;
        int fd = wf_aside(accept4(l->fd, &peer->any, &peer->size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd >= 0)
            return fd;
        int rc = is_of_connection(errno) ? 0 : -errno;
        if (rc == -EAGAIN)
            rc = wf_wait_fd("weft_accept", waited_for(l), POLLIN, deadline, &l->closed);
        if (rc < 0)
            return rc;
    }
}

weft_conn *weft_accept(weft_listener *l, weft_time deadline)
{
    wf_require(l, "weft_accept(NULL): closed, or never opened");
    struct acceptor self;
    arrive(l, &self);
    struct wf_address peer;
    int fd = wf_interrupted();
    if (fd == 0)
        fd = accept_one(l, deadline, &peer);
    char address[WF_ADDRESS_TEXT];
    memcpy(address, l->address, sizeof address);
    depart(l, &self);
    wf_go_on(1);
    if (fd >= 0)
        return wf_conn_new(fd, &peer);
    (void)weft_fail(fd, "accept %s: %s", address, wf_why(fd));
    return NULL;
}
