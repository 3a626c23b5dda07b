// SPDX-License-Identifier: MIT
// process_waits_test.c - those who wait for tasks of processes take the results themselves: many
// for one worker, one who gives up, and what becomes of them when it dies or the task moves.
#include "process_helpers.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif

enum { WAITERS = 8 };

static int nap(const int *ms, weft_none *out)
{
    (void)out;
    nap_ms(*ms);
    return 0;
}
WEFT_TASK(nap, int, weft_none);

// ---- one worker ----------------------------------------------------------------------------

struct user {
    pthread_t thread;
    weft_pool *pool;
    int trips;
    atomic_int right;
};

static void *use(void *arg)
{
    struct user *u = arg;
    for (int i = 0; i < u->trips; i++) {
        long out = -1;
        weft_future *f = weft_submit(u->pool, square, &i);
        if (f && weft_join_as(&f, square, &out) == 0 && out == (long)i * i)
            atomic_fetch_add(&u->right, 1);
    }
    return NULL;
}

static void begin_users(struct user users[WAITERS], weft_pool *pool, int trips)
{
    for (int i = 0; i < WAITERS; i++) {
        users[i] = (struct user){.pool = pool, .trips = trips};
        assert_int_equal(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
    }
}

static void end_users(struct user users[WAITERS])
{
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_join(users[i].thread, NULL), 0);
        assert_int_equal(atomic_load(&users[i].right), users[i].trips);
    }
}

static void all_who_wait_for_one_worker_get_theirs(void **state)
{
    (void)state;
    struct user users[WAITERS];
    weft_pool *pool = pool_of(1);
    begin_users(users, pool, 200);
    end_users(users);
    weft_pool_close(&pool);
}

static void who_waits_behind_one_that_dies_gets_his(void **state)
{
    (void)state;
    struct user users[WAITERS];
    weft_pool *pool = pool_of(1);
    weft_future *first = weft_submit(pool, never_return, &(weft_none){0});
    (void)await_begun(first);
    begin_users(users, pool, 2);
    nap_ms(20); // most of them sleep by now
    assert_int_equal(weft_kill(first), 0);
    assert_int_equal(weft_join(&first, NULL, 0), -EOWNERDEAD);
    end_users(users);
    weft_pool_close(&pool);
}

// ---- two -----------------------------------------------------------------------------------

// Each of the squares may lie behind the task that never ends: then it moves when the other worker
// has nothing to do, which is after somebody has begun to wait for it.
static void a_task_that_moves_is_still_waited_for(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    weft_future *longest = weft_submit(pool, never_return, &(weft_none){0});
    weft_future *longer = weft_submit(pool, nap, &(int){100});
    weft_future *squares[6];
    for (int i = 0; i < 6; i++)
        squares[i] = weft_submit(pool, square, &i);
    for (int i = 0; i < 6; i++) {
        long out = -1;
        assert_int_equal(weft_join_as(&squares[i], square, &out), 0);
        assert_int_equal(out, (long)i * i);
    }
    assert_int_equal(weft_join(&longer, NULL, 0), 0);
    assert_int_equal(weft_kill(longest), 0);
    assert_int_equal(weft_join(&longest, NULL, 0), -EOWNERDEAD);
    weft_pool_close(&pool);
}

// ---- who gives up --------------------------------------------------------------------------

static void a_wait_ends_at_its_deadline_and_others_go_on(void **state)
{
    (void)state;
    struct user users[WAITERS];
    weft_pool *pool = pool_of(1);
    weft_future *longer = weft_submit(pool, nap, &(int){100});
    begin_users(users, pool, 1);
    weft_future *last = weft_submit(pool, square, &(int){5});
    int rc = weft_wait(last, weft_after_ms(5)); // behind the others
    assert_true(rc == -ETIMEDOUT || rc == 0);
    end_users(users);
    assert_int_equal(weft_join(&longer, NULL, 0), 0);
    long out = -1;
    assert_int_equal(weft_join_as(&last, square, &out), 0);
    assert_int_equal(out, 25);
    weft_pool_close(&pool);
}

static int wait_for(weft_future *const *f, weft_none *out)
{
    (void)out;
    return weft_wait(*f, WEFT_FOREVER);
}
WEFT_TASK(wait_for, weft_future *, weft_none);

static void a_wait_can_be_cancelled(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    weft_future *longest = weft_submit(pool, never_return, &(weft_none){0});
    weft_future *waiter = weft_start(WEFT_THREADS, wait_for, &longest);
    nap_ms(10);
    weft_cancel(waiter);
    assert_int_equal(weft_join(&waiter, NULL, 0), -ECANCELED);
    assert_int_equal(weft_kill(longest), 0);
    assert_int_equal(weft_join(&longest, NULL, 0), -EOWNERDEAD);
    weft_pool_close(&pool);
}

static int block_all_signals(void *ctx)
{
    (void)ctx;
    sigset_t all;
    sigfillset(&all);
    return signal(SIGURG, SIG_IGN) == SIG_ERR ? -errno : sigprocmask(SIG_BLOCK, &all, NULL);
}

static int sleep_long(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return weft_sleep(weft_after_ms(5000));
}
WEFT_TASK(sleep_long, weft_none, weft_none);

static void also_that_of_a_task_whose_worker_has_blocked_all_signals(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_start = block_all_signals);
    weft_future *f = weft_submit(pool, sleep_long, &(weft_none){0});
    (void)await_begun(f);
    nap_ms(10); // until it sleeps, mostly
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    weft_pool_close(&pool);
}

// ---- without futex_waitv -------------------------------------------------------------------

static int refuse_futex_waitv(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_futex_waitv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = COUNT(code), .filter = code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    CHECK(syscall(__NR_futex_waitv, NULL, 0, 0, NULL, 0) == -1 && errno == ENOSYS);
    return 0;
}

static int use_once(weft_pool *pool)
{
    weft_future *longer = weft_submit(pool, nap, &(int){20});
    weft_future *f = weft_submit(pool, square, &(int){6});
    long out = -1;
    CHECK(longer && weft_join(&longer, NULL, 0) == 0);
    CHECK(f && weft_join_as(&f, square, &out) == 0 && out == 36);
    return 0;
}

static int scene_without_futex_waitv(void)
{
    if (refuse_futex_waitv() != 0)
        return 1;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    CHECK(pool && use_once(pool) == 0);
    weft_pool_close(&pool);
    return 0;
}

static int scene_futex_waitv_goes(void)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    CHECK(pool && use_once(pool) == 0);
    if (refuse_futex_waitv() != 0)
        return 1;
    CHECK(use_once(pool) == 0);
    weft_pool_close(&pool);
    return 0;
}

static void where_the_kernel_cannot_sleep_on_two_words_results_come_too(void **state)
{
    (void)state;
    scene_ends("scene_without_futex_waitv", false, 0, "");
    scene_ends("scene_futex_waitv_goes", false, 0, "");
}

static const struct scene scenes[] = {
    SCENE(scene_without_futex_waitv),
    SCENE(scene_futex_waitv_goes),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_who_wait_for_one_worker_get_theirs),
    cmocka_unit_test(who_waits_behind_one_that_dies_gets_his),
    cmocka_unit_test(a_task_that_moves_is_still_waited_for),
    cmocka_unit_test(a_wait_ends_at_its_deadline_and_others_go_on),
    cmocka_unit_test(a_wait_can_be_cancelled),
    cmocka_unit_test(also_that_of_a_task_whose_worker_has_blocked_all_signals),
    cmocka_unit_test(where_the_kernel_cannot_sleep_on_two_words_results_come_too),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
