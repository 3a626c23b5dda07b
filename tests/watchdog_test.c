// SPDX-License-Identifier: MIT
// watchdog_test.c - under WEFT_CHECK=1 a fiber that computes too long without waiting is named,
// once, and no other.
#include "exec_helpers.h"

#include <sys/stat.h>

#include "exec/watchdog.h"

// A scene's stderr is a file: what was said on it shows by its size.
static off_t said(void)
{
    struct stat file;
    return fstat(STDERR_FILENO, &file) == 0 ? file.st_size : -1;
}

static int join(weft_future *f)
{
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}

static int resize(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    while (said() == 0)
        continue; // it computes
    return 0;
}
WEFT_TASK(resize, weft_none, weft_none);

// A thread that gets no core looks like one that computes: play_until asks for more, then.
static void set_watchdog(uint32_t ms)
{
    const char *longer = getenv("WEFT_TEST_TIMES");
    wf_watchdog_ms = longer ? ms * (uint32_t)atoi(longer) : ms;
}

static int play_one(void)
{
    set_watchdog(200);
    return join(
        weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "resize-3"), resize, &(weft_none){0}));
}

static void compute(void *unused)
{
    (void)unused;
    while (said() == 0)
        continue;
}

static int resize_below(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    weft_on_thread_stack(compute, NULL);
    return 0;
}
WEFT_TASK(resize_below, weft_none, weft_none);

static int play_below(void)
{
    wf_watchdog_ms = 200;
    return join(weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "resize-3"), resize_below,
                              &(weft_none){0}));
}

// ---- what is no task --------------------------------------------------------------------

static int set_up(void *ctx)
{
    (void)ctx;
    return resize(NULL, NULL);
}

static int play_on_start(void)
{
    set_watchdog(200);
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "images",
                                     .on_start = set_up);
    weft_pool_close(&pool);
    return 0;
}

static weft_event is_spawned;

static int fail_to_set_up(void *ctx)
{
    (void)ctx;
    int rc = weft_event_wait(&is_spawned, WEFT_FOREVER);
    return rc < 0 ? rc : -EIO;
}

static void be_told(const char *task, int code, const char *message, void *ctx)
{
    (void)task, (void)code, (void)message, (void)ctx;
    (void)resize(NULL, NULL);
}

// Without on_start no task runs: who is told of that is no task either.
static int play_on_error(void)
{
    set_watchdog(200);
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "images",
                                     .on_start = fail_to_set_up, .on_error = be_told);
    int rc = weft_spawn(pool, resize, &(weft_none){0});
    weft_event_set(&is_spawned);
    weft_pool_close(&pool);
    return rc < 0;
}

// ---- others wait for it -----------------------------------------------------------------

static weft_event end;
static atomic_int parked;

static int wait_for_end(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    atomic_fetch_add(&parked, 1);
    return weft_event_wait(&end, WEFT_FOREVER);
}
WEFT_TASK(wait_for_end, weft_none, weft_none);

// What a fiber starts is on its loop.
static int resize_among(const int *others, weft_none *none)
{
    (void)none;
    weft_future *f[8];
    for (int i = 0; i < *others; i++)
        f[i] = weft_start(WEFT_FIBERS, wait_for_end, &(weft_none){0});
    while (atomic_load(&parked) < *others)
        weft_yield();
    int rc = resize(NULL, NULL);
    weft_event_set(&end);
    for (int i = 0; i < *others; i++)
        rc = rc < 0 ? rc : join(f[i]);
    return rc;
}
WEFT_TASK(resize_among, int, weft_none);

static int play_among_three(void)
{
    set_watchdog(50);
    return join(weft_start(WEFT_FIBERS, resize_among, &(int){3}));
}

static int play_among_one(void)
{
    set_watchdog(50);
    return join(weft_start(WEFT_FIBERS, resize_among, &(int){1}));
}

// ---- once, and no other -----------------------------------------------------------------

static atomic_bool is_over;

static int first(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    while (!atomic_load(&is_over))
        continue;
    return 0;
}
WEFT_TASK(first, weft_none, weft_none);

