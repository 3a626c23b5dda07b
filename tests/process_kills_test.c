// SPDX-License-Identifier: MIT
// process_kills_test.c - workers are killed at random, all the time. Each task's effects are
// counted on the board: one that succeeds ran exactly once, one that died at most once, and none is
// lost. WEFT_TEST_LONG makes it longer.
#include "board.h"
#include "process_helpers.h"

enum { EVERY_MS = 5, N = 400, AT_WORK = 8 };

struct effects {
    atomic_int at_work[AT_WORK]; // processes that have begun a task; 0: none, or killed
    atomic_int begun[N], ended[N];
};

struct effect {
    struct effects *all;
    int place;
};

static int take_effect(const struct effect *e, int *out)
{
    int pid = getpid();
    atomic_store(&e->all->at_work[pid % AT_WORK], pid);
    atomic_fetch_add(&e->all->begun[e->place], 1);
    for (volatile int i = 0; i < 200000; i = i + 1)
        continue;
    *out = e->place + 1;
    atomic_fetch_add(&e->all->ended[e->place], 1);
    return 0;
}
WEFT_TASK(take_effect, struct effect, int);

// ---- the killer ----------------------------------------------------------------------------

struct killer {
    struct effects *all;
    atomic_bool stop;
    long kills;
};

// Only those that have run a task: ten that die before they are ready would end the pool, rightly.
static void *kill_at_random(void *arg)
{
    struct killer *k = arg;
    unsigned seed = 7;
    while (!atomic_load(&k->stop)) {
        nap_ms(EVERY_MS);
        int pid = 0;
        for (int i = 0; i < AT_WORK && pid == 0; i++)
            pid = atomic_exchange(&k->all->at_work[(unsigned)rand_r(&seed) % AT_WORK], 0);
        if (pid != 0)
            k->kills += kill(pid, SIGKILL) == 0;
    }
    return NULL;
}

// ---- one round -----------------------------------------------------------------------------

static void start_round(struct effects *all, weft_pool *pool, weft_future *futures[N])
{
    for (int i = 0; i < N; i++) {
        atomic_store(&all->begun[i], 0);
        atomic_store(&all->ended[i], 0);
        futures[i] = weft_submit(pool, take_effect, &(struct effect){all, i});
        assert_non_null(futures[i]);
    }
}

// True: it succeeded.
static bool end_one(weft_future **f, const struct effects *all, int i)
{
    int out = 0, rc = weft_join_as(f, take_effect, &out);
    int begun = atomic_load(&all->begun[i]), ended = atomic_load(&all->ended[i]);
    bool right = rc == 0 ? out == i + 1 && begun == 1 && ended == 1
                         : rc == -EOWNERDEAD && begun <= 1 && ended <= begun;
    if (!right)
        fail_msg("task %d: %d (%s), result %d; begun %d times, ended %d", i, rc, weft_error(), out,
                 begun, ended);
    return rc == 0;
}

static void every_task_ends_once_while_workers_are_killed(void **state)
{
    (void)state;
    static weft_future *futures[N];
    struct effects *all = on_board(struct effects);
    struct killer killer = {.all = all};
    pthread_t thread;
    long done = 0, died = 0;
    time_t end = time(NULL) + (getenv("WEFT_TEST_LONG") ? 10 : 3);
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 3);
    assert_int_equal(pthread_create(&thread, NULL, kill_at_random, &killer), 0);
    while (time(NULL) < end || died == 0 || done <= died) { // on a slow machine that takes longer
        start_round(all, pool, futures);
        for (int i = 0; i < N; i++)
            *(end_one(&futures[i], all, i) ? &done : &died) += 1;
    }
    atomic_store(&killer.stop, true);
    pthread_join(thread, NULL);
    weft_pool_close(&pool);
    print_message("%ld done, %ld died, %ld kills\n", done, died, killer.kills);
    assert_true(died <= killer.kills);
}

// A map that loses a worker fails as a whole; the next is whole again.
static void a_map_succeeds_or_says_that_it_did_not(void **state)
{
    (void)state;
    static struct effect in[N];
    static int out[N];
    struct effects *all = on_board(struct effects);
    struct killer killer = {.all = all};
    pthread_t thread;
    long done = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 3);
    for (int i = 0; i < N; i++)
        in[i] = (struct effect){all, i};
    assert_int_equal(pthread_create(&thread, NULL, kill_at_random, &killer), 0);
    for (time_t end = time(NULL) + 2; time(NULL) < end;) {
        memset(out, 0, sizeof out);
        int rc = weft_map(pool, WEFT_FOREVER, take_effect, N, out, in);
        assert_true(rc == 0 || rc == -EOWNERDEAD);
        for (int i = 0; rc == 0 && i < N; i++)
            assert_int_equal(out[i], i + 1);
        done += rc == 0;
    }
    atomic_store(&killer.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, take_effect, N, out, in), 0);
    weft_pool_close(&pool);
    print_message("%ld maps, %ld kills\n", done, killer.kills);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_task_ends_once_while_workers_are_killed),
    cmocka_unit_test(a_map_succeeds_or_says_that_it_did_not),
};

TEST_MAIN(tests)
