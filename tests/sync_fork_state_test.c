// SPDX-License-Identifier: MIT
// sync_fork_state_test.c - what a child of a plain fork() finds of all but locks: flags and counts
// as they were, queues empty, nobody waiting, and a life of its own but for tasks.
//
// Each test forks in the middle of use, with other threads waiting and running.
#include "fork_helpers.h"

// ---- flags and counts ---------------------------------------------------------------

struct signals {
    weft_event set, clear;
    weft_sem some, none;
    weft_waitgroup three, zero;
    weft_barrier two, broken;
    weft_once done, running;
    weft_mutex mu;
    weft_cond cond;
    int waiting; // guarded by mu
    atomic_bool may_end, started;
};

static struct signals some_signals(void)
{
    struct signals s = {.some = WEFT_SEM(2), .two = WEFT_BARRIER(2), .broken = WEFT_BARRIER(2)};
    weft_event_set(&s.set);
    weft_waitgroup_add(&s.three, 3);
    weft_barrier_abort(&s.broken);
    return s;
}

static int wait_for_clear(void *arg)
{
    return weft_event_wait(&((struct signals *)arg)->clear, WEFT_FOREVER);
}

static int wait_for_none(void *arg)
{
    return weft_acquire(&((struct signals *)arg)->none, WEFT_FOREVER);
}

static int wait_for_three(void *arg)
{
    return weft_waitgroup_wait(&((struct signals *)arg)->three, WEFT_FOREVER);
}

static int wait_for_two(void *arg)
{
    int index = weft_barrier_wait(&((struct signals *)arg)->two, WEFT_FOREVER);
    return index < 0 ? index : 0;
}

static int wait_for_cond(void *arg)
{
    struct signals *s = arg;
    weft_lock(&s->mu);
    s->waiting++;
    int rc = weft_cond_wait(&s->cond, &s->mu, WEFT_FOREVER);
    weft_unlock(&s->mu);
    return rc;
}

static int run_slowly(void *arg)
{
    struct signals *s = arg;
    atomic_store(&s->started, true);
    while (!atomic_load(&s->may_end))
        nap_ms(1);
    return 0;
}

static int be_running(void *arg)
{
    return weft_once_do(&((struct signals *)arg)->running, run_slowly, arg);
}

static int count_runs(void *runs)
{
    ++*(int *)runs;
    return 0;
}

static int read_flags_and_counts(struct signals *s)
{
    CHECK(weft_event_is_set(&s->set));
    CHECK(weft_event_wait(&s->set, WEFT_POLL) == 0);
    CHECK(!weft_event_is_set(&s->clear));
    CHECK(weft_event_wait(&s->clear, soon()) == -ETIMEDOUT);
    CHECK(weft_acquire(&s->some, WEFT_POLL) == 0);
    CHECK(weft_acquire(&s->some, WEFT_POLL) == 0);
    CHECK(weft_acquire(&s->some, soon()) == -ETIMEDOUT);
    CHECK(weft_acquire(&s->none, soon()) == -ETIMEDOUT);
    CHECK(weft_waitgroup_wait(&s->zero, WEFT_POLL) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(weft_waitgroup_wait(&s->three, WEFT_POLL) == -ETIMEDOUT);
        weft_waitgroup_done(&s->three);
    }
    CHECK(weft_waitgroup_wait(&s->three, WEFT_POLL) == 0);
    CHECK(weft_barrier_wait(&s->broken, WEFT_POLL) == -EPIPE);
    return 0;
}