// Begins when the first has been named, and so goes on for as long again as that took.
static int second(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    off_t before;
    while ((before = said()) == 0)
        (void)weft_sleep(weft_after_ms(1));
    while (said() == before)
        continue;
    atomic_store(&is_over, true);
    return 0;
}
WEFT_TASK(second, weft_none, weft_none);

static int patient(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    while (!atomic_load(&is_over))
        weft_yield();
    return 0;
}
WEFT_TASK(patient, weft_none, weft_none);

// Each on a loop of its own, for each worker has one.
static int play_two(void)
{
    set_watchdog(500); // more than a busy machine mostly keeps a thread from its core
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 3, .name = "images");
    if (!pool || weft_spawn(pool, patient, &(weft_none){0}) < 0 ||
        weft_spawn(pool, first, &(weft_none){0}) < 0 ||
        weft_spawn(pool, second, &(weft_none){0}) < 0)
        return 1;
    weft_pool_close(&pool);
    return 0;
}

// ---- it comes and goes ------------------------------------------------------------------

static int wave(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    return 0;
}
WEFT_TASK(wave, weft_none, weft_none);

static int watchdogs_with_a_pool(void)
{
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 2);
    int rc = join(weft_submit(pool, wave, &(weft_none){0}));
    int n = 0;
    for (int i = 0; i < 1000 && n == 0; i++, nap_ms(1)) // it names itself when it begins
        n = threads_named("weft-watchdog");
    weft_pool_close(&pool);
    return rc < 0 ? rc : n;
}

static int play_with_pools(void)
{
    if (watchdogs_with_a_pool() != 1 || threads_named("weft-watchdog") != 0)
        return 1;
    return watchdogs_with_a_pool() == 1 && threads_named("weft-watchdog") == 0 ? 0 : 2;
}

static int play_unchecked(void)
{
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 2);
    int rc = join(weft_submit(pool, wave, &(weft_none){0}));
    int n = threads_named("weft-watchdog");
    weft_pool_close(&pool);
    return rc < 0 || n != 0;
}

// Runs when the library's handler has, for that was registered later.
static void look_for_watchdog(void)
{
    if (threads_named("weft-watchdog") != 0)
        _exit(3);
}

static weft_pool *forgotten;

static int play_to_exit(void)
{
    atexit(look_for_watchdog);
    forgotten = weft_pool_open(WEFT_FIBERS, .workers = 2);
    return forgotten && join(weft_start(WEFT_FIBERS, wave, &(weft_none){0})) == 0 ? 0 : 1;
}

// Runs in a forked child when the library's handler has. A leak sanitizer would look after it, and
// find what the threads that the child does not have held at the fork.
static bool is_child;

static void end_child(void)
{
    if (is_child)
        _exit(threads_named("weft-watchdog"));
}

static int play_fork(void)
{
    atexit(end_child);
    int rc = join(weft_start(WEFT_FIBERS, wave, &(weft_none){0}));
    pid_t child = fork();
    is_child = child == 0;
    if (is_child)
        exit(4); // the handlers too
    int status = 1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return rc < 0 || status != 0;
}

// Fibers that end while they are looked at, on loops that do.
static int briefly(const int *rounds, weft_none *none)
{
    (void)none;
    for (volatile int i = 0; i < *rounds; i = i + 1)
        continue;
    return 0;
}
WEFT_TASK(briefly, int, weft_none);

static int play_many(void)
{
    wf_watchdog_ms = 1;
    for (int i = 0; i < 10; i++) {
        weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 2);
        for (int k = 0; k < 40; k++) {
            weft_future *f = weft_start(WEFT_FIBERS, briefly, &(int){k * 100000});
            if (weft_spawn(pool, briefly, &(int){k * 50000}) < 0 || join(f) < 0)
                return 1;
        }
        weft_pool_close(&pool);
    }
    return 0;
}

// ---- the tests --------------------------------------------------------------------------

static void play_checked(const char *name, struct ran *ran)
{
    run_scene(name, true, ran);
    show_unless(WIFEXITED(ran->status) && WEXITSTATUS(ran->status) == 0, name, ran);
}

