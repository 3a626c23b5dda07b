// SPDX-License-Identifier: MIT
// fork_return_test.c - a task forks, and its child returns from the task's function as if it were
// the parent: it exits there. No other task runs in it, nobody hears of its result, and the parent
// goes on: on threads, on fibers and in worker processes.
#include "exec_helpers.h"
#include "fork_tsan.h"

#if UNDER_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0"; // what only the stacks of other threads hold would count in a child
}
#endif

enum { BEHIND = 20 };
static const enum weft_kind kinds[] = {WEFT_THREADS, WEFT_FIBERS, WEFT_PROCESSES};

struct outcome {
    pid_t pid;  // of the parent of that child
    int status; // the child's
};

static _Atomic pid_t home; // of the tasks; set before a fork

// 0 in the parent, `code` in the child.
static int fork_here(int code, struct outcome *out)
{
    home = getpid();
    fflush(NULL);
    *out = (struct outcome){.pid = home, .status = -1};
    pid_t pid = fork();
    if (pid == 0)
        die_after(10);
    if (pid <= 0)
        return pid < 0 ? -errno : code;
    while (waitpid(pid, &out->status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int fork_and_return(const int *code, struct outcome *out)
{
    return fork_here(*code, out);
}
WEFT_TASK(fork_and_return, int, struct outcome);

static int be_at_home(const int *unused, pid_t *pid)
{
    (void)unused;
    *pid = getpid();
    if (home != 0 && *pid != home)
        _exit(90);
    return 0;
}
WEFT_TASK(be_at_home, int, pid_t);

static void assert_exited(int status, int code)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != (code < 0 ? 1 : 0))
        fail_msg("returned %d: wait status %#x", code, (unsigned)status);
}

static void it_exits_by_what_it_returned(void **state)
{
    (void)state;
    static const int codes[] = {0, 7, -EIO};
    for (size_t i = 0; i < 3 * COUNT(kinds); i++) {
        struct outcome out = {0, -1};
        weft_future *f = weft_start(kinds[i / 3], fork_and_return, &codes[i % 3]);
        assert_int_equal(weft_join_as(&f, fork_and_return, &out), 0);
        assert_exited(out.status, codes[i % 3]);
    }
}

// Others stand behind it in the one worker's line.
static void no_other_task_runs_in_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct outcome out = {0, -1};
        weft_future *behind[BEHIND];
        weft_pool *pool = weft_pool_open(kinds[i], .workers = 1);
        weft_future *f = weft_submit(pool, fork_and_return, &(int){-EIO});
        for (int k = 0; k < BEHIND; k++)
            assert_non_null(behind[k] = weft_submit(pool, be_at_home, &k));
        assert_int_equal(weft_wait(f, much_later()), 0); // else we might run it
        assert_int_equal(weft_join_as(&f, fork_and_return, &out), 0);
        assert_exited(out.status, -EIO);
        for (int k = 0; k < BEHIND; k++) {
            pid_t pid = 0;
            assert_int_equal(weft_join_as(&behind[k], be_at_home, &pid), 0);
            assert_int_equal(pid, out.pid);
        }
        weft_pool_close(&pool);
    }
}

// As a joiner runs it, or weft_block, which returns to its caller; and an item of a map.
static int block_and_return(const int *code, struct outcome *out)
{
    return weft_block(fork_and_return, out, code);
}
WEFT_TASK(block_and_return, int, struct outcome);

static void it_is_so_wherever_a_task_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct outcome out[2] = {{0, -1}, {0, -1}};
        weft_future *f = weft_start(kinds[i], block_and_return, &(int){-EIO});
        assert_int_equal(weft_join_as(&f, block_and_return, &out[0]), 0);
        assert_exited(out[0].status, -EIO);
        weft_pool *pool = weft_pool_open(kinds[i], .workers = 2);
        assert_int_equal(weft_map(pool, much_later(), fork_and_return, 2, out, ((int[]){0, -EIO})),
                         0);
        assert_exited(out[0].status, 0);
        assert_exited(out[1].status, -EIO);
        f = weft_submit(pool, fork_and_return, &(int){0});
        assert_int_equal(weft_join_as(&f, fork_and_return, &out[0]), 0); // runs it, perhaps
        assert_exited(out[0].status, 0);
        weft_pool_close(&pool);
    }
}

// Who drops a task himself forks in his own code: that child goes on with it.
static struct outcome told;

static void fork_when_told(const char *task, int code, const char *message, void *ctx)
{
    (void)task, (void)code, (void)message, (void)ctx;
    (void)fork_here(0, &told);
}

static int fail_alone(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return -EIO;
}
WEFT_TASK(fail_alone, weft_none, weft_none);

static void so_does_one_that_returns_from_the_hook_for_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        told = (struct outcome){0, -1};
        weft_pool *pool = weft_pool_open(kinds[i], .workers = 1, .on_error = fork_when_told);
        assert_int_equal(weft_spawn(pool, fail_alone, &(weft_none){0}), 0);
        for (int k = 0; k < BEHIND; k++)
            assert_int_equal(weft_spawn(pool, be_at_home, &k), 0);
        weft_pool_close(&pool);
        assert_exited(told.status, -EIO);
    }
}

static void fork_at_last(void *value)
{
    (void)fork_here(0, value);
}

static int leave_a_value(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    static weft_local last = WEFT_LOCAL(fork_at_last);
    told = (struct outcome){0, -1};
    return weft_local_set(&last, &told);
}
WEFT_TASK(leave_a_value, weft_none, weft_none);

// Of its own process.
static int say_what_was_told(const weft_none *none, struct outcome *out)
{
    (void)none;
    *out = told;
    return 0;
}
WEFT_TASK(say_what_was_told, weft_none, struct outcome);

static void so_does_one_that_returns_from_what_destroys_a_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct outcome out = {0, -1};
        weft_pool *pool = weft_pool_open(kinds[i], .workers = 1);
        weft_future *f = weft_submit(pool, leave_a_value, &(weft_none){0});
        for (int k = 0; k < BEHIND; k++)
            assert_int_equal(weft_spawn(pool, be_at_home, &k), 0);
        assert_int_equal(weft_wait(f, much_later()), 0);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        f = weft_submit(pool, say_what_was_told, &(weft_none){0});
        assert_int_equal(weft_join_as(&f, say_what_was_told, &out), 0);
        weft_pool_close(&pool);
        assert_exited(out.status, 0);
    }
}

static int fork_first(void *ctx)
{
    struct outcome out;
    (void)ctx;
    int rc = fork_here(-EIO, &out);
    return rc < 0 || (WIFEXITED(out.status) && WEXITSTATUS(out.status) == 1) ? rc : -EBADMSG;
}

static void so_does_one_that_returns_from_on_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        pid_t pid = 0;
        weft_pool *pool = weft_pool_open(kinds[i], .workers = 1, .on_start = fork_first);
        weft_future *f = weft_submit(pool, be_at_home, &(int){0});
        assert_int_equal(weft_join_as(&f, be_at_home, &pid), 0);
        weft_pool_close(&pool);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_exits_by_what_it_returned),
    cmocka_unit_test(no_other_task_runs_in_it),
    cmocka_unit_test(it_is_so_wherever_a_task_runs),
    cmocka_unit_test(so_does_one_that_returns_from_the_hook_for_failures),
    cmocka_unit_test(so_does_one_that_returns_from_what_destroys_a_value),
    cmocka_unit_test(so_does_one_that_returns_from_on_start),
};
TEST_MAIN(tests)
