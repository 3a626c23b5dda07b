// SPDX-License-Identifier: MIT
// fence_test.c - what weft does where the kernel refuses the fence that it passes on all threads: a
// filter of system calls may come at any time. And where fibers ran before anybody had asked for
// it, as those do that a constructor starts in a program with the static library.
#include "contract.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "os/fence.h"

// ---- scenes -------------------------------------------------------------------------------

// From here on, on all threads.
static int refuse_membarrier(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = COUNT(code), .filter = code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static int nothing(const weft_none *in, weft_none *out)
{
    (void)in, (void)out;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

static int start_and_list(enum weft_kind kind)
{
    struct weft_info infos[4];
    weft_future *f = weft_start(kind, nothing, &(weft_none){0});
    CHECK(f && weft_list(kind, infos, COUNT(infos)) <= 2); // it, if it runs, and the first thread
    return weft_join(&f, NULL, 0);
}

static int sleep_long(const weft_none *in, weft_none *out)
{
    (void)in, (void)out;
    return weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(sleep_long, weft_none, weft_none);

// The end of the program looks for tasks, too, and for daemons.
static int run_threads_without(void)
{
    CHECK(start_and_list(WEFT_THREADS) == 0);
    CHECK(refuse_membarrier() == 0);
    weft_future *daemon = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .daemon = true), sleep_long,
                                        &(weft_none){0});
    CHECK(daemon);
    weft_drop(&daemon);
    return start_and_list(WEFT_THREADS);
}

static int run_fibers_without(void)
{
    CHECK(refuse_membarrier() == 0);
    return start_and_list(WEFT_FIBERS);
}

static int run_fibers_before(void)
{
    CHECK(start_and_list(WEFT_FIBERS) == 0);
    return run_fibers_without();
}

static int fork_and_refuse(const weft_none *in, weft_none *out)
{
    int status;
    (void)in, (void)out;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(refuse_membarrier() == 0);
        _exit(weft_list(WEFT_FIBERS, NULL, 0) <= 1 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status == 0 ? 0 : -1;
}
WEFT_TASK(fork_and_refuse, weft_none, weft_none);

static int run_child_without(void)
{
    weft_future *f = weft_start(WEFT_FIBERS, fork_and_refuse, &(weft_none){0});
    CHECK(f);
    return weft_join(&f, NULL, 0);
}

static atomic_bool stop;
static atomic_int rounds;

static int come_and_go(const weft_none *in, weft_none *out)
{
    (void)in, (void)out;
    for (; !atomic_load(&stop); atomic_fetch_add(&rounds, 1)) {
        weft_future *f = weft_start(WEFT_FIBERS, nothing, &(weft_none){0});
        CHECK(f && weft_join(&f, NULL, 0) == 0);
    }
    return 0;
}
WEFT_TASK(come_and_go, weft_none, weft_none);

// The constructor that asks the kernel comes late: here again and again, at any moment of a task.
static int run_begun_before(void)
{
    wf_fence_works = false;
    weft_future *f = weft_start(WEFT_FIBERS, come_and_go, &(weft_none){0});
    CHECK(f);
    for (int i = 1; i <= 2000; i++) {
        for (int seen = atomic_load(&rounds); atomic_load(&rounds) == seen && !weft_done(f);)
            wf_fence_works = !wf_fence_works;
        if (i % 100 == 0)
            CHECK(weft_list(WEFT_FIBERS, NULL, 0) >= 1);
    }
    wf_fence_works = true;
    atomic_store(&stop, true);
    return weft_join(&f, NULL, 0);
}

// ---- tests --------------------------------------------------------------------------------

TEST(a_program_of_threads_never_asks_for_it)
{
    expect_clean_end(run_threads_without);
}

TEST(fibers_that_begin_later_do_without_it)
{
    expect_clean_end(run_fibers_without);
}

TEST(fibers_that_began_before_abort)
{
    if (!wf_fence_works)
        skip();
    assert_aborts("run_fibers_before", "weft:", "the kernel refuses membarrier");
}

TEST(the_child_of_a_fork_never_asks_for_it)
{
    expect_clean_end(run_child_without);
}

TEST(fibers_may_run_before_it_is_there)
{
    if (!wf_fence_works)
        skip();
    expect_clean_end(run_begun_before);
}

static const struct scene scenes[] = {
    SCENE(run_threads_without), SCENE(run_fibers_without), SCENE(run_fibers_before),
    SCENE(run_child_without),   SCENE(run_begun_before),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_program_of_threads_never_asks_for_it),
    cmocka_unit_test(fibers_that_begin_later_do_without_it),
    cmocka_unit_test(fibers_that_began_before_abort),
    cmocka_unit_test(the_child_of_a_fork_never_asks_for_it),
    cmocka_unit_test(fibers_may_run_before_it_is_there),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
