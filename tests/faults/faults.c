// SPDX-License-Identifier: MIT
// faults.c - what the system may do to the library at any call, done on purpose at the Nth.
//
// The library is copied with its references to libc renamed (meson.build): what it calls malloc is
// wf_fault_malloc here. The tests' own calls go to libc. WEFT_FAULT says what fails:
//
//     memory:7       the 7th allocation: ENOMEM
//     thread:2       the 2nd start of a thread: EAGAIN
//     descriptor:3   the 3rd call that makes a descriptor: EMFILE
//     interrupt:3    one in three calls that may sleep or transfer: EINTR, nothing done
//     short:2        one in two transfers moves one byte only
//     again:3        one in three transfers says EAGAIN, whatever poll said
//     clock:1        every look at the wall clock finds it an hour off, to and fro
//
// Without WEFT_FAULT nothing fails. WEFT_FAULT_COUNT names a file for the number of calls of that
// kind (and, with memory:0 and the like, nothing fails either). With any:0 it has a line for each
// kind of which one fails, with its name and number; and one for each way to such a call: the
// name, the number of the first call that came so, and the return addresses from there on, as the
// program's symbols count them.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define WF_FAULTS_ITSELF
#include "../refusable.h"
#include "faults.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum kind { NONE, MEMORY, THREADS, FILES, ANY, INTERRUPT, SHORT, AGAIN, CLOCK };
static const char *const kinds[] = {"none",      "memory", "thread", "descriptor", "any",
                                    "interrupt", "short",  "again",  "clock"};
// What the call says; 0: it does not fail.
static const int errors[] = {[MEMORY] = ENOMEM,   [THREADS] = EAGAIN, [FILES] = EMFILE,
                             [INTERRUPT] = EINTR, [AGAIN] = EAGAIN,   [CLOCK] = 0};

static enum kind kind;
static long at;                    // the Nth; 0: never
static pid_t first;                // the process for which one call fails; children are left alone
static atomic_long calls[ANY + 1]; // by kind; the last for those of which every Nth is hit
static atomic_bool has_failed;

// The ways, by a hash of them; those for which there is no room any more are left out.
enum { MOST_WAYS = 4096, DEEPEST = 20 };
struct way {
    enum kind kind; // NONE: none is here
    long number;
    int depth;
    void *frames[DEEPEST];
};
static struct way ways[MOST_WAYS];
static pthread_mutex_t ways_lock = PTHREAD_MUTEX_INITIALIZER;
extern const char __executable_start[]; // the linker's

static bool is_same(const struct way *a, const struct way *b)
{
    return a->kind == b->kind && a->depth == b->depth &&
           memcmp(a->frames, b->frames, (size_t)a->depth * sizeof *a->frames) == 0;
}

static void note_way(enum kind what, long number)
{
    struct way w = {.kind = what, .number = number};
    w.depth = backtrace(w.frames, DEEPEST);
    size_t hash = what;
    for (int i = 0; i < w.depth; i++)
        hash = hash * 31 + ((uintptr_t)w.frames[i] >> 1);
    pthread_mutex_lock(&ways_lock);
    for (size_t i = 0; i < MOST_WAYS; i++) {
        struct way *place = &ways[(hash + i) % MOST_WAYS];
        if (place->kind == NONE)
            *place = w;
        if (is_same(place, &w))
            break;
    }
    pthread_mutex_unlock(&ways_lock);
}

static void tell_ways(FILE *f)
{
    for (enum kind what = MEMORY; what < ANY; what++)
        fprintf(f, "%s %ld\n", kinds[what], atomic_load(&calls[what]));
    for (const struct way *w = ways; w < ways + MOST_WAYS; w++) {
        if (w->kind == NONE)
            continue;
        fprintf(f, "%s %ld", kinds[w->kind], w->number);
        for (int i = 0; i < w->depth; i++)
            fprintf(f, " %tx", (const char *)w->frames[i] - __executable_start);
        fprintf(f, "\n");
    }
}

