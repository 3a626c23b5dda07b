// SPDX-License-Identifier: MIT
// weft/task.h - a task: one function, its argument and result by value.
//
//     static int square(const int *n, long *out)
//     {
//         *out = (long)*n * *n;
//         return 0;                        // or a negative errno, see error.h
//     }
//     WEFT_TASK(square, int, long);
//
// The same function runs wherever a kind (pool.h) puts it. weft copies the argument when you
// hand the task over and the result when you join it, so neither side keeps a pointer into the
// other's stack. An argument bound for another process must mean something there: no pointers.
// (WEFT_CHECK=1 looks for words in it that are addresses of this process, and says on stderr which
// it finds, once for each function. It guesses, so the program goes on: bytes that nobody reads may
// hold an old one.)
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <weft/time.h>

WEFT_C_BEGIN

typedef char weft_none; // "no argument" or "no result": one byte nobody reads

enum { WEFT_ENDS_MAX = 4 };

// What an executor knows about a task. Written by WEFT_TASK; plain data.
struct weft_task {
    const char *name; // for messages and listings
    int (*run)(const void *arg, void *result);
    // fn inlined over n items. 0, or the first failure's code; *done is its index, or n.
    int (*each)(const void *in, void *out, size_t n, size_t *done);
    size_t arg_size, result_size;
    size_t arg_align, result_align;
    size_t ends[WEFT_ENDS_MAX]; // where descriptors lie in the argument: WEFT_END in pipe.h
};

// WEFT_TASK(fn, A, R) proves that fn is `int fn(const A *, R *)` and describes it in fn_task. If
// the argument carries descriptors, say where: WEFT_TASK(fn, A, R, .ends = {WEFT_END(A, member)}).
// A function that hands over itself needs its prototype and WEFT_TASK before its body. Any type
// whose bytes can be copied will do; an array goes into a struct. In C++ no std::string, no vector:
// the compiler refuses them.
#define WEFT_TASK(fn, arg_type, ...) WEFT_TASK_(fn, arg_type, __VA_ARGS__, )

// ---- inside a task -------------------------------------------------------
// It ends by returning. One that ends its thread instead (pthread_exit, pthread_cancel) aborts the
// program, or the process that runs it, for its worker or its loop is gone with it.
//
// Cancellation is a request, never a kill. Once a task is cancelled (or the deadline of
// weft_submit_until has passed), each weft call in it that can wait returns -ECANCELED
// (-ETIMEDOUT), even if it need not wait: the request is looked at first. So the task leaves by
// the same door as any other error and its cleanup runs. An interrupted call had no effect, except
// weft_write (net.h). Closing, joining, and locks without a deadline are not interrupted.

int weft_check(void); // 0, -ECANCELED or -ETIMEDOUT: for a loop that computes and never waits
// While shielded, the request waits: for the goodbye message in a cleanup. Returns what was before.
bool weft_shield(bool on);
// Sleep until then. 0, or -ECANCELED, -ETIMEDOUT of this task's own deadline. A pool's task on a
// thread keeps its worker meanwhile. A fiber does not: -EAGAIN if tasks are queued, and there is no
// spare worker (max_spares in pool.h).
int weft_sleep(weft_time until);
// Let others run; never fails, looks at no request. A fiber that computes should, now and then. By
// itself it does so after 64 calls on connections, listeners and pipes that did not have to wait,
// and once in 256 items of a queue.
void weft_yield(void);

// ---- cleanup at the end of the block ---------------------------------------
//     char *text = malloc(size);
//     weft_defer(free, text);
//     WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_THREADS);
// Run when the block is left by its end, return, break or goto: last in, first out; cannot fail.
// Not run by longjmp, exit or pthread_exit.

// Call fn(arg), where fn is void (*)(void *); arg is read now, not later.
#define weft_defer(fn, ...) weft_defer_at_(__COUNTER__, fn, __VA_ARGS__)
// Release a variable by a call that takes T **: weft_pool_close, weft_group_close, weft_drop,
// weft_conn_close, weft_queue_free... All accept NULL, so it may be released earlier by hand.
#define WEFT_SCOPED(release) __attribute__((cleanup(release), unused))

// ---- values of this task -----------------------------------------------------
//     static weft_local user = WEFT_LOCAL(free);
// Like a thread-local, but per task: a pool's worker keeps its _Thread_local variables from one
// task to the next, and fibers of one thread share them, and how it rounds (fesetround), but not
// errno. NULL until set; valid when zeroed. A task begins with none; a plain thread counts as a
// task. A weft_local lives as long as the program.
typedef struct {
    void (*destroy)(void *value);
    uint32_t key_;
} weft_local;
// destroy is called at the task's end with a value that is not NULL.
// clang-format off
#define WEFT_LOCAL(destroy) {(destroy), 0}
// clang-format on
void *weft_local_get(const weft_local *local);
int weft_local_set(weft_local *local, void *value); // 0 or -ENOMEM; the old value is yours again

// ---- behind the macros -------------------------------------------------------
struct weft_deferred_ {
    void (*fn)(void *);
    void *arg;
};
static inline void weft_deferred_run_(struct weft_deferred_ *d)
{
    d->fn(d->arg);
}
// clang-format off
#define weft_defer_at_(id, fn, ...) weft_defer_as_(id, fn, __VA_ARGS__)
#define weft_defer_as_(id, fn, ...) \
    __attribute__((cleanup(weft_deferred_run_), unused)) struct weft_deferred_ \
        weft_deferred_##id##_ = {(fn), (__VA_ARGS__)}

#ifdef __cplusplus
#define WEFT_IS_TASK_(fn, A, R) \
    static_assert(sizeof(static_cast<int (*)(const __typeof__(A) *, __typeof__(R) *)>(&fn)) && \
                      WEFT_IS_BYTES_(A) && WEFT_IS_BYTES_(R), \
                  #fn ": weft copies the bytes of " #A " and " #R ", and one is more than those")
#else
#define WEFT_IS_TASK_(fn, A, R) \
    _Static_assert( \
        _Generic(&(fn), int (*)(const __typeof__(A) *, __typeof__(R) *): 1, default: 0), \
        #fn " must be: int " #fn "(const " #A " *, " #R " *)")
#endif
// No function is ever called through a pointer of the wrong type; hence run and each.
#define WEFT_TASK_(fn, A, R, ...) \
    WEFT_IS_TASK_(fn, A, R); \
    static int fn##_run_(const void *arg_, void *result_) \
    { \
        return fn((const __typeof__(A) *)arg_, (__typeof__(R) *)result_); \
    } \
    static int fn##_each_(const void *in_, void *out_, size_t n_, size_t *done_) \
    { \
        const __typeof__(A) *__restrict args_ = (const __typeof__(A) *)in_; \
        __typeof__(R) *__restrict results_ = (__typeof__(R) *)out_; \
        size_t i_ = 0; \
        int rc_ = 0; \
        while (i_ < n_ && (rc_ = fn(&args_[i_], &results_[i_])) >= 0) \
            i_++; \
        *done_ = i_; \
        return rc_ < 0 ? rc_ : 0; \
    } \
    WEFT_QUIET_BEGIN_ \
    __extension__ __attribute__((unused)) static const struct weft_task fn##_task = { \
        .name = #fn, .run = fn##_run_, .each = fn##_each_, .arg_size = sizeof(A), \
        .result_size = sizeof(R), .arg_align = __alignof__(A), .result_align = __alignof__(R), \
        __VA_ARGS__}; \
    WEFT_QUIET_END_ \
    WEFT_IS_TASK_(fn, A, R)
// clang-format on

WEFT_C_END
#endif
