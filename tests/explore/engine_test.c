// SPDX-License-Identifier: MIT
// engine_test.c - the explorer itself: each kind of failure is found and told, seeds repeat it, and
// what is right is left in peace.
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <weft/explore.h>
#include <weft/weft.h>

#include "os/atomic.h"
#include "os/thread.h"
#include "run.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_OWN_SIGNALS 1
#else
#define HAS_OWN_SIGNALS 0
#endif

#define TEST(name) static void name(void **state __attribute__((unused)))

static struct weft_explored did;

// Explored, it fails, and says this.
#define assert_finds(text, ...) \
    do { \
        assert_int_equal(weft_explore(__VA_ARGS__, .quiet = true, .explored = &did), 1); \
        if (!strstr(did.failure, (text))) \
            fail_msg("it says: %s", did.failure); \
        assert_true(did.seed[0] != '\0'); \
    } while (0)

#define assert_finds_nothing(...) \
    assert_int_equal(weft_explore(__VA_ARGS__, .quiet = true, .explored = &did), 0)

// ---- tests that are explored ---------------------------------------------------------------

static int shared, other;
static weft_mutex mu, mu2;
static weft_event event;

// Run `task` beside the main one, which does the same.
static void both(int (*fn)(const int *, int *), const struct weft_task *task)
{
    int out;
    weft_future *f = weft_start_((struct weft_start_options){.kind = WEFT_THREADS}, task,
                                 &(int){1});
    (void)fn(&(int){0}, &out);
    (void)weft_join(&f, NULL, 0);
}

static int race(const int *who, int *out)
{
    *out = *who;
    weft_explore_writes(&shared);
    shared++;
    return 0;
}
WEFT_TASK(race, int, int);

static void races(void *arg)
{
    (void)arg;
    both(race, &race_task);
}

static int guarded(const int *who, int *out)
{
    weft_guard(&mu);
    return race(who, out);
}
WEFT_TASK(guarded, int, int);

static void guarded_both(void *arg)
{
    (void)arg;
    both(guarded, &guarded_task);
    weft_explore_reads(&shared);
    weft_explore_check(shared == 2); // each run finds it as it was: 0
}

static int lost_update(const int *who, int *out)
{
    *out = *who;
    weft_explore_point();
    int seen = shared;
    weft_explore_point();
    shared = seen + 1;
    return 0;
}
WEFT_TASK(lost_update, int, int);

static void loses_an_update(void *arg)
{
    (void)arg;
    both(lost_update, &lost_update_task);
    weft_explore_check(shared == 2);
}

static void *lose_bare(void *arg)
{
    int out;
    (void)lost_update(&(int){0}, &out);
    return arg;
}

// The same on a bare thread: few enough steps for all orders.
static void loses_bare(void *arg)
{
    const struct wf_thread_options options = {.run = lose_bare, .arg = arg};
    wf_thread thread;
    weft_explore_check(wf_thread_start(&options, &thread) == 0);
    (void)lose_bare(NULL);
    wf_thread_join(thread);
    weft_explore_check(shared == 2);
}

static int lock_crosswise(const int *who, int *out)
{
    *out = *who;
    weft_lock(*who ? &mu : &mu2);
    weft_lock(*who ? &mu2 : &mu);
    weft_unlock(&mu);
    weft_unlock(&mu2);
    return 0;
}
WEFT_TASK(lock_crosswise, int, int);

static void deadlocks(void *arg)
{
    (void)arg;
    both(lock_crosswise, &lock_crosswise_task);
}

static void waits_for_nobody(void *arg)
{
    (void)arg;
    (void)weft_event_wait(&event, WEFT_FOREVER);
}

static void waits_in_time(void *arg)
{
    (void)arg;
    weft_explore_check(weft_event_wait(&event, weft_after_ms(3600 * 1000)) == -ETIMEDOUT);
    weft_explore_check(weft_now().ns > INT64_C(3600) * 1000000000);
}

static void goes_in_circles(void *arg)
{
    (void)arg;
    for (;;)
        weft_yield();
}

static void aborts(void *arg)
{
    (void)arg;
    abort();
}

static void crashes(void *arg)
{
    *(volatile int *)arg = 1;
}

static void misuses(void *arg)
{
    (void)arg;
    weft_unlock(&mu);
}

static int leave_early(const int *who, int *out)
{
    *out = *who;
    return 0;
}
WEFT_TASK(leave_early, int, int);

static void leaks(void *arg)
{
    (void)arg;
    weft_future *f = weft_start(WEFT_THREADS, leave_early, &(int){1});
    (void)f;
}

static void differs(void *arg)
{
    int *count = arg;
    if (++*count % 2 == 0)
        both(guarded, &guarded_task);
    both(race, &race_task);
}

static void touches_the_freed(void *arg)
{
    (void)arg;
    weft_future *f = weft_start(WEFT_THREADS, guarded, &(int){0}), *stale = f;
    (void)weft_join(&f, NULL, 0);
    (void)weft_done(stale); // an atomic operation comes first
}

