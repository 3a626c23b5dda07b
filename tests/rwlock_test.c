// SPDX-License-Identifier: MIT
// rwlock_test.c - many readers or one writer, in the order of their coming.
//
// That readers are inside together is shown by a meeting inside the lock, which no deadline ends:
// if the lock lets one in at a time, the meeting never takes place.
#include "contract.h"

_Static_assert(sizeof(weft_rwlock) == 16, "two words");

struct room {
    weft_rwlock lock;
    pthread_barrier_t meeting;
    struct diary diary;
    long left, right; // plain: guarded by lock, always equal outside
};

struct visit {
    struct room *room;
    int who;
};

static int read_once(void *l)
{
    weft_read_lock(l);
    weft_read_unlock(l);
    return 0;
}

static int write_once(void *l)
{
    weft_write_lock(l);
    weft_write_unlock(l);
    return 0;
}

static int read_and_note(void *arg)
{
    struct visit *v = arg;
    weft_read_lock(&v->room->lock);
    note(&v->room->diary, v->who);
    weft_read_unlock(&v->room->lock);
    return 0;
}

static int write_and_note(void *arg)
{
    struct visit *v = arg;
    weft_write_lock(&v->room->lock);
    note(&v->room->diary, v->who);
    weft_write_unlock(&v->room->lock);
    return 0;
}

static int meet_inside(void *arg)
{
    struct room *room = arg;
    weft_read_lock(&room->lock);
    pthread_barrier_wait(&room->meeting);
    weft_read_unlock(&room->lock);
    return 0;
}

static int stay_inside(void *arg)
{
    struct room *room = arg;
    weft_read_lock(&room->lock);
    pthread_barrier_wait(&room->meeting); // we are inside
    pthread_barrier_wait(&room->meeting); // now leave
    weft_read_unlock(&room->lock);
    return 0;
}

TEST(a_zeroed_one_is_free)
{
    weft_rwlock l = {0};
    assert_int_equal(read_once(&l), 0);
    assert_int_equal(write_once(&l), 0);
    weft_read_lock(&l);
    struct away a;
    go(&a, IN_THREAD, read_once, &l);
    assert_int_equal(back(&a), 0);
    weft_read_unlock(&l);
    assert_int_equal(write_once(&l), 0);
}

TEST(readers_are_inside_together)
{
    struct room room = {0};
    struct away crowd[4];
    pthread_barrier_init(&room.meeting, NULL, COUNT(crowd));
    go_all(crowd, COUNT(crowd), meet_inside, &room);
    all_back_with(0, crowd, COUNT(crowd));
    write_once(&room.lock);
    pthread_barrier_destroy(&room.meeting);
}

TEST(readers_that_waited_for_a_writer_go_in_together)
{
    struct room room = {0};
    struct away crowd[4];
    pthread_barrier_init(&room.meeting, NULL, COUNT(crowd));
    weft_write_lock(&room.lock);
    go_all(crowd, COUNT(crowd), meet_inside, &room);
    await_all_asleep(crowd, COUNT(crowd));
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_write_unlock(&room.lock);
    all_back_with(0, crowd, COUNT(crowd));
    pthread_barrier_destroy(&room.meeting);
}

TEST(a_writer_waits_for_the_last_reader_and_readers_and_writers_for_a_writer)
{
    struct room room = {0};
    struct away crowd[4], reader;
    pthread_barrier_init(&room.meeting, NULL, 2);
    weft_read_lock(&room.lock);
    go(&reader, IN_THREAD, stay_inside, &room);
    pthread_barrier_wait(&room.meeting);
    go_all(crowd, 2, write_once, &room.lock);
    await_all_asleep(crowd, 2);
    weft_read_unlock(&room.lock);
    nap_ms(20);
    assert_int_equal(how_many_ended(crowd, 2), 0);
    pthread_barrier_wait(&room.meeting);
    assert_int_equal(back(&reader), 0);
    all_back_with(0, crowd, 2);
    pthread_barrier_destroy(&room.meeting);

    weft_write_lock(&room.lock);
    go_all(crowd, 2, read_once, &room.lock);
    go_all(crowd + 2, 2, write_once, &room.lock);
    await_all_asleep(crowd, COUNT(crowd));
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_write_unlock(&room.lock);
    all_back_with(0, crowd, COUNT(crowd));
}

