// SPDX-License-Identifier: MIT
// family.c - the root's side: the ancestor is started, asked for workers, and listened to.
//
// A process enters the list when the ancestor is asked for it, under `mu`, and leaves it by the
// keeper's hand, which alone walks along it without the lock: what it stands on stays. So an
// owner's functions are called without any lock, and may ask for the next process.
#define _GNU_SOURCE // program_invocation_short_name
#include "exec/family.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/ancestor.h"
#include "exec/reasons.h"
#include "exec/tie.h"
#include "os/carry.h"
#include "os/clock.h"
#include "os/packet.h"
#include "os/poll.h"
#include "os/spawn.h"
#include "os/thread.h"

enum { HELLO_MS = 20000, PLACES = 8, LAST_MS = 1000 };

static struct {
    weft_mutex mu;       // guards all, but what is said to be the keeper's
    bool is_kept, stops; // the keeper runs; it is to end
    bool is_there;       // an ancestor is
    int socket, bell;
    pid_t ancestor;
    wf_thread keeper;
    uint64_t last_serial;
    LIST_HEAD(, wf_process) processes;
    struct wf_watch *watches, *ringing; // the one that the keeper calls
    weft_cond rung;
    uint32_t unborn;           // asked for, and neither born nor buried, as far as was heard
    weft_cond born;            // that fell
    struct wf_module *modules; // of the ancestor
    size_t module_count;
    struct known {
        const void *here;
        uintptr_t there;
    } known[16]; // what was looked up in them
    uint32_t next_known;
} family;

// ---- the ancestor -----------------------------------------------------------------------

static int send_wish(const struct wf_wish *wish, int fd1, int fd2)
{
    struct wf_carry message = {.bytes = (void *)wish, .size = sizeof *wish, .fds = {fd1, fd2}};
    message.count = (fd1 >= 0) + (fd2 >= 0);
    return wf_carry_send(family.socket, &message, true);
}

static ssize_t receive(void *bytes, size_t size, bool waits)
{
    struct wf_carry message = {.bytes = bytes, .size = size};
    ssize_t n = wf_carry_receive(family.socket, &message, waits);
    if (n > 0)
        wf_carry_drop(&message); // none is meant for us
    return n;
}

// Blocks its thread for a moment, also a fiber's: once in a program's life. -EADDRINUSE: it lies
// where the arena should be.
static int shake_hands(void)
{
    struct wf_hello *hello = calloc(1, sizeof *hello);
    if (!hello)
        return -ENOMEM;
    struct wf_wish wish = {.kind = WF_WISH_HELLO};
    int arena = wf_arena_open(&wish.arena);
    if (arena < 0)
        wf_arena_forgo(); // there are processes all the same
    int rc = send_wish(&wish, family.bell, arena);
    int64_t patience = wf_clock_now() + HELLO_MS * INT64_C(1000000);
    if (rc == 0)
        rc = wf_poll_alone(family.socket, POLLIN, patience);
    if (rc > 0)
        rc = receive(hello, sizeof *hello, true) == (ssize_t)sizeof *hello ? 0 : -EPIPE;
    if (rc == 0 && hello->has_threads)
        rc = WF_HAS_THREADS;
    if (rc == 0 && hello->is_apart)
        rc = -EADDRINUSE;
    if (rc == 0) {
        family.modules = calloc(hello->count, sizeof *family.modules);
        family.module_count = hello->count;
        rc = family.modules ? 0 : -ENOMEM;
    }
    if (rc == 0)
        memcpy(family.modules, hello->modules, hello->count * sizeof *family.modules);
    free(hello);
    return rc;
}

static int start_ancestor(void)
{
    int ends[2];
    int rc = wf_tie_open(ends);
    if (rc < 0)
        return rc;
    char title[WF_SPAWN_TITLE];
    (void)snprintf(title, sizeof title, "%s: ancestor of workers", program_invocation_short_name);
    rc = wf_spawn_self(title, ends[WF_TIE_THEIRS], &family.ancestor);
    wf_tie_close(WF_TIE_THEIRS);
    family.socket = ends[WF_TIE_OURS];
    if (rc == 0 && (rc = shake_hands()) < 0) {
        (void)kill(family.ancestor, SIGKILL);
        wf_spawn_reap(family.ancestor);
    }
    if (rc < 0)
        wf_tie_close(WF_TIE_OURS);
    family.is_there = rc == 0;
    return rc;
}

static void *keep(void *arg);
static void stay_behind(void);

