// SPDX-License-Identifier: MIT
// overflow_test.c - a fiber that overflows its stack is named, whatever guards it; and whatever is
// no overflow goes to whom it went before.
#include "unit.h"

#include "core/current.h"
#include "os/stack.h"

// ---- fibers that need too much ----------------------------------------------------------

// Frame upon frame until one lies beyond `lowest`; then back.
__attribute__((noinline)) static int descend(const char *lowest)
{
    char frame[512];
    memset(frame, 1, sizeof frame);
    keep_in_memory(frame);
    if (frame > lowest)
        return descend(lowest) + frame[1];
    return 1;
}

// A little beyond the floor, and then a switch; or, with a guard, not as far as that.
static int handler(const int *beyond, weft_none *none)
{
    (void)none;
    const struct wf_stack *stack = wf_self()->seat;
    int rc = descend(stack->bottom - *beyond);
    weft_yield();
    return rc > 0 ? 0 : -EIO;
}
WEFT_TASK(handler, int, weft_none);

// One frame that is larger than a guard, and touches only what lies farthest. Built so that frames
// are probed (tests/meson.build): the answer to how a program should be.
static int leap(const int *unused, weft_none *none)
{
    (void)unused, (void)none;
    volatile char frame[100 << 10];
    keep_in_memory(frame);
    frame[0] = 1;
    return frame[0] - 1;
}
WEFT_TASK(leap, int, weft_none);

static int nap(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    return weft_sleep(weft_after_ms(5));
}
WEFT_TASK(nap, weft_none, weft_none);

static int join(weft_future *f)
{
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}

static int overflow_alone(size_t stack_size)
{
    return join(
        weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "client-7", .stack_size = stack_size),
                      handler, &(int){1024}));
}

static int play_named(void)
{
    return overflow_alone(0);
}

static int play_large(void)
{
    return overflow_alone(900 << 10);
}

static int play_nameless(void)
{
    return join(weft_start(WEFT_FIBERS, handler, &(int){1024}));
}

static int play_leap(void)
{
    return join(weft_start(WEFT_FIBERS, leap, &(int){0}));
}

// Not joined: a thread that joins a pool's task may run it in place, on its own large stack.
static int play_pool(void)
{
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 2, .name = "chat");
    int rc = pool ? weft_spawn(pool, handler, &(int){1024}) : 1;
    weft_pool_close(&pool);
    return rc;
}

// Each of many workers is a spare one, but for the first.
static int play_crowd(void)
{
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "chat");
    for (int i = 0; i < 100; i++)
        (void)weft_spawn(pool, nap, &(weft_none){0});
    (void)weft_spawn(pool, handler, &(int){1024});
    weft_pool_close(&pool);
    return 1;
}

static int play_protected(void)
{
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    return play_named();
}

static int play_protected_pool(void)
{
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    return play_pool();
}

static int play_unguarded(void)
{
    wf_stack_guard_by(WF_GUARD_CANARY, -1);
    return play_named();
}

static int play_unguarded_pool(void)
{
    wf_stack_guard_by(WF_GUARD_CANARY, -1);
    return play_pool();
}

static int play_unguarded_large(void)
{
    wf_stack_guard_by(WF_GUARD_CANARY, -1);
    return play_large();
}

// The next to use a stack that was given back has the same guard.
static int play_used_again(void)
{
    for (int i = 0; i < 3; i++) { // a large one is given back at once
        weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .stack_size = 30 << 20),
                                       handler, &(int){-4096});
        if (join(f) < 0)
            return 1;
    }
    return overflow_alone(30 << 20);
}

static void dies_of_overflow(const char *name, int sig, const char *const *words)
{
    struct ran ran;
    run_scene(name, false, &ran);
    bool good = WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == sig && has_all(ran.err, words) &&
                is_one_line(ran.err);
    show_unless(good, name, &ran);
}
#define expect_overflow(scene, sig, ...) \
    dies_of_overflow(#scene, (sig), WORDS_("weft: fiber ", "overflowed its stack", __VA_ARGS__))

#define not_under_a_sanitizer() \
    do { \
        if (SANITIZED) /* it tells itself, and its frames are larger */ \
            skip(); \
    } while (0)

static void an_overflow_says_which_fiber_on_which_task(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    expect_overflow(play_named, SIGSEGV, "client-7 (task handler)", " 64 KiB", ".stack_size");
    expect_overflow(play_nameless, SIGSEGV, "fiber Fiber-1 (handler) overflowed", " 64 KiB");
}

static void an_overflow_in_a_pool_names_the_worker_and_its_task(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    expect_overflow(play_pool, SIGSEGV, "fiber chat-", " (task handler)", " 64 KiB");
    expect_overflow(play_crowd, SIGSEGV, "fiber chat-", " (task handler)", " 64 KiB");
    expect_overflow(play_protected_pool, SIGSEGV, "fiber chat-", " (task handler)");
    expect_overflow(play_unguarded_pool, SIGABRT, "fiber chat-", " (task handler)");
}

static void an_overflow_of_a_large_stack_is_told_too(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    expect_overflow(play_large, SIGSEGV, "client-7 (task handler)", " 1024 KiB");
    expect_overflow(play_unguarded_large, SIGABRT, "client-7 (task handler)", " 1024 KiB");
    expect_overflow(play_used_again, SIGSEGV, "client-7 (task handler)", " 32768 KiB");
}

static void each_kind_of_guard_finds_it(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    expect_overflow(play_protected, SIGSEGV, "client-7 (task handler)", " 64 KiB");
    expect_overflow(play_unguarded, SIGABRT, "client-7 (task handler)", " 64 KiB");
}

static void a_large_frame_does_not_leap_over_the_guard(void **state)
{
    (void)state;
    not_under_a_sanitizer();
#ifdef PROBED
    expect_overflow(play_leap, SIGSEGV, "(leap)");
#else
    (void)play_leap;
    skip(); // the compiler cannot
#endif
}

// ---- what is no overflow ----------------------------------------------------------------

static volatile int *volatile nowhere; // in the first page, which nothing is ever mapped at

static int stumble(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    return *nowhere;
}
WEFT_TASK(stumble, weft_none, weft_none);

static int play_bad_pointer(void)
{
    return join(weft_start(WEFT_FIBERS, stumble, &(weft_none){0}));
}

static int wave(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    return 0;
}
WEFT_TASK(wave, weft_none, weft_none);

// On a thread of the program's, with loops there.
static int play_bad_pointer_of_main(void)
{
    (void)join(weft_start(WEFT_FIBERS, wave, &(weft_none){0}));
    return *nowhere;
}

static int play_sent(void)
{
    (void)join(weft_start(WEFT_FIBERS, wave, &(weft_none){0}));
    kill(getpid(), SIGSEGV);
    return 1;
}

static int play_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    (void)join(weft_start(WEFT_FIBERS, wave, &(weft_none){0}));
    kill(getpid(), SIGSEGV);
    return 7;
}