// Those who wait are known to wait when the next one comes: see await_asleep.
static void queue_up(struct away *a, struct visit *v, int (*how)(void *arg), enum where where)
{
    go(a, where, how, v);
    await_asleep(a);
}

TEST(a_waiting_writer_goes_before_new_readers)
{
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        struct room room = {0};
        struct visit writer = {&room, 1}, reader = {&room, 2};
        struct away w, r;
        weft_read_lock(&room.lock);
        queue_up(&w, &writer, write_and_note, (enum where)where);
        queue_up(&r, &reader, read_and_note, IN_TASK);
        assert_false(has_ended(&r));
        weft_read_unlock(&room.lock);
        assert_int_equal(back(&w), 0);
        assert_int_equal(back(&r), 0);
        assert_int_equal(room.diary.who[0], 1);
        assert_int_equal(room.diary.who[1], 2);
    }
}

TEST(they_go_in_in_the_order_of_their_coming)
{
    struct room room = {0};
    struct visit visits[5];
    struct away crowd[5];
    weft_write_lock(&room.lock);
    for (int i = 0; i < 5; i++) {
        visits[i] = (struct visit){&room, i};
        queue_up(&crowd[i], &visits[i], i % 2 ? read_and_note : write_and_note,
                 i < 3 ? IN_TASK : IN_THREAD);
    }
    weft_write_unlock(&room.lock);
    all_back_with(0, crowd, COUNT(crowd));
    for (int i = 0; i < 5; i++)
        assert_int_equal(room.diary.who[i], i);
}

static int move_and_look(void *arg)
{
    struct room *room = arg;
    for (int i = 0; i < 1000; i++) {
        if (i % 4 == 0) {
            weft_write_lock(&room->lock);
            room->left++;
            if (i % 64 == 0)
                sched_yield();
            room->right++;
            weft_write_unlock(&room->lock);
        } else {
            weft_read_lock(&room->lock);
            bool equal = room->left == room->right;
            weft_read_unlock(&room->lock);
            CHECK(equal);
        }
    }
    return 0;
}

TEST(many_readers_and_writers_never_see_a_half_made_change)
{
    for (int n = 2; n <= 8; n += 3) {
        struct room room = {0};
        struct away crowd[8];
        go_all(crowd, (size_t)n, move_and_look, &room);
        all_back_with(0, crowd, (size_t)n);
        assert_int_equal(room.left, 250L * n);
        assert_int_equal(room.right, 250L * n);
    }
}

// ---- cancellation -------------------------------------------------------------------

TEST(neither_lock_is_refused_to_a_task_that_was_asked_to_stop)
{
    weft_rwlock l = {0};
    assert_int_equal(cancel_before(read_once, &l), 0);
    assert_int_equal(cancel_before(write_once, &l), 0);
}

static int read_then_check(void *l)
{
    read_once(l);
    return weft_check();
}

static int write_then_check(void *l)
{
    write_once(l);
    return weft_check();
}

TEST(a_waiter_waits_on_while_cancelled_and_the_request_is_seen_after_it)
{
    int (*const ways[])(void *l) = {read_then_check, write_then_check};
    for (size_t i = 0; i < COUNT(ways); i++) {
        weft_rwlock l = {0};
        struct away a;
        weft_write_lock(&l);
        go(&a, IN_TASK, ways[i], &l);
        await_asleep(&a);
        weft_cancel(a.task);
        nap_ms(20);
        assert_false(has_ended(&a));
        weft_write_unlock(&l);
        assert_int_equal(back(&a), -ECANCELED);
    }
}

