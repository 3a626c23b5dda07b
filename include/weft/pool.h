// SPDX-License-Identifier: MIT
// weft/pool.h - run tasks: alone, or in a pool of workers.
//
//     weft_pool *pool = weft_pool_open(WEFT_THREADS);
//     weft_future *f = weft_submit(pool, square, &(int){7});
//     long out;
//     int rc = f ? weft_join_as(&f, square, &out) : weft_error_code();
//     weft_pool_close(&pool);
//
// Nothing outlives its owner: when weft_pool_close returns, no code of yours is still running in
// the pool.
//
// No wait of weft deadlocks a pool. A thread that joins a task of threads or fibers which has not
// started runs it in place, on its own stack; if the pool has an on_start, only its own workers do.
// Whoever waits for anything else parks. While tasks are queued, and every worker waits for a lock,
// a queue, a future or a descriptor, the pool starts a spare worker. So `workers` says how many
// compute at once. A sleep ends by itself: a task that sleeps keeps its worker, but on a fiber.
//
// A task may fork(). The child has none of the tasks and pools, and should exit by itself, or turn
// into another program: where it returns from the task's function, or from on_start, it exits, with
// 0, or with 1 if that returned an error. (From an item of weft_map: after those that were dealt
// out together with it. From a hook that is told of the task's failure, or from what destroys a
// value of the task: as from the task.)
#ifndef WEFT_POOL_H
#define WEFT_POOL_H

#include <sys/types.h>
#include <weft/task.h>

WEFT_C_BEGIN

enum weft_kind {
    WEFT_FIBERS,    // cheap, many, for waiting; a thread runs many of them, one at a time
    WEFT_THREADS,   // parallel, shares memory; a crash ends the program
    WEFT_PROCESSES, // parallel, shares nothing; a crash ends one task
};

typedef struct weft_pool weft_pool;
typedef struct weft_future weft_future;

// Every field but the kind may be left zero; a negative number aborts.
struct weft_pool_options {
    enum weft_kind kind;
    int workers;    // 0: one per core this process may use. Of fibers: threads
    int max_spares; // more workers while all wait. 0: 256; of fibers 1,048,576. At the limit,
                    // while tasks are queued: submit, and a wait for anything but a descriptor,
                    // give -EAGAIN; also when the system has no thread or memory left for one
                    // (waits that cannot fail ask it for 0.2 s)
    int tasks_per_worker;       // of processes: a worker is replaced after so many. 0: never
    size_t backlog;             // tasks that may wait; then submit waits. 0: 1024 * workers
    size_t stack_size;          // of a worker. 0: 8 MiB; of a fiber 64 KiB. Of a process at least
                                // so much. 0: the soft limit (ulimit -s); at most the hard one,
                                // and 128 MiB or the soft one, whichever is more
    const char *name;           // prefix of thread names: "weft" gives weft-1, weft-2... Copied
    int (*on_start)(void *ctx); // run first in each worker; < 0 fails the pool's tasks with it
    // Told, on its thread, of a failed task that nobody will join. NULL: weft_on_unobserved, which
    // says what one of a process must not do (error.h).
    void (*on_error)(const char *task, int code, const char *message, void *ctx);
    void *ctx; // for both. To on_start in a process: the address of a static is that of the same
               // one there, which has its initial value; shared memory (shared.h) and numbers are
               // what they are; the heap and the stack are not there (WEFT_CHECK=1 says so)
};

// weft_pool_open(kind, .workers = 4, ...): NULL with -ENOMEM, -ENOTSUP (a forked child) or -EAGAIN
// (no more threads); for fibers and processes also -EMFILE, -ENFILE; for fibers -ENOSPC (no watch
// left: max_user_watches); for processes -EINVAL (a stack that none can have), -EFBIG (RLIMIT_FSIZE
// is too small for a ring). The workers are started at once.
// Worker processes descend from a fresh start of the program, stopped before main, so a pool of
// them may be opened at any time, whatever threads run. Globals have their initial values there:
// on_start sets up what tasks need. User, groups, limits, cores, folder and environment are those
// of that start: a program that gives up its rights does so before it, or again in on_start. An
// argument must mean something there: no pointers. -ENOTSUP for a function of a library that was
// loaded by dlopen, or replaced on disk since the start; and for all where weft itself was loaded
// so, or where a constructor, of the program or of a library, starts a thread. A worker that dies
// fails the task that it ran with -EOWNERDEAD, is replaced, and costs no other; ten in a row that
// die before on_start is done fail the pool's tasks. A task that runs on 100 ms past its deadline
// is killed. That fresh start is one more child of the program, until it exits: wait for your own
// by their pids, not with wait() until there is none. The call that needs it first waits for it, a
// few milliseconds, in which a fiber's thread stands still.
// docs/processes.md tells more.
#define weft_pool_open(...) \
    weft_pool_open_(WEFT_OPTIONS_(struct weft_pool_options, .kind = __VA_ARGS__))
