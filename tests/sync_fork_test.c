// SPDX-License-Identifier: MIT
// sync_fork_test.c - what a child of a plain fork() finds of locks: they are free, nobody waits,
// and its first unlock of what it held does nothing.
#include "fork_helpers.h"

// ---- mutexes ------------------------------------------------------------------------

static int leave_what_we_held(void *m)
{
    weft_unlock(m); // of the lock held at the fork: nothing
    return find_it_free(m);
}

static int leave_it_twice(void *m)
{
    weft_unlock(m);
    weft_unlock(m);
    return 0;
}

static int take_it_and_leave_it_twice(void *m)
{
    weft_lock(m);
    weft_unlock(m);
    weft_unlock(m);
    weft_unlock(m);
    return 0;
}

TEST(a_mutex_that_we_held_is_free_and_our_unlock_does_nothing)
{
    weft_mutex m = {0};
    weft_lock(&m);
    assert_int_equal(in_child(find_it_free, &m), 0);
    assert_int_equal(in_child(leave_what_we_held, &m), 0);
    assert_false(weft_trylock(&m)); // to us it means nothing
    weft_unlock(&m);
    assert_int_equal(in_child(find_it_free, &m), 0);
}

static int leave_by_guard(void *m)
{
    weft_mutex *mutex = m;
    {
        weft_guard(mutex);
        if (fork() == 0) {
            alarm(10);
            goto child;
        }
        int status;
        CHECK(wait(&status) > 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return 0;
    }
child:
    _exit(find_it_free(m));
}

TEST(a_guard_around_a_fork_ends_well_in_both)
{
    weft_mutex m = {0};
    assert_int_equal(leave_by_guard(&m), 0);
    assert_true(weft_trylock(&m));
    weft_unlock(&m);
}

TEST(only_the_first_unlock_of_what_was_held_does_nothing)
{
    weft_mutex m = {0};
    weft_lock(&m);
    child_aborts(leave_it_twice, &m, WORDS_("weft_unlock", "free"));
    weft_unlock(&m);
    child_aborts(leave_it_twice, &m, WORDS_("weft_unlock", "free"));
    child_aborts(take_it_and_leave_it_twice, &m, WORDS_("weft_unlock", "free"));
}

static int leave_a_mutex(void *m)
{
    weft_unlock(m);
    return 0;
}

static int leave_as_reader(void *l)
{
    weft_read_unlock(l);
    return 0;
}

static int leave_as_writer(void *l)
{
    weft_write_unlock(l);
    return 0;
}

TEST(unlocking_what_nobody_held_at_the_fork_aborts_also_as_the_childs_first_call)
{
    weft_mutex m = {0}, used = {0};
    weft_rwlock l = {0}, read = {0}, written = {0};
    weft_lock(&used);
    weft_unlock(&used);
    child_aborts(leave_a_mutex, &m, WORDS_("weft_unlock", "free"));
    child_aborts(leave_a_mutex, &used, WORDS_("weft_unlock", "free"));
    child_aborts(leave_as_reader, &l, WORDS_("weft_read_unlock", "no reader holds it"));
    child_aborts(leave_as_writer, &l, WORDS_("weft_write_unlock", "no writer holds it"));
    weft_read_lock(&read);
    child_aborts(leave_as_writer, &read, WORDS_("weft_write_unlock", "no writer holds it"));
    weft_read_unlock(&read);
    weft_write_lock(&written);
    child_aborts(leave_as_reader, &written, WORDS_("weft_read_unlock", "no reader holds it"));
    weft_write_unlock(&written);
}

struct keeper {
    weft_mutex mu;
    weft_rwlock read, write;
    weft_recursive recursive;
    pthread_barrier_t turn;
};

static int keep_all(void *arg)
{
    struct keeper *k = arg;
    weft_lock(&k->mu);
    weft_read_lock(&k->read);
    weft_write_lock(&k->write);
    weft_recursive_lock(&k->recursive);
    weft_recursive_lock(&k->recursive);
    pthread_barrier_wait(&k->turn);
    pthread_barrier_wait(&k->turn);
    weft_recursive_unlock(&k->recursive);
    weft_recursive_unlock(&k->recursive);
    weft_write_unlock(&k->write);
    weft_read_unlock(&k->read);
    weft_unlock(&k->mu);
    return 0;
}

static int use_recursive(weft_recursive *r)
{
    CHECK(weft_recursive_depth(r) == 0);
    CHECK(weft_recursive_lock_until(r, WEFT_POLL) == 0);
    weft_recursive_lock(r);
    CHECK(weft_recursive_depth(r) == 2);
    weft_recursive_unlock(r);
    weft_recursive_unlock(r);
    CHECK(weft_recursive_depth(r) == 0);
    return 0;
}

static int use_all_that_was_kept(void *arg)
{
    struct keeper *k = arg;
    CHECK(find_it_free(&k->mu) == 0);
    CHECK(use_rwlock(&k->read) == 0);
    CHECK(use_rwlock(&k->write) == 0);
    CHECK(use_recursive(&k->recursive) == 0);
    return 0;
}

static int wait_to_write(void *arg)
{
    struct keeper *k = arg;
    weft_write_lock(&k->read);
    weft_write_unlock(&k->read);
    return 0;
}

static int wait_to_read(void *arg)
{
    struct keeper *k = arg;
    weft_read_lock(&k->write);
    weft_read_unlock(&k->write);
    return 0;
}

static int wait_for_mutex(void *arg)
{
    struct keeper *k = arg;
    return lock_and_unlock(&k->mu);
}

static int wait_for_recursive(void *arg)
{
    struct keeper *k = arg;
    weft_recursive_lock(&k->recursive);
    weft_recursive_unlock(&k->recursive);
    return 0;
}

TEST(locks_that_others_held_and_waited_for_are_free_and_nobody_waits)
{
    int (*const waits[])(void *) = {wait_for_mutex, wait_to_write, wait_to_read, wait_for_recursive,
                                    wait_for_mutex};
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        struct keeper k = {0};
        struct away keeper, crowd[COUNT(waits)];
        pthread_barrier_init(&k.turn, NULL, 2);
        go(&keeper, (enum where)where, keep_all, &k);
        pthread_barrier_wait(&k.turn);
        assert_int_equal(in_child(use_all_that_was_kept, &k), 0);
        for (size_t i = 0; i < COUNT(waits); i++)
            go(&crowd[i], i % 2 ? IN_THREAD : IN_TASK, waits[i], &k);
        await_all_asleep(crowd, COUNT(crowd));
        assert_int_equal(in_child(use_all_that_was_kept, &k), 0);
        assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
        pthread_barrier_wait(&k.turn);
        assert_int_equal(back(&keeper), 0);
        all_back_with(0, crowd, COUNT(crowd));
        pthread_barrier_destroy(&k.turn);
    }
}