// With mu held: what there is once, however many ancestors there will be.
static int start_keeper(void)
{
    static bool forks_are_told;
    if (family.is_kept)
        return 0;
    if (!forks_are_told && wf_thread_at_fork(NULL, NULL, stay_behind) < 0)
        return -ENOMEM;
    forks_are_told = true;
    family.bell = wf_bell_new();
    if (family.bell < 0)
        return family.bell;
    const struct wf_thread_options options = {.run = keep};
    int rc = wf_thread_start(&options, &family.keeper);
    family.is_kept = rc == 0;
    if (rc < 0)
        wf_bell_free(family.bell);
    return rc;
}

// With mu held. 0, or with the error set.
static int see_to_ancestor(void)
{
    if (family.is_there)
        return 0;
    if (family.stops)
        return weft_fail(-EPIPE, "processes: the program has ended");
    int rc = wf_reasons_against_all();
    if (rc < 0)
        return rc;
    rc = start_keeper();
    // Each start lies at other addresses.
    for (int tries = 0; rc == 0 && !family.is_there && tries < PLACES; tries++) {
        rc = start_ancestor();
        if (rc == -EADDRINUSE && tries < PLACES - 1)
            rc = 0;
    }
    if (rc < 0)
        return wf_reasons_against_start(rc);
    wf_bell_ring(family.bell); // the keeper has a socket to listen to
    return 0;
}

// The child of a plain fork: what is there is its parent's.
static void stay_behind(void)
{
    if (family.is_kept)
        wf_bell_free(family.bell);
    family.is_there = family.is_kept = false;
    LIST_INIT(&family.processes);
    family.unborn = 0;
}

// ---- the list ---------------------------------------------------------------------------

static void take_out(struct wf_process *p)
{
    wf_guard(&family.mu);
    LIST_REMOVE(p, link);
}

// It is heard of for the first time.
static void be_born(struct wf_process *p)
{
    wf_guard(&family.mu);
    family.unborn -= !p->born;
    p->born = true;
    weft_cond_broadcast(&family.born);
}

static struct wf_process *first(void)
{
    wf_guard(&family.mu);
    return LIST_FIRST(&family.processes);
}

static struct wf_process *after(const struct wf_process *p)
{
    wf_guard(&family.mu);
    return LIST_NEXT(p, link);
}

static struct wf_process *find(uint64_t serial)
{
    wf_guard(&family.mu);
    struct wf_process *p = LIST_FIRST(&family.processes);
    while (p && p->serial != serial)
        p = LIST_NEXT(p, link);
    return p;
}

static void close_theirs(struct wf_process *p)
{
    for (int i = 0; i < 2; i++)
        if (p->theirs[i] >= 0)
            (void)close(p->theirs[i]);
    p->theirs[0] = p->theirs[1] = -1;
}

struct wf_channel *wf_family_release(struct wf_process *p)
{
    close_theirs(p);
    struct wf_channel *channel = p->channel;
    if (channel)
        (void)close(p->socket);
    p->channel = NULL;
    return channel;
}

void wf_family_discard(struct wf_process *p)
{
    wf_channel_free(wf_family_release(p));
    free(p);
}

// The keeper's.
static void bury(struct wf_process *p, int died)
{
    be_born(p);
    p->was = wf_exchange(&p->pid, 0, WF_RELAXED);
    p->owner->died(p, died);
    take_out(p);
    wf_family_discard(p);
}

// ---- a process is made ------------------------------------------------------------------

// With mu held, and an ancestor there: where it lies in the workers, or 0.
static uintptr_t look_up(const void *here)
{
    enum { KNOWN = sizeof family.known / sizeof *family.known };
    for (size_t i = 0; i < KNOWN; i++)
        if (family.known[i].here == here)
            return family.known[i].there;
    uintptr_t there = wf_modules_there(family.modules, family.module_count, here);
    family.known[family.next_known++ % KNOWN] = (struct known){here, there};
    return there;
}

uint64_t wf_family_there(const void *here, const char *name)
{
    uintptr_t there = 0;
    wf_lock(&family.mu);
    int rc = see_to_ancestor();
    if (rc == 0)
        there = look_up(here);
    weft_unlock(&family.mu);
    if (rc == 0 && there == 0)
        wf_reasons_against(here, name);
    return there;
}

// 0, or -EMFILE, -ENFILE, -ENOMEM.
static int open_channel(struct wf_process *p)
{
    int sockets[2];
    int rc = wf_packet_pair(sockets);
    if (rc < 0)
        return rc;
    p->channel = wf_channel_new(&p->theirs[0]);
    if (!p->channel) {
        (void)close(sockets[0]);
        (void)close(sockets[1]);
        return p->theirs[0];
    }
    p->socket = sockets[0];
    p->theirs[1] = sockets[1];
    return 0;
}