// ---- the end of its life ------------------------------------------------------------

struct counted {
    weft_rwlock lock;
    int uses;
};

static bool last_writer(void *object, int who)
{
    struct counted *c = object;
    if (who == 0) {
        weft_read_lock(&c->lock);
        weft_read_unlock(&c->lock);
    }
    weft_write_lock(&c->lock);
    if (who == 1)
        sched_yield();
    bool last = ++c->uses == 4;
    weft_write_unlock(&c->lock);
    return last;
}

static bool writer_after_reader(void *object, int who)
{
    struct counted *c = object;
    if (who == 0) { // announces itself inside, so the writer comes after it
        weft_read_lock(&c->lock);
        __atomic_store_n(&c->uses, 1, __ATOMIC_RELAXED);
        weft_read_unlock(&c->lock);
        return false;
    }
    while (__atomic_load_n(&c->uses, __ATOMIC_RELAXED) == 0)
        sched_yield();
    weft_write_lock(&c->lock);
    weft_write_unlock(&c->lock);
    return true;
}

TEST(who_writes_last_may_free_it_while_others_still_return_from_unlock)
{
    outlive(4, 200, last_writer);
    outlive(2, 200, writer_after_reader);
}

// ---- misuse -------------------------------------------------------------------------

static int read_unlock_a_free_one(void)
{
    weft_rwlock l = {0};
    weft_read_unlock(&l);
    return 0;
}

static int read_unlock_twice(void)
{
    weft_rwlock l = {0};
    weft_read_lock(&l);
    weft_read_unlock(&l);
    weft_read_unlock(&l);
    return 0;
}

static int read_unlock_a_written_one(void)
{
    weft_rwlock l = {0};
    weft_write_lock(&l);
    weft_read_unlock(&l);
    return 0;
}

static int write_unlock_a_free_one(void)
{
    weft_rwlock l = {0};
    weft_write_unlock(&l);
    return 0;
}

static int write_unlock_twice(void)
{
    weft_rwlock l = {0};
    weft_write_lock(&l);
    weft_write_unlock(&l);
    weft_write_unlock(&l);
    return 0;
}

static int write_unlock_a_read_one(void)
{
    weft_rwlock l = {0};
    weft_read_lock(&l);
    weft_write_unlock(&l);
    return 0;
}

TEST(unlocking_what_is_not_so_locked_aborts)
{
    expect_abort(read_unlock_a_free_one, "weft_read_unlock(", "no reader holds");
    expect_abort(read_unlock_twice, "weft_read_unlock(", "no reader holds");
    expect_abort(read_unlock_a_written_one, "weft_read_unlock(", "no reader holds");
    expect_abort(write_unlock_a_free_one, "weft_write_unlock(", "no writer holds");
    expect_abort(write_unlock_twice, "weft_write_unlock(", "no writer holds");
    expect_abort(write_unlock_a_read_one, "weft_write_unlock(", "no writer holds");
}

static int take_read(void *l)
{
    weft_read_lock(l);
    return 0;
}

static int take_write(void *l)
{
    weft_write_lock(l);
    return 0;
}

static int leave_write(void *l)
{
    weft_write_unlock(l);
    return 0;
}

static int in_a_task(int (*fn)(void *arg), void *arg)
{
    struct away a;
    go(&a, IN_TASK, fn, arg);
    return back(&a);
}

static int return_while_reading(void)
{
    static weft_rwlock l;
    return in_a_task(take_read, &l);
}

static int return_while_writing(void)
{
    static weft_rwlock l;
    return in_a_task(take_write, &l);
}

static int unlock_anothers(void)
{
    static weft_rwlock l;
    weft_write_lock(&l);
    return in_a_task(leave_write, &l);
}

TEST(under_check_a_lock_that_is_another_tasks_or_kept_at_the_end_aborts)
{
    expect_checked_abort(return_while_reading, "away_task", "held");
    expect_checked_abort(return_while_writing, "away_task", "held");
    expect_checked_abort(unlock_anothers, "weft_write_unlock", "held");
}

