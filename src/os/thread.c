// SPDX-License-Identifier: MIT
// thread.c - see thread.h: pthreads.
#define _GNU_SOURCE // pthread_setname_np, gettid
#include "os/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/atomic.h"
#include "os/sanitizer.h"

#ifdef WF_TSAN
enum { OF_SANITIZER = 1 }; // threads that it has for itself
#else
enum { OF_SANITIZER = 0 };
#endif
enum { DEFAULT_STACK = 8 << 20, NAME_MAX_BYTES = 15 };

// Everything but what the thread itself provokes, which must end the program as ever.
static void asynchronous_signals(sigset_t *set)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigfillset(set);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(set, own[i]);
}

static size_t usable_stack(size_t asked)
{
    long page = sysconf(_SC_PAGESIZE);
    size_t unit = page > 0 ? (size_t)page : 4096;
    size_t size = asked == 0 ? DEFAULT_STACK : asked;
    if (size < (size_t)PTHREAD_STACK_MIN)
        size = (size_t)PTHREAD_STACK_MIN;
    return size > SIZE_MAX - unit ? size / unit * unit : (size + unit - 1) / unit * unit;
}

void wf_thread_join(wf_thread thread)
{
    (void)pthread_join(thread, NULL); // fails only for what is no thread to be joined
}

wf_thread wf_thread_self(void)
{
    return pthread_self();
}

bool wf_thread_is_self(wf_thread thread)
{
    return pthread_equal(thread, pthread_self()) != 0;
}

void wf_thread_set_name(const char *name)
{
    char text[NAME_MAX_BYTES + 1];
    size_t n = strnlen(name, NAME_MAX_BYTES + 1);
    if (n > NAME_MAX_BYTES)
        for (n = NAME_MAX_BYTES; n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80; n--)
            continue; // not inside a UTF-8 character
    memcpy(text, name, n);
    text[n] = '\0';
    (void)pthread_setname_np(pthread_self(), text); // a name is a comfort; the length is right
}

int wf_thread_start(const struct wf_thread_options *options, wf_thread *thread)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return -ENOMEM;
    int rc = pthread_attr_setstacksize(&attr, usable_stack(options->stack_size));
    sigset_t blocked, before;
    asynchronous_signals(&blocked);
    // The new thread inherits the mask; there is no moment in which a signal could reach it.
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (rc == 0)
        rc = pthread_create(thread, &attr, options->run, options->arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    // EINVAL: no stack of this size can be had; for the caller that is no thread as well.
    return rc == EINVAL ? -EAGAIN : -rc;
}

void wf_thread_yield(void)
{
    (void)sched_yield(); // cannot fail on Linux
}

pid_t wf_thread_id(void)
{
    return gettid();
}

// ---- at the end of a thread -------------------------------------------------------------

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static void (*exit_call)(void *);
static int exit_error;

static void make_exit_key(void)
{
    exit_error = pthread_key_create(&exit_key, wf_load(&exit_call, WF_RELAXED));
}

int wf_thread_at_exit(void (*destroy)(void *), void *value)
{
    wf_store(&exit_call, destroy, WF_RELAXED); // always the same one
    (void)pthread_once(&exit_once, make_exit_key);
    return exit_error != 0 ? -ENOMEM : -pthread_setspecific(exit_key, value);
}

int wf_thread_at_fork(void (*before)(void), void (*after)(void), void (*child)(void))
{
    return -pthread_atfork(before, after, child);
}

static void call_left(void *left)
{
    (*(void (**)(void))left)();
}

int wf_thread_call(int (*fn)(const void *arg), const void *arg, void (*left)(void))
{
    volatile int rc = 0; // libc's macro may come back here by longjmp
    pthread_cleanup_push(call_left, &left);
    rc = fn(arg);
    pthread_cleanup_pop(0);
    return rc;
}

// Without /proc, or where it counts otherwise, nothing is known, and this is no reason to refuse.
static bool has_others(void)
{
    struct stat tasks;
    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3 + OF_SANITIZER; // ".", ".."
}

bool wf_thread_is_alone(void)
{
    enum { PATIENCE_MS = 100 };
    // A join returns a little before the kernel has forgotten the thread.
    for (int ms = 0; has_others(); ms++) {
        if (ms == PATIENCE_MS)
            return false;
        (void)poll(NULL, 0, 1);
    }
    return true;
}