static int spawn_more(const int *depth, int *out)
{
    *out = *depth;
    weft_future *f = *depth > 0 ? weft_start(WEFT_THREADS, leave_early, &(int){*depth - 1}) : NULL;
    (void)weft_event_wait(&event, WEFT_FOREVER);
    return weft_join(&f, NULL, 0);
}
WEFT_TASK(spawn_more, int, int);

static void has_many_tasks(void *arg)
{
    (void)arg;
    weft_future *f[XP_TASKS];
    for (int i = 0; i < XP_TASKS; i++)
        f[i] = weft_start(WEFT_THREADS, spawn_more, &(int){0});
    (void)f;
}

// Two stores and two loads, crosswise: each task may miss the other's only if stores are late.
static int dekker[2], entered;

static int enter_if_alone(const int *who, int *out)
{
    int me = *who;
    *out = me;
    wf_store(&dekker[me], 1, WF_RELAXED);
    if (wf_load(&dekker[!me], WF_RELAXED) == 0)
        entered++;
    return 0;
}
WEFT_TASK(enter_if_alone, int, int);

static void both_enter(void *arg)
{
    (void)arg;
    both(enter_if_alone, &enter_if_alone_task);
    weft_explore_check(entered < 2);
}

// ---- what is found -------------------------------------------------------------------------

TEST(a_race_is_found_in_the_first_run)
{
    assert_finds("race: write", races);
    assert_non_null(strstr(did.failure, "engine_test.c"));
    assert_finds_nothing(guarded_both, .bound = 3);
    assert_true(did.exhausted);
}

TEST(a_failed_claim_is_found_by_each_search)
{
    assert_finds("shared == 2", loses_an_update);
    assert_finds("shared == 2", loses_bare, .search = WEFT_EXHAUSTIVE);
    assert_finds("shared == 2", loses_an_update, .search = WEFT_RANDOM);
    assert_finds("shared == 2", loses_an_update, .search = WEFT_PCT);
}

TEST(none_is_found_without_interruptions)
{
    assert_finds_nothing(loses_an_update, .bound = -1);
    assert_true(did.exhausted);
}

TEST(a_deadlock_names_who_waits_where)
{
    assert_finds("deadlock: nobody can go on", deadlocks);
    assert_non_null(strstr(did.failure, "main: weft_lock"));
    assert_finds("main: weft_event_wait", waits_for_nobody);
}

TEST(deadlines_cost_nothing)
{
    assert_finds_nothing(waits_in_time);
    assert_true(did.exhausted);
}

TEST(circles_aborts_crashes_and_misuses_end_the_run_not_the_program)
{
    assert_finds("no end after", goes_in_circles);
    assert_finds("aborted", aborts);
#if !defined(__SANITIZE_ADDRESS__)
    assert_finds("crashed", crashes); // a sanitizer ends the program itself
#endif
    assert_finds("weft_unlock", misuses);
    (void)crashes;
}

TEST(memory_that_is_not_freed_or_touched_late_is_found)
{
    assert_finds("were not freed", leaks);
    assert_finds_nothing(leaks, .allows_leaks = true);
    assert_finds("was freed", touches_the_freed);
}

TEST(a_test_that_is_not_the_same_each_time_is_told_so)
{
    int *count = calloc(1, sizeof *count);
    assert_finds("", differs, .arg = count); // the race, or that it differs
    free(count);
}

// ---- what is found is told, whatever comes after --------------------------------------------

