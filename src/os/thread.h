// SPDX-License-Identifier: MIT
// thread.h - operating-system threads: start, name, count.
#ifndef WF_OS_THREAD_H
#define WF_OS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct wf_thread_options {
    void *(*run)(void *arg);
    void *arg;
    size_t stack_size; // 0: 8 MiB
};

typedef pthread_t wf_thread;

// Start a thread with all asynchronous signals blocked; somebody must join it. 0, -EAGAIN (no more
// threads) or -ENOMEM.
int wf_thread_start(const struct wf_thread_options *options, wf_thread *thread);
void wf_thread_join(wf_thread thread); // wait until it has left nothing behind
wf_thread wf_thread_self(void);
bool wf_thread_is_self(wf_thread thread);

// Of the calling thread, for ps and gdb; cut at 15 bytes, at a character.
void wf_thread_set_name(const char *name);
void wf_thread_yield(void);
pid_t wf_thread_id(void); // of the calling thread

// Call destroy(value) when the calling thread ends. 0 or -ENOMEM.
int wf_thread_at_exit(void (*destroy)(void *), void *value);

// fn(arg); if it does not return, but ends the thread, left() is called, which must not return. For
// the first thread of a process that has not come to main, where libc has no end for it.
int wf_thread_call(int (*fn)(const void *arg), const void *arg, void (*left)(void));

// From now on each fork calls before() first, and then after() in the parent, child() in the child.
// 0 or -ENOMEM.
int wf_thread_at_fork(void (*before)(void), void (*after)(void), void (*child)(void));

// No other thread runs in this process, but for one that is about to be gone after its join. (A
// sanitizer's own is not counted.)
bool wf_thread_is_alone(void);

int wf_thread_cores(void); // that this process may use, by affinity and cgroup; at least 1

#endif
