// SPDX-License-Identifier: MIT
// weft/explore.h - run a test in every order that its tasks can take.
//
//     #include <weft/explore.h>
//     #include <weft/weft.h>
//
//     static long counter;
//
//     static int add(const int *n, weft_none *none)
//     {
//         (void)none;
//         long seen = counter;
//         weft_explore_point(); // another task may come in here
//         counter = seen + *n;
//         return 0;
//     }
//     WEFT_TASK(add, int, weft_none);
//
//     static void two_adders(void *arg)
//     {
//         (void)arg;
//         weft_future *a = weft_start(WEFT_THREADS, add, &(int){1});
//         weft_future *b = weft_start(WEFT_THREADS, add, &(int){1});
//         weft_join(&a, NULL, 0);
//         weft_join(&b, NULL, 0);
//         weft_explore_check(counter == 2);
//     }
//
//     int main(void) { return weft_explore(two_adders, .name = "adders"); }
//
// For tests: a program that explores is linked with libweft_explore in the place of libweft
// (pkg-config --cflags --libs weft-explore): the same library with a scheduler under it, which runs
// all tasks on one thread and decides each step. A run is one order of steps. Each begins with the
// program's global variables as they were when weft_explore was called (what must outlive a run
// goes to the heap), and must do the same whenever its order is the same: no randomness, no clock
// but weft's, no waiting but weft's. Time stands still; a deadline passes when the explorer wants
// it to.
//
// A run fails by a failed weft_explore_check, an abort, a crash, a deadlock, a wait that nobody
// ends, a race (below), a touch of memory that weft has freed. Then the shortest such run that was
// found is printed as a table of steps, and a seed; WEFT_SCHEDULE=<seed> in the environment makes
// weft_explore run just that order, with a breakpoint in weft_explore_failed if you like.
// A run that overwrites the explorer's own memory ends the program by a signal; what was found and
// the seed are printed before, without a table.
//
// Limits: 8 tasks at once (the caller is one), threads only, no sockets, no signals, no fork. Steps
// are at weft's own operations and at the points that the test names; plain code between two
// points runs in one piece.
//
// The searches: Musuvathi and Qadeer, "Iterative Context Bounding" (PLDI 2007); Godefroid's sleep
// sets (LNCS 1032); Burckhardt et al., "A Randomized Scheduler" (PCT, ASPLOS 2010). Delayed stores
// are kept as on SPARC PSO. Races: vector clocks (Flanagan and Freund, FastTrack, PLDI 2009).
#ifndef WEFT_EXPLORE_H
#define WEFT_EXPLORE_H

#include <weft/base.h>

WEFT_C_BEGIN

enum weft_search {
    WEFT_BOUNDED,    // all orders with at most `bound` interruptions of a task that could go on
    WEFT_EXHAUSTIVE, // all orders, but one only of those that differ in nothing (sleep sets)
    WEFT_RANDOM,     // `runs` orders, each step drawn
    WEFT_PCT,        // `runs` orders, by drawn priorities that change `bound` times
};

// What was done. Texts live until the next weft_explore.
struct weft_explored {
    long runs;
    double seconds;
    bool exhausted;      // nothing was left out within the bound
    const char *failure; // what went wrong, or ""
    const char *seed;    // for WEFT_SCHEDULE, or ""
};

struct weft_explore_options {
    void (*run_)(void *arg);
    void *arg;               // for fn
    const char *name;        // in messages and seeds; NULL: "explore"
    enum weft_search search; // 0: WEFT_BOUNDED
    int bound;               // 0: 2; -1: no interruption at all
    long runs;               // at most so many; 0: 20,000 where drawn, else no limit
    double seconds;          // at most so many; 0: no limit
    uint32_t seed;           // of the drawing; 0: always the same
    int faults;              // how often a run refuses a thread, or ends a sleep for no reason
    bool delayed_stores;     // relaxed and release stores may be seen by others later
    bool allows_leaks;       // else memory that weft did not free is a failure
    bool details;            // the table has also the library's own steps
    bool quiet;              // print nothing
    struct weft_explored *explored; // filled in, if not NULL
};

// Run fn in one order after the other. 0: none failed; 1: one did, and it was printed on stderr;
// -ENOMEM; -EINVAL: WEFT_SCHEDULE is for this test, and no seed. Not from within a run.
// weft_explore(fn, .name = "adders", .bound = 3)
#define weft_explore(...) \
    weft_explore_(WEFT_OPTIONS_(struct weft_explore_options, .run_ = __VA_ARGS__))
int weft_explore_(struct weft_explore_options options);

// In a test, and in the plain code that it tests: here others may come in. Does nothing in a
// program without the explorer, or outside a run, like the next two.
#define weft_explore_point() weft_explore_at_(weft_explore_point_, NULL, "plain code")
// The same, and *p is about to be read or written by plain code: two tasks of which one writes must
// be ordered by weft (a lock, a queue, a join), or it is a race, also where nothing came between.
#define weft_explore_reads(p) weft_explore_at_(weft_explore_reads_, (p), "read " #p)
#define weft_explore_writes(p) weft_explore_at_(weft_explore_writes_, (p), "write " #p)

// A claim of the test: the run has failed if it is false. It is in libweft_explore alone.
#define weft_explore_check(claim) \
    ((claim) ? (void)0 : weft_explore_fail_(__FILE__, __LINE__, #claim))

// Called when a run has failed, by the task that failed: a place for a breakpoint.
void weft_explore_failed(const char *why);

// ---- behind the macros -------------------------------------------------------
struct weft_place_ {
    const char *file;
    int line;
    const char *what;
};
typedef void weft_explore_mark_(const volatile void *p, const struct weft_place_ *place);
extern weft_explore_mark_ weft_explore_point_ __attribute__((weak));
extern weft_explore_mark_ weft_explore_reads_ __attribute__((weak));
extern weft_explore_mark_ weft_explore_writes_ __attribute__((weak));
void weft_explore_fail_(const char *file, int line, const char *claim);
// clang-format off
#define weft_explore_at_(mark, p, text) \
    do { \
        static const struct weft_place_ weft_here_ = {__FILE__, __LINE__, (text)}; \
        if (mark) \
            (mark)((p), &weft_here_); \
    } while (0)
// clang-format on

WEFT_C_END
#endif