// Until it says so, each time with twice the patience.
static void play_until(bool (*says_so)(const char *err, int times), const char *name)
{
    struct ran ran;
    bool good = false;
    char text[16];
    for (int times = 1; !good && times <= 8; times *= 2) {
        snprintf(text, sizeof text, "%d", times);
        setenv("WEFT_TEST_TIMES", text, 1);
        play_checked(name, &ran);
        good = says_so(ran.err, times);
    }
    unsetenv("WEFT_TEST_TIMES");
    show_unless(good, name, &ran);
}

static bool says_only(const char *err, const char *who, int times)
{
    char line[256];
    snprintf(line, sizeof line,
             "weft: fiber %s has computed for %d.%d s without waiting: its loop and 0 other fibers "
             "wait; hand it to a thread or call weft_yield\n",
             who, times * 2 / 10, times * 2 % 10);
    return strcmp(err, line) == 0;
}

static bool says_task(const char *err, int times)
{
    return says_only(err, "resize-3 (task resize)", times);
}

static void a_fiber_that_computes_too_long_is_named(void **state)
{
    (void)state;
    play_until(says_task, "play_one");
}

static bool says_no_task(const char *err, int times)
{
    return says_only(err, "images-1 (no task: on_start or on_error)", times);
}

static void so_is_one_that_does_it_on_its_loops_stack(void **state)
{
    (void)state;
    struct ran ran;
    play_checked("play_below", &ran);
    assert_non_null(strstr(ran.err, "weft: fiber resize-3 (task resize_below) has computed for "));
}

static void so_are_the_calls_of_a_pool_that_are_no_task(void **state)
{
    (void)state;
    play_until(says_no_task, "play_on_start");
    play_until(says_no_task, "play_on_error");
}

static bool says_three(const char *err, int times)
{
    (void)times;
    return strstr(err, "its loop and 3 other fibers wait;") && is_one_line(err);
}

static bool says_one(const char *err, int times)
{
    (void)times;
    return strstr(err, "its loop and 1 other fiber wait;") && is_one_line(err);
}

static void those_that_wait_for_it_are_counted(void **state)
{
    (void)state;
    play_until(says_three, "play_among_three");
    play_until(says_one, "play_among_one");
}

// The first in the first line, the second in the other.
static bool says_two(const char *err, int times)
{
    (void)times;
    const char *rest = strchr(err, '\n'), *first = strstr(err, "(task first)");
    return rest && first && first < rest && is_one_line(rest + 1) && strstr(rest, "(task second)");
}

static void it_is_named_once_and_who_yields_is_not(void **state)
{
    (void)state;
    play_until(says_two, "play_two");
}

static void the_watchdog_leaves_with_the_last_loop(void **state)
{
    (void)state;
    struct ran ran;
    play_checked("play_with_pools", &ran);
    play_checked("play_to_exit", &ran);
    assert_string_equal(ran.err, "");
}

static void without_checks_there_is_none(void **state)
{
    (void)state;
    assert_ends("play_unchecked", 0, "");
}

static void a_forked_child_has_none(void **state)
{
    (void)state;
    if (SANITIZED) // of programs with threads the one likes no forks, and the other finds leaked in
        skip();    // the child what only a loop's stack held: a future that it is just giving up
    struct ran ran;
    play_checked("play_fork", &ran);
}

static void fibers_may_end_while_they_are_looked_at(void **state)
{
    (void)state;
    struct ran ran;
    play_checked("play_many", &ran);
}

static const struct scene scenes[] = {
    SCENE(play_on_start),  SCENE(play_on_error), SCENE(play_one),        SCENE(play_among_three),
    SCENE(play_among_one), SCENE(play_two),      SCENE(play_with_pools), SCENE(play_to_exit),
    SCENE(play_unchecked), SCENE(play_fork),     SCENE(play_many),       SCENE(play_below),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fiber_that_computes_too_long_is_named),
    cmocka_unit_test(so_is_one_that_does_it_on_its_loops_stack),
    cmocka_unit_test(so_are_the_calls_of_a_pool_that_are_no_task),
    cmocka_unit_test(those_that_wait_for_it_are_counted),
    cmocka_unit_test(it_is_named_once_and_who_yields_is_not),
    cmocka_unit_test(the_watchdog_leaves_with_the_last_loop),
    cmocka_unit_test(without_checks_there_is_none),
    cmocka_unit_test(a_forked_child_has_none),
    cmocka_unit_test(fibers_may_end_while_they_are_looked_at),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
