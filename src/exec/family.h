// SPDX-License-Identifier: MIT
// family.h - the processes of one program: the root, its ancestor, and the workers.
//
//     root       the program itself
//     ancestor   its executable, started once more and stopped before main (ancestor.c): one
//                thread, no state of the program's. It forks the workers, and reaps them
//     worker     runs tasks (worker.c), in the state that the program has before main
//
// So a worker never copies a lock that some thread held, and may be made at any time. The root asks
// for workers and hears of deaths over one socket; when the root dies, however it dies, that socket
// closes: the ancestor ends, and the kernel ends the workers with it.
//
// The keeper is a thread of the root's that listens to the ancestor and to the bell, which a worker
// rings for its results. It alone calls an owner's functions and frees a process.
#ifndef WF_EXEC_FAMILY_H
#define WF_EXEC_FAMILY_H

#include <signal.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <weft/pool.h>

#include "core/current.h"
#include "exec/channel.h"

struct wf_process;

// What a new worker is told.
struct wf_birth {
    char name[WF_NAME_MAX];
    int (*on_start)(void *ctx);
    void *ctx;
    size_t stack_size; // that it may grow to; no more than the system's limit: that
    bool alone;        // for one task: it ends with it, by exit
    bool daemon;       // the program does not wait for it
    bool spins;        // it may look for the next task for some microseconds before it sleeps
};

// Who had a process made. Called by the keeper, with no lock held.
struct wf_owner {
    void (*look)(struct wf_process *process); // something may have changed in its channel
    // It has ended, or could not be made. `died` is -errno then, else as of waitpid. The process
    // is freed afterwards.
    void (*died)(struct wf_process *process, int died);
};

// What the keeper calls at a time: WF_NEVER_DUE, or a CLOCK_MONOTONIC one.
#define WF_NEVER_DUE INT64_MAX
struct wf_watch {
    struct wf_watch *next, *prev; // the family's, like the next
    int64_t due_ns;
    void (*ring)(struct wf_watch *watch); // once, with no lock held
};
void wf_family_watch(struct wf_watch *watch, int64_t due_ns); // set it; any thread
void wf_family_unwatch(struct wf_watch *watch); // never the keeper: waits until it does not ring

enum { WF_CANCEL_SIGNAL = SIGURG }; // asks a worker to look whether its task was asked to stop
enum { WF_DIED_WITH_ANCESTOR = SIGKILL }; // as of waitpid: the kernel ends the workers so

struct wf_process {
    LIST_ENTRY(wf_process) link; // in the family's list; its own
    uint64_t serial;
    int64_t id; // for weft_list: of its task, if there is but one; the serial is the ancestor's
    const struct wf_owner *owner;
    void *of; // the owner's
    struct wf_channel *channel;
    int socket;    // for descriptors
    int theirs[2]; // the worker's channel and socket, until it is born; or -1
    struct wf_birth birth;
    bool born; // or buried: heard of; the family's
    pid_t was; // its pid, once it has ended; the keeper's
    // ---- atomic
    pid_t pid; // 0 until the ancestor has made it
};

// A process to be: its channel is there, and may be filled. The owner's, until it is born. NULL
// with the error set: -EMFILE, -ENFILE, -ENOMEM.
struct wf_process *wf_family_new(const struct wf_birth *birth, int64_t id,
                                 const struct wf_owner *owner, void *of);
// Have it made; sooner or later `died` is called. 0; or with the error set, and it is still the
// owner's: -ENOTSUP (weft was loaded by dlopen, or on_start lies where no worker can find it; no
// /proc), -EPIPE (the program has ended), -EMFILE, -ENFILE, -ENOMEM, -EAGAIN.
int wf_family_bear(struct wf_process *process);
void wf_family_discard(struct wf_process *process); // one that was not born
// In `died`, before anybody is told of the end: its descriptors go, its channel is the caller's.
struct wf_channel *wf_family_release(struct wf_process *process);

// Where `here` lies in the workers; 0 with the error set to -ENOTSUP: nowhere.
uint64_t wf_family_there(const void *here, const char *name);

void wf_family_signal(const struct wf_process *process, int sig); // if it has not ended

// In a worker: this parker runs its tasks. Then: what the root knows of this one.
bool wf_worker_is(const struct wf_parker *parker);
void wf_worker_describe(const struct wf_task *task, struct weft_info *info);

// Describe those that live, as weft_list; waits for the births that were asked for.
size_t wf_family_list(struct weft_info *infos, size_t cap);
// At exit: no process is left when it returns; but if the keeper calls, they end with this one.
void wf_family_end(void);

#endif
