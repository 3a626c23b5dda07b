// SPDX-License-Identifier: MIT
// run.h - one run: tasks on stacks of their own, of which one moves at a time.
//
// A task stops before each operation that others could notice (xp_turn), and a *move* lets one go
// on: do its operation, and run on to its next. A task that waits has an operation that is not
// ready, and perhaps a deadline, whose passing is a move of its own. So are a store that becomes
// visible late, and a fault. Whoever stops picks the next move himself, by asking `choose`.
#ifndef XP_RUN_H
#define XP_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/explore.h>

#include "os/context.h"

enum { XP_TASKS = 8, XP_STORES = 4, XP_STEPS = 20000, XP_TEXT = 512, XP_NAME = 32 };

// Moves have numbers, and sets of moves are bits.
enum {
    XP_GO = 0,               // + task: it does its operation
    XP_EXPIRE = XP_TASKS,    // + task: its deadline passes
    XP_FAULT = 2 * XP_TASKS, // + task: its operation fails
    XP_LAND = 3 * XP_TASKS,  // + task * XP_STORES + n: its n-th store is seen by all
    XP_MOVES = XP_LAND + XP_TASKS * XP_STORES,
    XP_NO_MOVE = -1,
};
typedef uint64_t xp_set;
#define XP_BIT(move) ((xp_set)1 << (move))

static inline bool xp_has(xp_set moves, int move)
{
    return move != XP_NO_MOVE && (moves & XP_BIT(move)) != 0;
}

struct xp_task;
struct wf_parker;

// Which of the task's own late stores must have landed before.
enum xp_drains { XP_KEEPS, XP_LANDS_SAME, XP_LANDS_ALL };

// What a task is about to do.
struct xp_op {
    struct weft_place_ place;
    const volatile void *address;          // what it touches; NULL: nothing of others
    bool writes;                           // or only looks
    bool (*ready)(const struct xp_task *); // may it be done? NULL: yes
    uint64_t argument, argument2;          // for ready
    int64_t deadline;                      // 0: no wait; INT64_MAX: one without
    enum xp_drains drains;                 // which stores must have landed before
    bool may_fail, yields, is_local, is_plain;
};

// By which move a task goes on.
enum xp_turn { XP_WENT, XP_EXPIRED, XP_FAILED };

struct xp_clock {
    uint32_t at[XP_TASKS];
};

struct xp_stored {
    struct weft_place_ place;
    void *object;
    uint64_t value;
    unsigned size;
    bool releases, delayed;
    bool is_awaited; // by a heavy fence
    struct xp_clock clock;
};

struct xp_task {
    int index;
    bool is_done;
    char name[XP_NAME];
    struct wf_stack_seen stack_seen; // by a sanitizer
    void *stack, *memory;            // where it stopped; all of it
    struct wf_parker *parker;        // its value of the library's thread-local
    struct xp_op op;                 // what it is about to do
    enum xp_turn turn;
    bool woken;                      // from its futex
    const struct wf_futex_one *some; // words that it sleeps on, or NULL: on that of op
    unsigned some_count;
    uint64_t kin;  // of which process it is (core/kin.h)
    int sleeps;    // on it, so far
    uint64_t seen; // by its latest load or exchange, and where: for spinning
    const void *seen_at;
    unsigned seen_size;
    struct xp_clock clock;
    struct xp_stored stores[XP_STORES];
    int stored;
    void *(*run)(void *);
    void *arg;
    void (*at_exit)(void *);
    void *at_exit_value;
};

enum xp_end { XP_RUNS, XP_PASSED, XP_BROKEN, XP_PRUNED };

struct xp_step { // of a run that is recorded
    int move;
    struct weft_place_ place;
    const char *call; // of the library, in which it sleeps, or NULL
    bool has_values;
    uint64_t before, after;
    unsigned size;
    const volatile void *address;
};