struct wf_process *wf_family_new(const struct wf_birth *birth, int64_t id,
                                 const struct wf_owner *owner, void *of)
{
    struct wf_process *p = calloc(1, sizeof *p);
    int rc = p ? open_channel(p) : -ENOMEM;
    if (rc < 0) {
        free(p);
        (void)weft_fail(rc, "processes: a process for %s: %s", birth->name, strerror(-rc));
        return NULL;
    }
    p->birth = *birth;
    p->id = id;
    p->owner = owner;
    p->of = of;
    return p;
}

// With mu held. What lies in a module is there too, at another address; all else, as a number, is
// handed on as it is.
static void *ctx_there(void *ctx)
{
    uintptr_t there = ctx ? look_up(ctx) : 0;
    return there != 0 ? (void *)there : ctx;
}

// With mu held.
static int bear(struct wf_process *p)
{
    struct wf_wish wish = {.kind = WF_WISH_FORK, .birth = p->birth};
    if (p->birth.on_start) {
        const void *here = (const void *)(uintptr_t)p->birth.on_start;
        uintptr_t there = look_up(here);
        if (there == 0) {
            wf_reasons_against(here, "on_start");
            return -ENOTSUP;
        }
        wish.birth.on_start = (int (*)(void *))there;
        wish.birth.ctx = ctx_there(p->birth.ctx);
    }
    wish.serial = p->serial = ++family.last_serial;
    int rc = send_wish(&wish, p->theirs[0], p->theirs[1]);
    if (rc == -ETOOMANYREFS)
        return weft_fail(-EAGAIN, "processes: a process for %s: too many descriptors are under way",
                         p->birth.name);
    if (rc == -ENOMEM)
        return weft_fail(rc, "processes: a process for %s: %s", p->birth.name, strerror(-rc));
    // Else an ancestor that is gone, as the keeper will notice, who buries all that it finds here.
    LIST_INSERT_HEAD(&family.processes, p, link);
    family.unborn++;
    close_theirs(p);
    return 0;
}

int wf_family_bear(struct wf_process *process)
{
    wf_guard(&family.mu);
    int rc = see_to_ancestor();
    return rc == 0 ? bear(process) : rc;
}

void wf_family_signal(const struct wf_process *process, int sig)
{
    const struct wf_wish wish = {.kind = WF_WISH_SIGNAL, .sig = sig, .serial = process->serial};
    wf_guard(&family.mu);
    if (family.is_there)
        (void)send_wish(&wish, -1, -1);
}

// ---- the keeper -------------------------------------------------------------------------

static void hear(const struct wf_news *news)
{
    struct wf_process *p = find(news->serial);
    if (!p)
        return;
    if (news->kind == WF_NEWS_FORKED && news->status == 0) {
        wf_store(&p->pid, news->pid, WF_RELEASE);
        be_born(p);
    } else {
        bury(p, news->status);
    }
}

// False: the ancestor is gone.
static bool hear_all(void)
{
    for (;;) {
        struct wf_news news;
        ssize_t n = receive(&news, sizeof news, false);
        if (n == -EAGAIN)
            return true;
        if (n != (ssize_t)sizeof news)
            return false;
        hear(&news);
    }
}

static void look_at_all(void)
{
    for (struct wf_process *p = first(); p; p = after(p))
        p->owner->look(p);
}

// ---- what is due ------------------------------------------------------------------------

void wf_family_watch(struct wf_watch *watch, int64_t due_ns)
{
    wf_guard(&family.mu);
    bool is_in = family.watches == watch || watch->prev;
    if (!is_in) {
        watch->next = family.watches;
        if (family.watches)
            family.watches->prev = watch;
        family.watches = watch;
    }
    bool sooner = !is_in || due_ns < watch->due_ns;
    watch->due_ns = due_ns;
    if (sooner && due_ns != WF_NEVER_DUE && family.is_kept)
        wf_bell_ring(family.bell);
}

void wf_family_unwatch(struct wf_watch *watch)
{
    wf_guard(&family.mu);
    if (family.watches == watch)
        family.watches = watch->next;
    else if (watch->prev)
        watch->prev->next = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->next = watch->prev = NULL;
    while (family.ringing == watch)
        (void)wf_cond_wait("weft_pool_close", &family.rung, &family.mu, WEFT_FOREVER); // shielded
}

static int64_t due(void)
{
    wf_guard(&family.mu);
    int64_t soonest = WF_NEVER_DUE;
    for (const struct wf_watch *w = family.watches; w; w = w->next)
        soonest = w->due_ns < soonest ? w->due_ns : soonest;
    return soonest;
}