static int find_nobody_waiting(struct signals *s)
{
    weft_release(&s->none, 2); // to nobody
    CHECK(weft_acquire(&s->none, WEFT_POLL) == 0);
    CHECK(weft_acquire(&s->none, WEFT_POLL) == 0);
    weft_event_set(&s->clear);
    CHECK(weft_event_wait(&s->clear, WEFT_POLL) == 0);
    weft_cond_signal(&s->cond);
    weft_cond_broadcast(&s->cond);
    weft_lock(&s->mu);
    CHECK(weft_cond_wait(&s->cond, &s->mu, soon()) == -ETIMEDOUT);
    CHECK(!weft_trylock(&s->mu));
    weft_unlock(&s->mu);
    CHECK(weft_barrier_wait(&s->two, WEFT_POLL) == -ETIMEDOUT); // we are alone
    weft_barrier_reset(&s->broken);
    CHECK(weft_barrier_wait(&s->broken, WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int use_signals(void *arg)
{
    struct signals *s = arg;
    int runs = 0;
    CHECK(read_flags_and_counts(s) == 0);
    CHECK(find_nobody_waiting(s) == 0);
    CHECK(weft_once_do(&s->done, count_runs, &runs) == 0);
    CHECK(runs == 0); // done stays done
    CHECK(weft_once_do(&s->running, count_runs, &runs) == 0);
    CHECK(runs == 1); // who was running it is not here
    CHECK(weft_once_do(&s->running, count_runs, &runs) == 0);
    CHECK(runs == 1);
    return 0;
}

static int waiting_for_cond(struct signals *s)
{
    weft_guard(&s->mu);
    return s->waiting;
}

TEST(flags_and_counts_keep_their_values)
{
    struct signals s = some_signals();
    int runs = 0;
    assert_int_equal(weft_once_do(&s.done, count_runs, &runs), 0);
    assert_int_equal(in_child(use_signals, &s), 0);
}

TEST(flags_and_counts_keep_their_values_while_others_wait_and_those_are_not_there)
{
    int (*const waits[])(void *) = {wait_for_clear, wait_for_none, wait_for_three,
                                    wait_for_two,   wait_for_cond, be_running};
    struct signals s = some_signals();
    struct away crowd[COUNT(waits)];
    int runs = 0;
    assert_int_equal(weft_once_do(&s.done, count_runs, &runs), 0);
    for (size_t i = 0; i < COUNT(waits); i++)
        go(&crowd[i], i % 2 ? IN_THREAD : IN_TASK, waits[i], &s);
    await_all_asleep(crowd, 5);
    assert_true(eventually(waiting_for_cond(&s) == 1 && atomic_load(&s.started)));
    assert_int_equal(in_child(use_signals, &s), 0);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);

    weft_event_set(&s.clear); // and to us all is as before
    weft_release(&s.none, 1);
    for (int i = 0; i < 3; i++)
        weft_waitgroup_done(&s.three);
    assert_true(weft_barrier_wait(&s.two, WEFT_POLL) >= 0);
    weft_cond_signal(&s.cond);
    atomic_store(&s.may_end, true);
    all_back_with(0, crowd, COUNT(crowd));
}

// ---- queues -------------------------------------------------------------------------

static int find_it_empty(void *arg)
{
    weft_queue *q = arg;
    int item = -1;
    CHECK(weft_queue_length(q) == 0);
    CHECK(weft_get(q, &item, soon()) == -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        CHECK(weft_put(q, &i, WEFT_POLL) == 0);
    CHECK(weft_put(q, &item, soon()) == -ETIMEDOUT);
    for (int i = 0; i < 3; i++) {
        CHECK(weft_get(q, &item, WEFT_POLL) == 0);
        CHECK(item == i);
    }
    weft_queue_close(q);
    CHECK(weft_get(q, &item, WEFT_FOREVER) == -EPIPE);
    weft_queue_free(&q);
    return 0;
}

static int put_one(void *q)
{
    return weft_put((weft_queue *)q, &(int){9}, WEFT_FOREVER);
}

static int get_one(void *q)
{
    int item;
    return weft_get((weft_queue *)q, &item, WEFT_FOREVER);
}

static weft_queue *queue_of(int n)
{
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = 3);
    assert_non_null(q);
    for (int i = 0; i < n; i++)
        assert_int_equal(weft_put(q, &i, WEFT_POLL), 0);
    return q;
}

TEST(a_queue_is_empty_and_nobody_waits_for_it)
{
    for (int n = 0; n <= 3; n++) {
        weft_queue *q = queue_of(n);
        struct away crowd[2];
        if (n == 0)
            go_all(crowd, 2, get_one, q);
        if (n == 3)
            go_all(crowd, 2, put_one, q);
        if (n == 0 || n == 3)
            await_all_asleep(crowd, 2);
        assert_int_equal(in_child(find_it_empty, q), 0);
        assert_int_equal(weft_queue_length(q), n);
        for (int i = 0; i < 2 && n == 0; i++)
            assert_int_equal(put_one(q), 0);
        for (int i = 0; i < 2 && n == 3; i++)
            assert_int_equal(get_one(q), 0);
        if (n == 0 || n == 3)
            all_back_with(0, crowd, 2);
        weft_queue_free(&q);
    }
}

static int fork_with_a_queue_alone(void)
{
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = 3);
    CHECK(q && weft_put(q, &(int){1}, WEFT_POLL) == 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(find_it_empty(q));
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(weft_queue_length(q) == 1);
    weft_queue_free(&q);
    return 0;
}

TEST(a_queue_is_empty_too_in_a_program_that_used_nothing_else)
{
    expect_clean_end(fork_with_a_queue_alone);
}

// ---- forked in the midst of it ------------------------------------------------------

struct bustle {
    weft_mutex mu;
    weft_rwlock rw;
    weft_cond cond;
    weft_event event;
    weft_sem sem;
    weft_queue *q;
    atomic_bool stop;
};

static int bustle_about(void *arg)
{
    struct bustle *b = arg;
    int item = 0;
    while (!atomic_load(&b->stop)) {
        weft_time patience = weft_after_ns(30 * 1000);
        weft_lock(&b->mu);
        (void)weft_cond_wait(&b->cond, &b->mu, patience); // to be there is all
        weft_unlock(&b->mu);
        weft_cond_broadcast(&b->cond);
        weft_read_lock(&b->rw);
        weft_read_unlock(&b->rw);
        weft_write_lock(&b->rw);
        weft_write_unlock(&b->rw);
        if (weft_acquire(&b->sem, patience) == 0)
            weft_release(&b->sem, 1);
        (void)weft_put(b->q, &item, patience); // likewise
        (void)weft_get(b->q, &item, patience);
        weft_event_set(&b->event);
        weft_event_clear(&b->event);
        (void)weft_event_wait(&b->event, patience);
    }
    return 0;
}

static int use_what_was_in_use(void *arg)
{
    struct bustle *b = arg;
    int item = 5;
    CHECK(find_it_free(&b->mu) == 0);
    CHECK(use_rwlock(&b->rw) == 0);
    weft_cond_broadcast(&b->cond);
    weft_lock(&b->mu);
    CHECK(weft_cond_wait(&b->cond, &b->mu, WEFT_POLL) == -ETIMEDOUT);
    weft_unlock(&b->mu);
    weft_release(&b->sem, 1);
    CHECK(weft_acquire(&b->sem, WEFT_POLL) == 0);
    weft_event_set(&b->event);
    CHECK(weft_event_wait(&b->event, WEFT_POLL) == 0);
    CHECK(weft_queue_length(b->q) == 0);
    CHECK(weft_put(b->q, &item, WEFT_POLL) == 0);
    item = 0;
    CHECK(weft_get(b->q, &item, WEFT_POLL) == 0);
    CHECK(item == 5);
    return 0;
}

TEST(it_makes_no_difference_in_the_midst_of_what_the_fork_happens)
{
    struct bustle b = {.sem = WEFT_SEM(1), .q = queue_of(0)};
    struct away crowd[4];
    go_all(crowd, COUNT(crowd), bustle_about, &b);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(in_child(use_what_was_in_use, &b), 0);
        sched_yield();
    }
    atomic_store(&b.stop, true);
    all_back_with(0, crowd, COUNT(crowd));
    weft_queue_free(&b.q);
}

// A child's thread was making the mutex fresh when another one forked.
TEST(a_lock_that_a_second_fork_found_half_fresh_is_free)
{
    weft_mutex m = {.word_ = 2, .fork_ = UINT32_MAX};
    assert_int_equal(in_child(find_it_free, &m), 0);
}

struct forking {
    weft_once once;
    pid_t child;
};

static int fork_inside(void *arg)
{
    enum { BUSY = 1 }; // another is about to stand in line; in the child he never does
    struct forking *f = arg;
    f->once.word_ |= BUSY;
    f->child = fork();
    if (f->child == 0)
        die_after(10);
    else
        f->once.word_ &= ~(uintptr_t)BUSY;
    return f->child < 0 ? -errno : 0;
}

TEST(a_function_that_runs_once_may_fork)
{
    struct forking f = {.child = -1};
    int rc = weft_once_do(&f.once, fork_inside, &f);
    bool is_done = rc == 0 && weft_once_do(&f.once, fork_inside, &f) == 0;
    if (f.child == 0)
        _exit(is_done ? 0 : 1);
    int status = -1;
    assert_true(is_done);
    assert_int_equal(waitpid(f.child, &status, 0), f.child);
    assert_int_equal(status, 0);
}

struct overtaken {
    weft_once once;
    pthread_barrier_t turn;
    struct away other; // who finds "not yet" in the child
    pid_t child;
    int rc, runs;
};

static int run_beside(void *arg)
{
    struct overtaken *o = arg;
    pthread_barrier_wait(&o->turn);
    pthread_barrier_wait(&o->turn);
    o->runs++;
    return 0;
}

static int run_it_too(void *arg)
{
    struct overtaken *o = arg;
    return weft_once_do(&o->once, run_beside, o);
}

static int fork_and_be_overtaken(void *arg)
{
    struct overtaken *o = arg;
    o->child = fork();
    if (o->child != 0)
        return o->child < 0 ? -errno : 0;
    die_after(10);
    go(&o->other, IN_THREAD, run_it_too, o);
    pthread_barrier_wait(&o->turn);
    return o->rc;
}

// In the child it may run twice, for "not yet" is what others find there. But not at once, and what
// the second says is not overwritten by the first.
TEST(whoever_runs_it_in_the_child_is_not_interrupted_by_him_who_forked)
{
    const int codes[] = {0, -EIO};
    for (size_t i = 0; i < COUNT(codes); i++) {
        struct overtaken o = {.rc = codes[i]};
        pthread_barrier_init(&o.turn, NULL, 2);
        int rc = weft_once_do(&o.once, fork_and_be_overtaken, &o);
        if (o.child == 0) {
            enum { RUNNING = 2 };
            bool runs = rc == codes[i] && o.once.word_ == RUNNING;
            pthread_barrier_wait(&o.turn);
            bool is_done = back(&o.other) == 0 && run_it_too(&o) == 0 && o.runs == 1;
            _exit(runs && is_done ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(rc, 0);
        assert_int_equal(waitpid(o.child, &status, 0), o.child);
        assert_int_equal(status, 0);
    }
}

// ---- life in the child --------------------------------------------------------------

struct sum {
    weft_mutex mu;
    int count; // guarded by mu
};

static void *add_up(void *arg)
{
    struct sum *t = arg;
    for (int i = 0; i < 1000; i++) {
        weft_lock(&t->mu);
        t->count++;
        weft_unlock(&t->mu);
    }
    return NULL;
}

static int use_plain_threads(void *arg)
{
    struct sum *t = arg;
    pthread_t threads[3];
    for (size_t i = 0; i < COUNT(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, add_up, t) == 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(t->count == 3000);
    return 0;
}

TEST(plain_threads_of_the_child_share_its_locks)
{
    if (UNDER_TSAN)
        skip(); // it has no threads in children
    struct sum t = {0};
    weft_lock(&t.mu);
    assert_int_equal(in_child(use_plain_threads, &t), 0);
    weft_unlock(&t.mu);
}

static int await_event(void *e)
{
    return weft_event_wait(e, WEFT_FOREVER);
}

static int start_nothing(void *arg)
{
    struct away a = {.fn = await_event, .arg = arg}, *p = &a;
    weft_future *f = weft_start(WEFT_THREADS, away_task, &p);
    CHECK(!f);
    CHECK(weft_error_code() == -ENOTSUP);
    CHECK(weft_error()[0] != '\0');
    weft_pool *pool = weft_pool_open(WEFT_THREADS);
    CHECK(!pool);
    CHECK(weft_error_code() == -ENOTSUP);
    return 0;
}

TEST(starting_a_task_in_the_child_is_not_supported)
{
    weft_event e = {0};
    assert_int_equal(in_child(start_nothing, &e), 0);
}

static int wait_for_time(void *arg)
{
    (void)arg;
    weft_time until = soon();
    CHECK(weft_sleep(until) == 0);
    CHECK(weft_now().ns >= until.ns);
    CHECK(weft_check() == 0);
    CHECK(weft_fail(-EIO, "in the child") == -EIO);
    CHECK(strcmp(weft_error(), "in the child") == 0);
    return 0;
}

static int fork_in_a_task(void *arg)
{
    (void)arg;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(10);
        _exit(wait_for_time(NULL));
    }
    int status;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

TEST(time_and_errors_work_in_the_child_whoever_forked)
{
    struct away crowd[2];
    assert_int_equal(in_child(wait_for_time, NULL), 0);
    go_all(crowd, COUNT(crowd), fork_in_a_task, NULL);
    all_back_with(0, crowd, COUNT(crowd));
}

static const struct scene scenes[] = {SCENE(fork_with_a_queue_alone)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(flags_and_counts_keep_their_values),
    cmocka_unit_test(flags_and_counts_keep_their_values_while_others_wait_and_those_are_not_there),
    cmocka_unit_test(a_queue_is_empty_and_nobody_waits_for_it),
    cmocka_unit_test(a_queue_is_empty_too_in_a_program_that_used_nothing_else),
    cmocka_unit_test(it_makes_no_difference_in_the_midst_of_what_the_fork_happens),
    cmocka_unit_test(a_lock_that_a_second_fork_found_half_fresh_is_free),
    cmocka_unit_test(a_function_that_runs_once_may_fork),
    cmocka_unit_test(whoever_runs_it_in_the_child_is_not_interrupted_by_him_who_forked),
    cmocka_unit_test(plain_threads_of_the_child_share_its_locks),
    cmocka_unit_test(starting_a_task_in_the_child_is_not_supported),
    cmocka_unit_test(time_and_errors_work_in_the_child_whoever_forked),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