struct xp_run {
    struct xp_task tasks[XP_TASKS];
    int count;
    struct xp_task *now; // who moves
    void *engine;        // the stack that all began from
    struct wf_stack_seen engine_seen;
    enum xp_end end;
    uint64_t steps;
    int64_t time; // nanoseconds
    int previous; // the task that moved last
    int faults;   // still to come
    int cost;     // interruptions so far
    bool delays_stores, uses_all_steps;
    void (*exits[8])(void);
    int exit_count;
    int bells[16]; // rings of each
    int bell_count;
    struct wf_stack *records; // of stacks that are not used
    int record_count;
    bool fds[8]; // readable
    char failure[XP_TEXT];
    struct xp_step *trace; // XP_STEPS of them while recording, else NULL
    uint8_t moves[XP_STEPS];
    bool odd[XP_STEPS]; // the move was not what would have come by itself
    // Which one of these? XP_NO_MOVE: none, the run is cut off here.
    int (*choose)(xp_set moves, int by_itself);
};

extern struct xp_run *xp; // NULL outside weft_explore; not among the variables that a run puts back

bool xp_is_running(void); // a task of a run calls

// The current task is about to do this. Returns when it may, or it has waited in vain.
enum xp_turn xp_turn(const struct xp_op *op);

int xp_spawn(void *(*run)(void *), void *arg); // its index, or -1
void xp_wake(struct xp_task *task);
_Noreturn void xp_leave(enum xp_end end);
_Noreturn void xp_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// Run fn once. The tables of run.c outlive it until the next.
enum xp_end xp_run_once(void (*fn)(void *), void *arg);

// While runs are made: an abort or a crash ends the run.
enum { XP_FATAL = 5 };
void xp_catch_signals(struct sigaction before[XP_FATAL]);
void xp_release_signals(const struct sigaction before[XP_FATAL]);
void xp_say_last_words(int sig); // explore.c: the explorer itself crashed

// What a move would touch, and whose it is.
int xp_owner(int move);
bool xp_conflict(int a, int b);        // could their order matter?
int xp_price(int move, int by_itself); // 0, or 1: it interrupts somebody

// Note what happened, for the table.
void xp_note_values(const volatile void *address, unsigned size, uint64_t before, uint64_t after);

// ---- model.c: the numbers of descriptors that are none -----------------------------------
enum { FIRST_BELL = 1000, FIRST_FD = 2000 };
int *xp_rings_of(int bell);
// A step of nobody's line.
// clang-format off
#define HERE(text) {"", 0, (text)}
// clang-format on

// ---- stores.c: what others do not see yet ------------------------------------------------
void xp_store_later(void *object, unsigned size, uint64_t value, int order,
                    const struct weft_place_ *place);
bool xp_find_stored(const struct xp_task *task, const void *object, uint64_t *value);
bool xp_may_land(const struct xp_task *task, int n);
void xp_land(struct xp_task *task, int n);
uint64_t xp_read(const volatile void *object, unsigned size);
void xp_write(volatile void *object, unsigned size, uint64_t value);

// ---- cells.c: what is known of each address ----------------------------------------------
bool xp_cells_begin(void); // of a search. False: no memory
void xp_cells_end(void);
void xp_cells_new_run(void);
bool xp_cells_grew(void); // since the last call: an address turned out to be shared
bool xp_is_shared(const volatile void *address);
void xp_touch(const volatile void *address, bool writes); // by the current task
void xp_acquire(const volatile void *address);
void xp_release(const volatile void *address, const struct xp_clock *clock);     // as by a store
void xp_release_too(const volatile void *address, const struct xp_clock *clock); // as by an rmw
void xp_forget_release(const volatile void *address);
void xp_join_clock(struct xp_clock *into, const struct xp_clock *from);
void xp_tick(void); // the current task's own time goes on
void xp_plain(const volatile void *address, bool writes, const struct weft_place_ *place);

// ---- memory.c ----------------------------------------------------------------------------
bool xp_memory_begin(void);
void xp_memory_end(void);
void xp_memory_new_run(void); // empty, and the program's variables as they were
bool xp_is_freed(const volatile void *address);
const char *xp_memory_fault(bool allows_leaks); // at the end of a run: what is wrong, or NULL

// A process begins: it is among the living (core/kin.h). It is killed, at any of its steps while it
// has its number; that it is dead nobody knows before it is buried. Nothing happens if it has
// ended.
void xp_kin_add(uint64_t kin);
void xp_kill(uint64_t kin);

#endif