// Explored in a child, with what it says in `said`; how it ended.
static int explore_in_child(void (*fn)(void *), char *said, size_t size)
{
    int pipe_ends[2], status;
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(pipe_ends[1], STDERR_FILENO);
        (void)close(pipe_ends[1]);
        int *times = calloc(1, sizeof *times); // outlives a run
        _exit(times ? weft_explore(fn, .arg = times, .name = "wild") : -1);
    }
    (void)close(pipe_ends[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(pipe_ends[0], said + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    said[used] = '\0';
    (void)close(pipe_ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

#define assert_says(said, text) \
    do { \
        if (!strstr((said), (text))) \
            fail_msg("it says: %s", (said)); \
    } while (0)

static void overwrites_the_explorer(void *arg)
{
    (void)arg;
    xp->now = NULL; // and then the next step
    const struct xp_op op = {.place = HERE("steps")};
    (void)xp_turn(&op);
}

static void fails_and_then_goes_well(void *arg)
{
    weft_explore_check(++*(int *)arg > 1);
}

static void fails_and_then_overwrites(void *arg)
{
    fails_and_then_goes_well(arg);
    overwrites_the_explorer(arg);
}

static const char overwritten[] = "a run has overwritten the explorer's own memory";

TEST(a_run_that_overwrites_the_explorer_is_told_before_it_crashes)
{
    if (HAS_OWN_SIGNALS)
        skip(); // a sanitizer ends the program itself
    char said[4096];
    int status = explore_in_child(overwrites_the_explorer, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_says(said, "weft_explore: wild: crashed: signal 11 (no table: ");
    assert_says(said, overwritten);
    assert_says(said, "\nagain: WEFT_SCHEDULE='wild@");
}

TEST(a_failure_is_told_though_the_run_that_is_to_be_printed_crashes)
{
    if (HAS_OWN_SIGNALS)
        skip();
    char said[4096];
    int status = explore_in_child(fails_and_then_overwrites, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_says(said, "not so: ++*(int *)arg > 1 (no table: ");
    assert_says(said, overwritten);
    assert_says(said, "\nagain: WEFT_SCHEDULE='wild@");
}

TEST(a_failure_is_told_though_it_does_not_come_again)
{
    char said[4096];
    int status = explore_in_child(fails_and_then_goes_well, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_says(said, "not so: ++*(int *)arg > 1 (no table: ");
    assert_says(said, "in the same order it went well");
    assert_says(said, "\nagain: WEFT_SCHEDULE='wild@");
}

TEST(late_stores_are_seen_only_when_asked_for)
{
    assert_finds_nothing(both_enter, .bound = 4);
    assert_finds("entered < 2", both_enter, .bound = 4, .delayed_stores = true);
}

TEST(too_many_tasks_are_told)
{
    assert_finds("more than 8 tasks", has_many_tasks);
}

// ---- budgets, seeds ------------------------------------------------------------------------

TEST(a_budget_ends_the_search)
{
    assert_finds_nothing(guarded_both, .bound = 9, .runs = 10);
    assert_int_equal(did.runs, 10);
    assert_false(did.exhausted);
    assert_finds_nothing(guarded_both, .search = WEFT_RANDOM, .runs = 100);
    assert_int_equal(did.runs, 100);
}

TEST(the_same_drawing_finds_the_same)
{
    assert_finds("shared", loses_an_update, .search = WEFT_RANDOM, .seed = 5);
    long n = did.runs;
    assert_finds("shared", loses_an_update, .search = WEFT_RANDOM, .seed = 5);
    assert_int_equal(did.runs, n);
}

TEST(a_seed_repeats_the_run)
{
    assert_finds("shared == 2", loses_an_update, .name = "seeded");
    char *seed = strdup(did.seed);
    assert_non_null(strstr(seed, "seeded@"));
    setenv("WEFT_SCHEDULE", seed, 1);
    assert_finds("shared == 2", loses_an_update, .name = "seeded");
    assert_int_equal(did.runs, 1);
    assert_finds_nothing(loses_an_update, .name = "another"); // not its seed: not run
    assert_int_equal(did.runs, 0);
    unsetenv("WEFT_SCHEDULE");
    free(seed);
}

TEST(what_is_no_seed_is_refused)
{
    static const char *const none[] = {"seeded@x", "seeded@1", "seeded@1:9", "seeded@1:0,",
                                       "seeded@1:0q"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        setenv("WEFT_SCHEDULE", none[i], 1);
        int kept = dup(2);
        assert_non_null(freopen("/dev/null", "w", stderr));
        int rc = weft_explore(loses_an_update, .name = "seeded");
        fflush(stderr);
        dup2(kept, 2);
        close(kept);
        if (rc != -EINVAL)
            fail_msg("%s: %d", none[i], rc);
    }
    unsetenv("WEFT_SCHEDULE");
}

TEST(outside_a_run_nothing_happens)
{
    weft_explore_point();
    weft_explore_reads(&other);
    weft_explore_writes(&other);
    weft_explore_check(other == 0);
}

TEST(variables_are_as_they_were_afterwards)
{
    shared = 40;
    assert_finds("shared == 2", loses_an_update);
    assert_int_equal(shared, 40);
    shared = 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_race_is_found_in_the_first_run),
    cmocka_unit_test(a_failed_claim_is_found_by_each_search),
    cmocka_unit_test(none_is_found_without_interruptions),
    cmocka_unit_test(a_deadlock_names_who_waits_where),
    cmocka_unit_test(deadlines_cost_nothing),
    cmocka_unit_test(circles_aborts_crashes_and_misuses_end_the_run_not_the_program),
    cmocka_unit_test(memory_that_is_not_freed_or_touched_late_is_found),
    cmocka_unit_test(a_test_that_is_not_the_same_each_time_is_told_so),
    cmocka_unit_test(a_run_that_overwrites_the_explorer_is_told_before_it_crashes),
    cmocka_unit_test(a_failure_is_told_though_the_run_that_is_to_be_printed_crashes),
    cmocka_unit_test(a_failure_is_told_though_it_does_not_come_again),
    cmocka_unit_test(late_stores_are_seen_only_when_asked_for),
    cmocka_unit_test(too_many_tasks_are_told),
    cmocka_unit_test(a_budget_ends_the_search),
    cmocka_unit_test(the_same_drawing_finds_the_same),
    cmocka_unit_test(a_seed_repeats_the_run),
    cmocka_unit_test(what_is_no_seed_is_refused),
    cmocka_unit_test(outside_a_run_nothing_happens),
    cmocka_unit_test(variables_are_as_they_were_afterwards),
};

int main(void)
{
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