static int leave_read(void *l)
{
    weft_read_unlock(l);
    return use_rwlock(l);
}

static int leave_write(void *l)
{
    weft_write_unlock(l);
    return use_rwlock(l);
}

static int leave_recursive(void *r)
{
    weft_recursive_unlock(r);
    return use_recursive(r);
}

TEST(the_first_unlock_of_any_lock_held_at_the_fork_does_nothing)
{
    weft_rwlock l = {0};
    weft_recursive r = {0};
    weft_read_lock(&l);
    assert_int_equal(in_child(leave_read, &l), 0);
    weft_read_unlock(&l);
    weft_write_lock(&l);
    assert_int_equal(in_child(leave_write, &l), 0);
    weft_write_unlock(&l);
    weft_recursive_lock(&r);
    assert_int_equal(in_child(leave_recursive, &r), 0);
    assert_int_equal(weft_recursive_depth(&r), 1);
    weft_recursive_unlock(&r);
}

static int try_recursive(void *r)
{
    int rc = weft_recursive_lock_until(r, WEFT_POLL);
    if (rc == 0)
        weft_recursive_unlock(r);
    return rc;
}

static int tried_by_another(weft_recursive *r)
{
    struct away other;
    go(&other, IN_THREAD, try_recursive, r);
    return back(&other);
}

static int leave_recursive_twice(void *r)
{
    weft_recursive_unlock(r);
    CHECK(weft_recursive_depth(r) == 1);
    CHECK(tried_by_another(r) == -ETIMEDOUT);
    weft_recursive_unlock(r);
    CHECK(tried_by_another(r) == 0);
    return use_recursive(r);
}

TEST(one_that_was_taken_twice_is_its_holders_until_he_gave_it_back_twice)
{
    weft_recursive r = {0};
    weft_recursive_lock(&r);
    weft_recursive_lock(&r);
    assert_int_equal(in_child(leave_recursive_twice, &r), 0);
    weft_recursive_unlock(&r);
    weft_recursive_unlock(&r);
}

static int lock_it_in_vain(void *r)
{
    CHECK(weft_recursive_lock_until(r, WEFT_FOREVER) == -ECANCELED);
    CHECK(weft_recursive_depth(r) == 0);
    weft_recursive_lock(r);
    CHECK(tried_by_another(r) == -ETIMEDOUT);
    weft_recursive_unlock(r);
    return tried_by_another(r);
}