struct crossing {
    weft_rwlock *first, *second;
    pthread_barrier_t *met;
};

static int write_both(void *arg)
{
    struct crossing *c = arg;
    weft_write_lock(c->first);
    pthread_barrier_wait(c->met);
    weft_write_lock(c->second);
    return 0;
}

static int deadlock_of_two(void)
{
    static weft_rwlock a, b;
    pthread_barrier_t met;
    pthread_barrier_init(&met, NULL, 2);
    struct crossing one = {&a, &b, &met}, two = {&b, &a, &met};
    struct away x, y;
    go(&x, IN_TASK, write_both, &one);
    go(&y, IN_THREAD, write_both, &two);
    return back(&x) + back(&y);
}

static int write_while_writing(void)
{
    weft_rwlock l = {0};
    weft_write_lock(&l);
    weft_write_lock(&l);
    return 0;
}

static int write_while_reading(void)
{
    weft_rwlock l = {0};
    weft_read_lock(&l);
    weft_write_lock(&l);
    return 0;
}

static int read_then_write(void *arg)
{
    take_read(arg);
    weft_write_lock(arg);
    return 0;
}

static int write_while_reading_in_a_task(void)
{
    static weft_rwlock l;
    return in_a_task(read_then_write, &l);
}

static int use_it_well(void)
{
    struct room room = {0};
    struct away crowd[4];
    go_all(crowd, COUNT(crowd), move_and_look, &room);
    for (size_t i = 0; i < COUNT(crowd); i++)
        CHECK(back(&crowd[i]) == 0);
    return 0;
}

TEST(under_check_a_deadlock_is_reported)
{
    expect_deadlock(deadlock_of_two, "away_task", "Dummy-1", "weft_write_lock");
    expect_deadlock(write_while_writing, "MainThread");
    expect_clean_end(use_it_well);
}

TEST(under_check_a_reader_that_waits_to_write_is_a_deadlock)
{
    expect_deadlock(write_while_reading, "MainThread");
    expect_deadlock(write_while_reading_in_a_task, "away_task");
}

static const struct scene scenes[] = {
    SCENE(read_unlock_a_free_one),
    SCENE(read_unlock_twice),
    SCENE(read_unlock_a_written_one),
    SCENE(write_unlock_a_free_one),
    SCENE(write_unlock_twice),
    SCENE(write_unlock_a_read_one),
    SCENE(return_while_reading),
    SCENE(return_while_writing),
    SCENE(unlock_anothers),
    SCENE(deadlock_of_two),
    SCENE(write_while_writing),
    SCENE(write_while_reading),
    SCENE(write_while_reading_in_a_task),
    SCENE(use_it_well),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_zeroed_one_is_free),
    cmocka_unit_test(readers_are_inside_together),
    cmocka_unit_test(readers_that_waited_for_a_writer_go_in_together),
    cmocka_unit_test(a_writer_waits_for_the_last_reader_and_readers_and_writers_for_a_writer),
    cmocka_unit_test(a_waiting_writer_goes_before_new_readers),
    cmocka_unit_test(they_go_in_in_the_order_of_their_coming),
    cmocka_unit_test(many_readers_and_writers_never_see_a_half_made_change),
    cmocka_unit_test(neither_lock_is_refused_to_a_task_that_was_asked_to_stop),
    cmocka_unit_test(a_waiter_waits_on_while_cancelled_and_the_request_is_seen_after_it),
    cmocka_unit_test(who_writes_last_may_free_it_while_others_still_return_from_unlock),
    cmocka_unit_test(unlocking_what_is_not_so_locked_aborts),
    cmocka_unit_test(under_check_a_lock_that_is_another_tasks_or_kept_at_the_end_aborts),
    cmocka_unit_test(under_check_a_deadlock_is_reported),
    cmocka_unit_test(under_check_a_reader_that_waits_to_write_is_a_deadlock),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