static int play_ignored_fault(void)
{
    signal(SIGSEGV, SIG_IGN);
    return play_bad_pointer();
}

static void leave(int sig)
{
    _exit(sig == SIGSEGV ? 8 : 1);
}

static void leave_with_reason(int sig, siginfo_t *info, void *context)
{
    _exit(sig == SIGSEGV && info->si_addr == nowhere && context ? 9 : 1);
}

static int play_own_handler(void)
{
    signal(SIGSEGV, leave);
    return play_bad_pointer();
}

static int play_own_handler_that_asks_why(void)
{
    struct sigaction action = {.sa_sigaction = leave_with_reason, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    return play_bad_pointer();
}

static int play_own_handler_for_main(void)
{
    signal(SIGSEGV, leave);
    return play_bad_pointer_of_main();
}

static int faults;

static void count_once(int sig)
{
    (void)sig;
    faults++;
    if (faults > 1)
        _exit(1);
}

// The second one has no handler any more.
static int play_handler_for_once(void)
{
    struct sigaction action = {.sa_handler = count_once, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGSEGV, &action, NULL);
    return play_bad_pointer();
}

static int play_overflow_before_own_handler(void)
{
    signal(SIGSEGV, leave);
    return play_named();
}

static void dies_in_silence(const char *name)
{
    struct ran ran;
    run_scene(name, false, &ran);
    bool good = WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == SIGSEGV && ran.err[0] == '\0';
    show_unless(good, name, &ran);
}

static void another_fault_ends_the_program_as_ever(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    dies_in_silence("play_bad_pointer");
    dies_in_silence("play_bad_pointer_of_main");
    dies_in_silence("play_ignored_fault");
    dies_in_silence("play_sent");
    assert_ends("play_ignored", 7, "");
}

static void another_fault_goes_to_the_programs_own_handler(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    assert_ends("play_own_handler", 8, "");
    assert_ends("play_own_handler_that_asks_why", 9, "");
    assert_ends("play_own_handler_for_main", 8, "");
    dies_in_silence("play_handler_for_once");
}

static void an_overflow_is_told_though_the_program_has_a_handler(void **state)
{
    (void)state;
    not_under_a_sanitizer();
    expect_overflow(play_overflow_before_own_handler, SIGSEGV, "client-7 (task handler)");
}

static const struct scene scenes[] = {
    SCENE(play_named),
    SCENE(play_nameless),
    SCENE(play_large),
    SCENE(play_leap),
    SCENE(play_pool),
    SCENE(play_crowd),
    SCENE(play_protected),
    SCENE(play_protected_pool),
    SCENE(play_unguarded),
    SCENE(play_unguarded_pool),
    SCENE(play_unguarded_large),
    SCENE(play_used_again),
    SCENE(play_bad_pointer),
    SCENE(play_bad_pointer_of_main),
    SCENE(play_sent),
    SCENE(play_ignored),
    SCENE(play_ignored_fault),
    SCENE(play_own_handler),
    SCENE(play_own_handler_that_asks_why),
    SCENE(play_own_handler_for_main),
    SCENE(play_handler_for_once),
    SCENE(play_overflow_before_own_handler),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_overflow_says_which_fiber_on_which_task),
    cmocka_unit_test(an_overflow_in_a_pool_names_the_worker_and_its_task),
    cmocka_unit_test(an_overflow_of_a_large_stack_is_told_too),
    cmocka_unit_test(each_kind_of_guard_finds_it),
    cmocka_unit_test(a_large_frame_does_not_leap_over_the_guard),
    cmocka_unit_test(another_fault_ends_the_program_as_ever),
    cmocka_unit_test(another_fault_goes_to_the_programs_own_handler),
    cmocka_unit_test(an_overflow_is_told_though_the_program_has_a_handler),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