// With mu held: one that is due, and is no longer.
static struct wf_watch *take_due(void)
{
    int64_t now = wf_clock_now();
    for (struct wf_watch *w = family.watches; w; w = w->next)
        if (w->due_ns <= now) {
            w->due_ns = WF_NEVER_DUE;
            return w;
        }
    return NULL;
}

static void ring_due(void)
{
    wf_lock(&family.mu);
    while ((family.ringing = take_due())) {
        weft_unlock(&family.mu);
        family.ringing->ring(family.ringing);
        wf_lock(&family.mu);
        family.ringing = NULL;
        weft_cond_broadcast(&family.rung);
    }
    weft_unlock(&family.mu);
}

// With mu held: the ancestor has ended, and its children are being killed by the kernel. What they
// held is others' only once they cannot touch it any more, which is when their sockets are closed.
static void await_ends(void)
{
    int64_t patience = wf_clock_now() + LAST_MS * INT64_C(1000000);
    const struct wf_process *p;
    LIST_FOREACH (p, &family.processes, link)
        if (p->channel)
            (void)wf_poll_alone(p->socket, 0, patience); // one that takes longer is not waited for
    wf_kin_bury_all();
}

// The ancestor has ended, and with it all its children. Those that are made from now on are
// another one's.
static void lose_ancestor(void)
{
    wf_lock(&family.mu);
    wf_tie_close(WF_TIE_OURS);
    wf_spawn_reap(family.ancestor);
    await_ends();
    free(family.modules);
    family.modules = NULL;
    memset(family.known, 0, sizeof family.known);
    family.is_there = false;
    struct wf_process *p = LIST_FIRST(&family.processes);
    LIST_INIT(&family.processes);
    family.unborn = 0;
    weft_cond_broadcast(&family.born);
    weft_unlock(&family.mu);
    for (struct wf_process *next; p; p = next) {
        next = LIST_NEXT(p, link);
        p->was = wf_load(&p->pid, WF_RELAXED);
        p->owner->died(p, WF_DIED_WITH_ANCESTOR);
        wf_family_discard(p);
    }
}

// The socket to listen to, or -1. False: the keeper is to end.
static bool listens(int *socket)
{
    wf_guard(&family.mu);
    *socket = family.is_there ? family.socket : -1;
    return !family.stops || family.is_there;
}

static void *keep(void *arg)
{
    (void)arg;
    const char name[WF_NAME_MAX] = "weft-keeper";
    wf_self_is_worker(name, NULL, NULL);
    int socket;
    while (listens(&socket)) {
        (void)wf_poll(socket, POLLIN, family.bell, due()); // whatever it was, all is looked at
        wf_bell_silence(family.bell);
        look_at_all();
        ring_due();
        if (socket >= 0 && !hear_all())
            lose_ancestor();
    }
    return NULL;
}

// ---- who is there, and the end ----------------------------------------------------------

// With mu held: those that were asked for are there. Not the keeper, who would hear of it; and not
// longer than a fork takes.
static void await_births(void)
{
    bool was = weft_shield(true);
    while (family.unborn > 0 && family.is_kept && !wf_thread_is_self(family.keeper))
        (void)wf_cond_wait("weft_list", &family.born, &family.mu, WEFT_FOREVER); // shielded
    (void)weft_shield(was);
}

size_t wf_family_list(struct weft_info *infos, size_t cap)
{
    wf_guard(&family.mu);
    await_births();
    size_t count = 0;
    const struct wf_process *p;
    LIST_FOREACH (p, &family.processes, link) {
        pid_t pid = wf_load(&p->pid, WF_ACQUIRE);
        if (pid == 0)
            continue;
        if (count < cap) {
            infos[count] = (struct weft_info){.kind = WEFT_PROCESSES,
                                              .id = p->id,
                                              .pid = pid,
                                              .tid = pid,
                                              .daemon = p->birth.daemon,
                                              .alive = true};
            memcpy(infos[count].name, p->birth.name, sizeof p->birth.name);
        }
        count++;
    }
    return count;
}

void wf_family_end(void)
{
    wf_lock(&family.mu);
    bool was_kept = family.is_kept;
    if (was_kept) {
        family.stops = true;
        family.is_kept = false;
        if (family.is_there)
            wf_carry_hang_up(family.socket);
        wf_bell_ring(family.bell);
    }
    weft_unlock(&family.mu);
    if (!was_kept || wf_thread_is_self(family.keeper)) // who does not come back from exit
        return;
    wf_thread_join(family.keeper);
    wf_bell_free(family.bell);
    wf_lock(&family.mu);
    family.stops = false; // a later handler may start tasks again
    weft_unlock(&family.mu);
}