// Ask every task in it, queued or running, to stop, and do not wait for that; not those that are
// submitted later.
void weft_pool_cancel(weft_pool *pool);
// Wait for all tasks and threads, shielded, and release everything; submits that come meanwhile get
// -EPIPE. Futures stay valid. From a task of this pool, its on_start or on_error: aborts. It waits
// for on_start too, which no deadline and no weft_pool_cancel ends: one that never returns keeps
// the pool open for ever.
void weft_pool_close(weft_pool **pool);

// ---- ways to run a task --------------------------------------------------------
// fn is the task function and its argument comes last, so that the compiler checks one against the
// other and a compound literal with commas is welcome. (In C a wrong type is but a warning of gcc
// 12 and clang 19; -Werror=incompatible-pointer-types makes an error of it.)
//     f = weft_submit(pool, page_size, &(struct request){.url = url, .limit_ms = 500});
// These wait while the backlog is full (a pool's own task does not). Errors: -ECANCELED, -ETIMEDOUT
// (of the caller), -EPIPE (closing), -ENOMEM, -EAGAIN (no more threads, no spare worker), -ENOTSUP;
// a future is then NULL.

// Run fn(arg); the caller owns the future and joins or drops it. The second also cancels the task
// at the deadline, time in the queue included.
//     weft_future *weft_submit(weft_pool *pool, fn, const A *arg);
//     weft_future *weft_submit_until(weft_pool *pool, weft_time deadline, fn, const A *arg);
#define weft_submit(pool, fn, ...) weft_submit_until(pool, WEFT_FOREVER, fn, __VA_ARGS__)
#define weft_submit_until(pool, deadline, fn, ...) \
    ((void)sizeof(fn(__VA_ARGS__, NULL)), weft_submit_((pool), (deadline), &fn##_task, __VA_ARGS__))

// Run fn(arg) for its effect: 0 or an error; the pool owns it and reports its failure to on_error.
#define weft_spawn(pool, fn, ...) \
    ((void)sizeof(fn(__VA_ARGS__, NULL)), weft_spawn_((pool), &fn##_task, __VA_ARGS__))

// Run fn over in[0..n) into out[0..n), in order, and wait for all. 0, or the first failure's code:
// then the rest are cancelled and the message names its index. -ETIMEDOUT, -ECANCELED: likewise.
// Or as weft_submit; on processes also -EMFILE, -ENFILE (the items travel by descriptors), -EFBIG
// (RLIMIT_FSIZE) and -EOWNERDEAD. The caller works with them where it may (see the top). Items must
// not wait for each other: they may run one after the other.
//     int weft_map(weft_pool *pool, weft_time deadline, fn, size_t n, R *out, const A *in);
//     rc = weft_map(pool, WEFT_FOREVER, square, 3, out, (int[]){1, 2, 3});
#define weft_map(pool, deadline, fn, n, out, ...) \
    ((void)sizeof(fn(__VA_ARGS__, (out))), \
     weft_map_((pool), (deadline), &fn##_task, (n), (out), __VA_ARGS__))

// Run fn(arg) alone on a fresh thread or process, or on a fiber: of the caller's loop, or, from a
// thread, of one of as many as there are cores. weft.h says what happens to it at exit. NULL with
// -ENOMEM, -EAGAIN (no more threads; too many descriptors of the user's under way to processes) or
// -ENOTSUP; for a fiber or process also -EMFILE, -ENFILE, for a fiber -ENOSPC (no watch left), for
// a process -EBADF (pipe.h), -EINVAL (its stack) and -EFBIG (as a pool's). A process ends with its
// task, by exit; that it could not be made is its task's error: -EAGAIN.
//     weft_future *f = weft_start(WEFT_THREADS, page_size, &request);
//     weft_future *g = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "first",
//                                              .daemon = true), page_size, &request);
#define weft_start(how, fn, ...) weft_start_as(WEFT_WITH(.kind = (how)), fn, __VA_ARGS__)
#define weft_start_as(options, fn, ...) \
    ((void)sizeof(fn(__VA_ARGS__, NULL)), weft_start_((options), &fn##_task, __VA_ARGS__))
struct weft_start_options {
    enum weft_kind kind;
    const char *name;  // copied, the first 31 bytes. NULL: "Thread-1 (page_size)", and likewise
                       // "Fiber-1 (page_size)", "Process-1 (page_size)"
    bool daemon;       // the program does not wait for it
    size_t stack_size; // 0: 8 MiB; of a fiber 64 KiB; of a process as a pool's
};
#define WEFT_WITH(...) WEFT_OPTIONS_(struct weft_start_options, __VA_ARGS__)

// ---- futures ---------------------------------------------------------------

// Wait until the task has ended. 0: it has, whatever it returned; -ETIMEDOUT, -ECANCELED: we
// stopped waiting, it goes on. Only with WEFT_FOREVER may the caller run the task itself. Any
// number of tasks may wait. In a forked child: -ENOTSUP.
int weft_wait(const weft_future *f, weft_time deadline);

// Wait for the task's end, shielded; copy its result if it succeeded; free the future, and return
// the task's code, its message in weft_error(). -EOWNERDEAD: its process died; the message names
// the signal or the status. -EINVAL: *f was NULL. result may be NULL, with any size; else a wrong
// size aborts, as does joining oneself. In a forked child: -ENOTSUP.
int weft_join(weft_future **f, void *result, size_t size);
// The same, the type of out checked against fn:  int weft_join_as(weft_future **f, fn, R *out);
#define weft_join_as(f, fn, out) \
    ((void)sizeof(fn(NULL, (out))), weft_join((f), (out), sizeof *(out)))

bool weft_done(const weft_future *f); // a NULL future is a finished one
// Ask it to stop; harmless if it is done or NULL. A pool's task that has not begun ends at once and
// never runs. A task of weft_start always runs: its argument may be its own to release.
void weft_cancel(weft_future *f);
// End the process that runs it by SIGKILL: 0; it fails with -EOWNERDEAD soon, unless it is done
// before. One that has not begun fails at once. On threads and fibers, in a forked child: -ENOTSUP.
int weft_kill(weft_future *f);
void weft_drop(weft_future **f); // cancel and forget, without waiting; to let it run: weft_spawn

// ---- a group: results as they complete -------------------------------------
//
//     weft_group *g = weft_group_open(pool, .cancel_rest = true);
//     for (int i = 0; i < 100; i++)
//         weft_group_add(g, i, square, &i);
//     struct weft_outcome o;
//     long out = 0;                        // of one that failed it is as it was
//     while (weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER) > 0)
//         printf("%lld: %s %ld\n", (long long)o.tag, o.message, out);
//     weft_group_close(&g);                // cancels and waits for what is left

typedef struct weft_group weft_group;
struct weft_group_options {
    weft_pool *pool;
    bool cancel_rest; // on the first failure cancel the others; they come out with -ECANCELED
};
struct weft_outcome {
    int64_t tag;         // yours, from weft_group_add
    int code;            // what the task returned
    const char *message; // of its failure, else ""; lives until the group's next call
};

// weft_group_open(pool, ...): NULL with -ENOMEM. Close a group before its pool.
#define weft_group_open(...) \
    weft_group_open_(WEFT_OPTIONS_(struct weft_group_options, .pool = __VA_ARGS__))
// int weft_group_add(weft_group *group, int64_t tag, fn, const A *arg): 0, or as weft_submit.
#define weft_group_add(group, tag, fn, ...) \
    ((void)sizeof(fn(__VA_ARGS__, NULL)), weft_group_add_((group), (tag), &fn##_task, __VA_ARGS__))
// 1: one more task ended, described in *outcome; 0: none are left; -ETIMEDOUT, -ECANCELED: we
// stopped waiting. result is written if it succeeded, and may be NULL; one that does not fit
// aborts. One task at a time may ask; any may add. In a forked child: -ENOTSUP.
int weft_group_next(weft_group *group, struct weft_outcome *outcome, void *result, size_t size,
                    weft_time deadline);
void weft_group_cancel(weft_group *group); // those that were added so far
void weft_group_close(weft_group **group); // cancels, waits (shielded) and frees

// ---- who is running -----------------------------------------------------------

struct weft_info {
    char name[32];
    enum weft_kind kind;
    int64_t id;     // unique in this process's life; in a process, that of the future. 0: no task,
                    // but on_start, or a hook that is told outside of the task
    pid_t pid, tid; // of the process and OS thread it runs, or ran, on; 0 before it starts, and of
                    // a task of a process pool whenever it does not run
    bool daemon, alive;
    int exit_code; // processes that ended: status, or minus the signal
};
// The caller. A thread that weft did not start: "MainThread", or "Dummy-1" and so on.
void weft_self(struct weft_info *info);
void weft_inspect(const weft_future *f, struct weft_info *info); // another; not NULL
// Describe up to `cap` live tasks of one kind; returns how many there are. Of threads and fibers:
// those that have begun; one that was started a moment ago may not have. Plain threads count from
// their first call of weft that needs to know them. Of processes: those that the caller's has
// started; it waits for those that are just being made. Another kind aborts.
size_t weft_list(enum weft_kind kind, struct weft_info *infos, size_t cap);
int weft_cores(void); // cores this process may use: affinity and cgroup honoured; at least 1

// ---- behind the macros -------------------------------------------------------
#define WEFT_OWNED_ __attribute__((warn_unused_result))
weft_pool *weft_pool_open_(struct weft_pool_options) WEFT_OWNED_;
weft_group *weft_group_open_(struct weft_group_options) WEFT_OWNED_;
weft_future *weft_submit_(weft_pool *, weft_time, const struct weft_task *, const void *arg)
    WEFT_OWNED_ WEFT_NOT_NULL_(3, 4);
weft_future *weft_start_(struct weft_start_options, const struct weft_task *, const void *arg)
    WEFT_OWNED_ WEFT_NOT_NULL_(2, 3);
int weft_spawn_(weft_pool *, const struct weft_task *, const void *arg) WEFT_NOT_NULL_(2, 3);
int weft_map_(weft_pool *, weft_time, const struct weft_task *, size_t n, void *out, const void *);
int weft_group_add_(weft_group *, int64_t tag, const struct weft_task *, const void *arg)
    WEFT_NOT_NULL_(3, 4);

WEFT_C_END
#endif