__attribute__((constructor)) static void read_environment(void)
{
    char name[16] = "";
    const char *fault = getenv("WEFT_FAULT");
    if (!fault)
        return;
    if (sscanf(fault, "%15[a-z]:%ld", name, &at) != 2)
        abort();
    for (size_t i = 1; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i]) == 0)
            kind = (enum kind)i;
    first = getpid();
    if (kind == NONE)
        abort();
    if (kind < INTERRUPT)
        (void)unsetenv("WEFT_FAULT");
}

__attribute__((destructor)) static void tell_count(void)
{
    const char *path = getenv("WEFT_FAULT_COUNT");
    if (!path || getpid() != first)
        return;
    FILE *f = fopen(path, "we");
    if (f) {
        if (kind == ANY)
            tell_ways(f);
        else
            fprintf(f, "%ld\n", atomic_load(&calls[kind < ANY ? kind : ANY]));
        fclose(f);
    }
}

// Of the kinds of which one fails: is it this call?
static bool fails(enum kind what)
{
    if ((kind != what && kind != ANY) || getpid() != first)
        return false;
    long number = atomic_fetch_add(&calls[what], 1) + 1;
    if (kind == ANY)
        note_way(what, number);
    if (kind == ANY || number != at)
        return false;
    atomic_store(&has_failed, true);
    errno = errors[kind];
    return true;
}

// Of the kinds of which one in N is hit, on average: strictly every Nth, which we tried, falls into
// step with loops of N calls and never lets them through. The hash is splitmix64's (Steele, Lea,
// Flood 2014).
static bool hits(enum kind what)
{
    if (kind != what || at == 0)
        return false;
    uint64_t n = (uint64_t)atomic_fetch_add(&calls[ANY], 1) + 1;
    n *= 0x9e3779b97f4a7c15u;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
    n = (n ^ n >> 27) * 0x94d049bb133111ebu;
    if ((n ^ n >> 31) % (uint64_t)at != 0)
        return false;
    errno = errors[kind] != 0 ? errors[kind] : errno;
    return true;
}

static bool transfer_fails(void)
{
    return hits(INTERRUPT) || hits(AGAIN);
}

// A socket of packets moves them whole or not at all.
static bool moves_bytes(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET;
}

static size_t cut(size_t size)
{
    return size > 1 && hits(SHORT) ? 1 : size;
}

// ---- what the tests see of it ------------------------------------------------------------

// A call of the library failed. If it says what was done to it, the library has stood the test; the
// caller would only go on to find that it has no pool.
static void told(int code)
{
    if (!atomic_load(&has_failed))
        return;
    const char *text = weft_error_code() == code ? weft_error() : "";
    // A wait without a spare worker is -EAGAIN; its text names the reason.
    bool without_spare = code == -EAGAIN && strstr(text, strerror(errors[kind]));
    if (code == -errors[kind] || without_spare)
        _exit(text[0] != '\0' ? WF_FAULT_TOLD : WF_FAULT_WITHOUT_TEXT);
}

ssize_t wf_fault_told_code(ssize_t code)
{
    if (code < 0)
        told((int)code);
    return code;
}

void *wf_fault_told_pointer(void *made)
{
    if (!made)
        told(weft_error_code());
    return made;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), less = strlen(end);
    return size >= less && strcmp(text + size - less, end) == 0;
}

// Without memory for its text an error has the words of its code, at the end of what was left or
// alone. They have to be there.
const char *wf_fault_told_text(const char *text)
{
    int code = weft_error_code();
    if (kind != MEMORY || code == 0 || !atomic_load(&has_failed))
        return text;
    const char *words = code == -ETIMEDOUT   ? "the deadline passed"
                        : code == -ECANCELED ? "cancelled"
                        : code == -EPIPE     ? "closed"
                                             : strerror(-code);
    if (text[0] == '\0')
        _exit(WF_FAULT_WITHOUT_TEXT);
    if (ends_with(text, words))
        _exit(WF_FAULT_TOLD);
    return text;
}

// ---- in place of libc's ------------------------------------------------------------------
// Names that meson.build gives to the library's references.

#define IN_PLACE_OF(type, name, ...) \
    type wf_fault_##name(__VA_ARGS__); \
    type wf_fault_##name(__VA_ARGS__)

// The library found a misuse, or cannot go on. Scenes expect that; the first process never does.
IN_PLACE_OF(void, abort, void)
{
    if (atomic_load(&has_failed) && getpid() == first)
        _exit(WF_FAULT_ABORTED);
    abort();
}

