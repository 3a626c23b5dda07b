// SPDX-License-Identifier: MIT
// process_faults_test.c - the family on a bad day: its ancestor is killed.
#include "process_helpers.h"

// ---- the ancestor is killed --------------------------------------------------------------------

static void without_its_ancestor_a_program_makes_another(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    weft_future *running = weft_submit(pool, never_return, &(weft_none){0});
    struct weft_info info = await_begun(running);
    pid_t ancestor = ancestor_of(info.pid);
    assert_true(ancestor > 0);
    assert_int_equal(kill(ancestor, SIGKILL), 0);
    assert_int_equal(weft_join(&running, NULL, 0), -EOWNERDEAD);
    for (int i = 0; i < 50; i++) {
        long out = 0;
        weft_future *f = weft_submit(pool, square, &i);
        assert_int_equal(weft_join_as(&f, square, &out), 0);
        assert_int_equal(out, (long)i * i);
    }
    assert_true(goes(ancestor) && goes(info.pid));
    weft_pool_close(&pool);
}

static void so_it_does_each_time(void **state)
{
    (void)state;
    enum { N = 200, ROUNDS = 10 };
    weft_future *futures[N];
    struct weft_info info;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++)
            assert_non_null(futures[i] = weft_submit(pool, square, &i));
        if (weft_list(WEFT_PROCESSES, &info, 1) > 0) {
            pid_t ancestor = ancestor_of(info.pid);
            if (ancestor > 0)
                kill(ancestor, SIGKILL);
        }
        for (int i = 0; i < N; i++) {
            long out = 0;
            int rc = weft_join_as(&futures[i], square, &out);
            if (rc == -EOWNERDEAD)
                continue;
            assert_int_equal(rc, 0);
            assert_int_equal(out, (long)i * i);
        }
    }
    weft_pool_close(&pool);
}

// ---- it is slow --------------------------------------------------------------------------------

static int note(weft_shared_counter *const *began, weft_none *none)
{
    (void)none;
    (void)weft_shared_add(*began, 1);
    return 0;
}
WEFT_TASK(note, weft_shared_counter *, weft_none);

// Goes on once the pipe's other end is closed, or whoever has that is gone: an ancestor that is
// stopped ends with nobody.
static pid_t see_to_it_that_goes_on(pid_t stopped, int *end)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[1]);
        while (read(ends[0], &(char){0}, 1) < 0)
            continue;
        (void)kill(stopped, SIGCONT);
        _exit(0);
    }
    (void)close(ends[0]);
    *end = ends[1];
    return pid;
}

// Their forks are all asked for before the first is killed: what is asked of an ancestor that was
// stopped it does in turn, and the first are there long before it comes to the signals.
static void a_task_that_is_killed_before_it_began_never_begins(void **state)
{
    (void)state;
    enum { N = 20 };
    weft_shared_counter *began = weft_shared(sizeof *began);
    assert_non_null(began);
    weft_future *running = weft_start(WEFT_PROCESSES, never_return, &(weft_none){0});
    weft_future *futures[N];
    pid_t ancestor = ancestor_of(await_begun(running).pid);
    assert_true(ancestor > 0);
    siginfo_t stopped;
    int end;
    pid_t other = see_to_it_that_goes_on(ancestor, &end);
    assert_int_equal(kill(ancestor, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)ancestor, &stopped, WSTOPPED | WNOWAIT), 0);
    for (int i = 0; i < N; i++)
        futures[i] = weft_start(WEFT_PROCESSES, note, &began);
    for (int i = 0; i < N; i++)
        (void)weft_kill(futures[i]);
    assert_int_equal(close(end), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
    for (int i = 0; i < N; i++) {
        assert_int_equal(weft_join(&futures[i], NULL, 0), -EOWNERDEAD);
        assert_non_null(strstr(weft_error(), "SIGKILL"));
    }
    assert_int_equal(weft_shared_value(began), 0);
    assert_int_equal(weft_kill(running), 0);
    assert_int_equal(weft_join(&running, NULL, 0), -EOWNERDEAD);
    weft_shared_free(&began);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_its_ancestor_a_program_makes_another),
    cmocka_unit_test(so_it_does_each_time),
    cmocka_unit_test(a_task_that_is_killed_before_it_began_never_begins),
};

TEST_MAIN(tests)