static int hold_it_and_fork(weft_recursive *const *r, weft_none *none)
{
    (void)none;
    while (weft_check() == 0)
        weft_yield();
    weft_recursive_lock(*r);
    int rc = in_child(lock_it_in_vain, *r);
    weft_recursive_unlock(*r);
    return rc;
}
WEFT_TASK(hold_it_and_fork, weft_recursive *, weft_none);

TEST(who_held_it_and_locks_it_in_vain_does_not_hold_it)
{
    weft_recursive r = {0}, *arg = &r;
    if (UNDER_TSAN) // which lets the child of a process with threads start none
        skip();
    weft_future *f = weft_start(WEFT_THREADS, hold_it_and_fork, &arg);
    assert_non_null(f);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static int fork_with_it_held(void *arg)
{
    weft_mutex *m = arg;
    weft_lock(m);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(10);
        _exit(leave_what_we_held(m));
    }
    int status;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!weft_trylock(m));
    weft_unlock(m);
    return find_it_free(m);
}

TEST(the_same_holds_for_the_childs_own_child)
{
    weft_mutex m = {0};
    assert_int_equal(in_child(fork_with_it_held, &m), 0);
    weft_lock(&m);
    assert_int_equal(in_child(fork_with_it_held, &m), 0);
    weft_unlock(&m);
}

// ---- a program that did nothing before ----------------------------------------------

static struct firsts {
    weft_mutex mu;
    weft_rwlock read, write;
    weft_recursive recursive;
} firsts;

static int find_all_free(void)
{
    CHECK(find_it_free(&firsts.mu) == 0);
    CHECK(use_rwlock(&firsts.read) == 0);
    CHECK(use_rwlock(&firsts.write) == 0);
    CHECK(use_recursive(&firsts.recursive) == 0);
    return 0;
}

static int fork_and_look(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(find_all_free());
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

static int fork_with_a_mutex_alone(void)
{
    weft_lock(&firsts.mu);
    return fork_and_look();
}

static int fork_with_a_tried_mutex_alone(void)
{
    return weft_trylock(&firsts.mu) ? fork_and_look() : 1;
}

static int fork_with_read_and_write_locks_alone(void)
{
    weft_read_lock(&firsts.read);
    weft_write_lock(&firsts.write);
    return fork_and_look();
}

static int fork_with_a_recursive_one_alone(void)
{
    weft_recursive_lock(&firsts.recursive);
    return fork_and_look();
}

TEST(it_holds_too_in_a_program_that_only_ever_took_this_lock)
{
    expect_clean_end(fork_with_a_mutex_alone);
    expect_clean_end(fork_with_a_tried_mutex_alone);
    expect_clean_end(fork_with_read_and_write_locks_alone);
    expect_clean_end(fork_with_a_recursive_one_alone);
}

static int fork_under_check(void)
{
    static weft_mutex m;
    static weft_rwlock l;
    weft_lock(&m);
    weft_write_lock(&l);
    pid_t pid = fork();
    if (pid == 0)
        _exit(leave_what_we_held(&m) || leave_write(&l) ? 1 : 0);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    weft_write_unlock(&l);
    weft_unlock(&m);
    return 0;
}

TEST(under_check_the_child_is_not_taken_for_another_holder)
{
    expect_clean_end(fork_under_check);
}

static const struct scene scenes[] = {
    SCENE(fork_with_a_mutex_alone),
    SCENE(fork_with_a_tried_mutex_alone),
    SCENE(fork_with_read_and_write_locks_alone),
    SCENE(fork_with_a_recursive_one_alone),
    SCENE(fork_under_check),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_mutex_that_we_held_is_free_and_our_unlock_does_nothing),
    cmocka_unit_test(a_guard_around_a_fork_ends_well_in_both),
    cmocka_unit_test(only_the_first_unlock_of_what_was_held_does_nothing),
    cmocka_unit_test(unlocking_what_nobody_held_at_the_fork_aborts_also_as_the_childs_first_call),
    cmocka_unit_test(locks_that_others_held_and_waited_for_are_free_and_nobody_waits),
    cmocka_unit_test(the_first_unlock_of_any_lock_held_at_the_fork_does_nothing),
    cmocka_unit_test(one_that_was_taken_twice_is_its_holders_until_he_gave_it_back_twice),
    cmocka_unit_test(who_held_it_and_locks_it_in_vain_does_not_hold_it),
    cmocka_unit_test(the_same_holds_for_the_childs_own_child),
    cmocka_unit_test(it_holds_too_in_a_program_that_only_ever_took_this_lock),
    cmocka_unit_test(under_check_the_child_is_not_taken_for_another_holder),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