#define REFUSED_HERE(of, type, refused, name, takes, gives) \
    IN_PLACE_OF(type, name, BARE takes) \
    { \
        return fails(of) ? (refused) : name gives; \
    }
REFUSABLE_CALLS(REFUSED_HERE)

IN_PLACE_OF(void *, mmap, void *where, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails(MEMORY) ? MAP_FAILED : mmap(where, size, protection, flags, fd, offset);
}

IN_PLACE_OF(int, mprotect, void *where, size_t size, int protection)
{
    return fails(MEMORY) ? -1 : mprotect(where, size, protection);
}

IN_PLACE_OF(int, socketpair, int family, int type, int protocol, int *ends)
{
    return fails(FILES) ? -1 : socketpair(family, type, protocol, ends);
}

IN_PLACE_OF(int, accept4, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return fails(FILES) || transfer_fails() ? -1 : accept4(fd, address, size, flags);
}

// An interrupted connect goes on by itself (connect(2)).
IN_PLACE_OF(int, connect, int fd, const struct sockaddr *address, socklen_t size)
{
    int rc = connect(fd, address, size);
    if (rc < 0 && errno == EINPROGRESS)
        (void)hits(INTERRUPT);
    return rc;
}

IN_PLACE_OF(ssize_t, recv, int fd, void *buf, size_t size, int flags)
{
    return transfer_fails() ? -1 : recv(fd, buf, moves_bytes(fd) ? cut(size) : size, flags);
}

IN_PLACE_OF(ssize_t, send, int fd, const void *buf, size_t size, int flags)
{
    return transfer_fails() ? -1 : send(fd, buf, moves_bytes(fd) ? cut(size) : size, flags);
}

// An eventfd and a signalfd move whole records or nothing; only a file may give less.
IN_PLACE_OF(ssize_t, read, int fd, void *buf, size_t size)
{
    struct stat s;
    if (hits(INTERRUPT))
        return -1;
    bool is_file = fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    return read(fd, buf, is_file ? cut(size) : size);
}

IN_PLACE_OF(ssize_t, write, int fd, const void *buf, size_t size)
{
    return hits(INTERRUPT) ? -1 : write(fd, buf, size);
}

IN_PLACE_OF(int, ppoll, struct pollfd *fds, nfds_t n, const struct timespec *left,
            const sigset_t *mask)
{
    return hits(INTERRUPT) ? -1 : ppoll(fds, n, left, mask);
}

IN_PLACE_OF(int, epoll_pwait2, int poller, struct epoll_event *events, int most,
            const struct timespec *left, const sigset_t *mask)
{
    return hits(INTERRUPT) ? -1 : epoll_pwait2(poller, events, most, left, mask);
}

IN_PLACE_OF(long, syscall, long number, ...)
{
    va_list args;
    va_start(args, number);
    long a[6];
    for (size_t i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
#ifdef SYS_futex_waitv
    if (number == SYS_futex_waitv && hits(INTERRUPT))
        return -1;
#endif
    if (number == SYS_futex) {
        int op = (int)a[1] & FUTEX_CMD_MASK;
        bool sleeps = op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET;
        if (sleeps && hits(INTERRUPT))
            return -1;
        if (sleeps && a[3] && (a[1] & FUTEX_CLOCK_REALTIME) && hits(CLOCK)) {
            errno = ETIMEDOUT; // the hour is over
            return -1;
        }
    }
    return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// ---- the wall clock ----------------------------------------------------------------------

static time_t jump(void)
{
    return hits(CLOCK) ? (atomic_load(&calls[ANY]) % 2 == 0 ? 3600 : -3600) : 0;
}

IN_PLACE_OF(int, clock_gettime, clockid_t clock, struct timespec *now)
{
    int rc = clock_gettime(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)
        now->tv_sec += jump();
    return rc;
}

IN_PLACE_OF(int, gettimeofday, struct timeval *now, void *zone)
{
    int rc = gettimeofday(now, zone);
    now->tv_sec += jump();
    return rc;
}

IN_PLACE_OF(time_t, time, time_t *out)
{
    time_t now = time(NULL) + jump();
    if (out)
        *out = now;
    return now;
}
