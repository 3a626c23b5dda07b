// SPDX-License-Identifier: MIT
// shared_faults_test.c - shared memory on bad days: its users are killed while they hold it, while
// they wait, and at any moment; are stopped; and lose their ancestor.
//
// A wait that has not ended after twenty seconds is one that never would: it fails.
#include "process_helpers.h"
#include "shared_board.h"

static weft_time patience(void)
{
    return weft_after_ms(20000);
}

static void nap(struct board *b) // until the test sets the event
{
    (void)weft_shared_event_wait(&b->event, patience());
}

// ---- the holder dies --------------------------------------------------------------------------

struct end {
    struct board *board;
    enum death how;
};

// The state is broken, then it dies. Whether it had to mend before is not its matter.
static int die_holding(const struct end *end, weft_none *none)
{
    int rc = weft_shared_lock(&end->board->mu, patience());
    CHECK(rc == 0 || rc == -EOWNERDEAD);
    end->board->total = -1;
    return die((const int *)&end->how, none);
}
WEFT_TASK(die_holding, struct end, weft_none);

static void let_die_holding(weft_pool *pool, struct board *b, enum death how)
{
    weft_future *f = weft_submit(pool, die_holding, (&(struct end){b, how}));
    assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
}

// 1: it was reported, and mended.
static int lock_and_mend(struct board *const *board, int *mended)
{
    struct board *b = *board;
    int rc = weft_shared_lock(&b->mu, patience());
    CHECK(rc == 0 || rc == -EOWNERDEAD);
    *mended = rc == -EOWNERDEAD;
    if (*mended)
        b->total = 0;
    CHECK(b->total >= 0);
    b->total++;
    weft_shared_unlock(&b->mu);
    return 0;
}
WEFT_TASK(lock_and_mend, struct board *, int);

static void however_a_holder_dies_the_next_is_told_once(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    struct board *b = board_new();
    for (int how = 0; how < DEATHS; how++) {
        let_die_holding(pool, b, (enum death)how);
        assert_int_equal(weft_shared_lock(&b->mu, WEFT_POLL), -EOWNERDEAD);
        assert_int_equal(weft_error_code(), -EOWNERDEAD);
        assert_string_not_equal(weft_error(), "");
        weft_shared_unlock(&b->mu);
        assert_int_equal(weft_shared_lock(&b->mu, WEFT_POLL), 0);
        weft_shared_unlock(&b->mu);
    }
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

static void a_mender_may_die_in_turn(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    struct board *b = board_new();
    for (int i = 0; i < 5; i++)
        let_die_holding(pool, b, BY_KILL);
    int mended = 0;
    for (int i = 0; i < 3; i++) {
        weft_future *f = weft_submit(pool, lock_and_mend, &b);
        assert_int_equal(weft_join_as(&f, lock_and_mend, &mended), 0);
        assert_int_equal(mended, i == 0);
    }
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

static int hold_until_told(struct board *const *board, weft_none *none)
{
    (void)none;
    CHECK(weft_shared_lock(&(*board)->mu, patience()) == 0);
    weft_shared_add(&(*board)->counter, 1);
    nap(*board);
    weft_shared_unlock(&(*board)->mu);
    return 0;
}
WEFT_TASK(hold_until_told, struct board *, weft_none);

static weft_future *hold_elsewhere(weft_pool *pool, struct board *b)
{
    int64_t before = weft_shared_value(&b->counter);
    weft_future *f = weft_submit(pool, hold_until_told, &b);
    assert_non_null(f);
    assert_true(eventually(weft_shared_value(&b->counter) > before));
    return f;
}

static void of_those_who_wait_for_the_dead_one_is_told_and_all_go_on(void **state)
{
    (void)state;
    enum { WAITERS = 6 };
    weft_pool *pool = pool_of(3);
    struct board *b = board_new();
    for (int round = 0; round < 5; round++) {
        weft_future *holder = hold_elsewhere(pool, b), *waiters[WAITERS];
        for (int i = 0; i < WAITERS; i++) {
            waiters[i] = i % 3 == 0   ? weft_submit(pool, lock_and_mend, &b)
                         : i % 3 == 1 ? weft_start(WEFT_THREADS, lock_and_mend, &b)
                                      : weft_start(WEFT_FIBERS, lock_and_mend, &b);
            assert_non_null(waiters[i]);
            await_asleep_tid(await_begun(waiters[i]).tid);
        }
        assert_int_equal(weft_kill(holder), 0);
        assert_int_equal(weft_join(&holder, NULL, 0), -EOWNERDEAD);
        int mended, sum = 0;
        for (int i = 0; i < WAITERS; i++) {
            assert_int_equal(weft_join_as(&waiters[i], lock_and_mend, &mended), 0);
            sum += mended;
        }
        assert_int_equal(sum, 1);
        assert_int_equal(b->total, WAITERS);
    }
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

static void a_stopped_holder_holds_no_deadline_up(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    struct board *b = board_new();
    weft_future *holder = hold_elsewhere(pool, b);
    pid_t pid = await_begun(holder).pid;
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(weft_shared_lock(&b->mu, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_shared_lock(&b->mu, weft_after_ms(30)), -ETIMEDOUT);
    assert_int_equal(kill(pid, SIGCONT), 0);
    weft_shared_event_set(&b->event);
    assert_int_equal(weft_shared_lock(&b->mu, patience()), 0);
    weft_shared_unlock(&b->mu);
    assert_int_equal(weft_join(&holder, NULL, 0), 0);
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

// ---- the ancestor dies, and with it all workers -----------------------------------------------

static void without_the_ancestor_locks_are_reported_and_regions_stay(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    for (int round = 0; round < 3; round++) {
        struct board *boards[2] = {board_new(), board_new()};
        weft_future *holders[2] = {hold_elsewhere(pool, boards[0]), NULL};
        holders[1] = hold_elsewhere(pool, boards[1]);
        weft_future *waiter = weft_start(WEFT_FIBERS, lock_and_mend, &boards[0]);
        await_asleep_tid(await_begun(waiter).tid);
        assert_int_equal(kill(ancestor_of(await_begun(holders[0]).pid), SIGKILL), 0);
        int mended = 0;
        assert_int_equal(weft_join_as(&waiter, lock_and_mend, &mended), 0);
        assert_int_equal(mended, 1);
        assert_int_equal(weft_shared_lock(&boards[1]->mu, patience()), -EOWNERDEAD);
        weft_shared_unlock(&boards[1]->mu);
        for (int i = 0; i < 2; i++)
            assert_int_equal(weft_join(&holders[i], NULL, 0), -EOWNERDEAD);
        for (int i = 0; i < 2; i++) { // another one's workers find everything where it was
            weft_future *f = weft_submit(pool, lock_and_mend, &boards[i]);
            assert_int_equal(weft_join_as(&f, lock_and_mend, &mended), 0);
            assert_int_equal(mended, 0);
            let_die_holding(pool, boards[i], BY_KILL);
            assert_int_equal(weft_shared_lock(&boards[i]->mu, patience()), -EOWNERDEAD);
            weft_shared_unlock(&boards[i]->mu);
            weft_shared_free(&boards[i]);
        }
    }
    weft_pool_close(&pool);
}

// ---- who waits is killed ----------------------------------------------------------------------

static int take_one(struct board *const *board, weft_none *none)
{
    (void)none;
    return weft_shared_acquire(&(*board)->sem, patience());
}
WEFT_TASK(take_one, struct board *, weft_none);

static bool has_unit(const struct board *b)
{
    return __atomic_load_n(&b->sem.word_, __ATOMIC_RELAXED) >> 1 > 0; // shared_sem.c
}

// A unit comes just as one of two who wait for it is killed: the other has it, or it died with him.
static void a_wake_up_does_not_die_with_whom_it_woke(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    struct board *b = board_new();
    for (int round = 0; round < 40; round++) {
        weft_future *mortal = weft_submit(pool, take_one, &b);
        await_asleep_tid(await_begun(mortal).tid);
        weft_future *other = weft_start(round % 2 ? WEFT_FIBERS : WEFT_THREADS, take_one, &b);
        await_asleep_tid(await_begun(other).tid);
        pid_t pid = await_begun(mortal).pid;
        weft_shared_release(&b->sem, 1);
        (void)kill(pid, SIGKILL);
        (void)weft_join(&mortal, NULL, 0);                         // 0, or it died
        assert_true(eventually(weft_done(other) || !has_unit(b))); // it does not lie there unseen
        if (!weft_done(other))
            weft_shared_release(&b->sem, 1);
        assert_int_equal(weft_join(&other, NULL, 0), 0);
        while (weft_shared_acquire(&b->sem, WEFT_POLL) == 0)
            continue;
    }
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

// ---- a storm ----------------------------------------------------------------------------------

enum { STORM_S = 3, STORMERS = 4, LIVING = 4, MAKERS = 16384, SERIALS = 1024 };

// Large, so that many a kill comes while one is copied.
struct item {
    uint32_t maker, serial, words[2000];
};

struct storm {
    struct board board;
    long twin; // as board.total, whenever nobody holds the mutex
    weft_shared_counter makers, mended;
    atomic_uint put[MAKERS];            // items that lie in the queue, as far as he lived
    atomic_uchar seen[MAKERS][SERIALS]; // by getters
};

struct stormer {
    struct storm *storm;
    weft_shared_queue *queue;
    bool puts;
};

static struct item item_of(uint32_t maker, uint32_t serial)
{
    struct item item = {.maker = maker, .serial = serial};
    for (uint32_t i = 0; i < COUNT(item.words); i++)
        item.words[i] = (maker * 2654435761u) ^ (serial * 40503u + i);
    return item;
}

static bool is_whole(const struct item *item)
{
    struct item expected = item_of(item->maker, item->serial);
    return item->maker < MAKERS && item->serial < SERIALS &&
           memcmp(item, &expected, sizeof expected) == 0;
}

static int keep_twins_alike(struct storm *s)
{
    int rc = weft_shared_lock(&s->board.mu, patience());
    CHECK(rc == 0 || rc == -EOWNERDEAD);
    if (rc < 0) {
        s->twin = s->board.total;
        weft_shared_add(&s->mended, 1);
    }
    CHECK(s->twin == s->board.total);
    s->board.total++;
    if (s->twin % 4 == 0)
        sched_yield(); // as they differ: many a kill comes here
    s->twin++;
    weft_shared_unlock(&s->board.mu);
    return 0;
}

static int use_the_rest(struct storm *s, unsigned turn)
{
    CHECK(weft_shared_acquire(&s->board.sem, patience()) == 0);
    weft_shared_release(&s->board.sem, 1);
    if (turn % 64 == 0)
        CHECK(weft_shared_event_wait(&s->board.event, patience()) == 0);
    if (turn % 16 == 0) {
        unsigned char *r = weft_shared(5000);
        CHECK(r && r[0] == 0 && r[4999] == 0);
        memset(r, 1, 5000);
        weft_shared_free(&r);
    }
    return 0;
}

// One maker's items: 0, or -EPIPE at the end.
static int put_some(const struct stormer *me, uint32_t maker)
{
    struct storm *s = me->storm;
    for (uint32_t serial = 0; serial < SERIALS; serial++) {
        struct item item = item_of(maker, serial);
        int rc = weft_shared_put(me->queue, &item, patience());
        if (rc == -EPIPE)
            return rc;
        CHECK(rc == 0);
        atomic_store(&s->put[maker], serial + 1);
        CHECK(keep_twins_alike(s) == 0 && use_the_rest(s, serial) == 0);
    }
    return 0;
}

static int get_some(const struct stormer *me)
{
    struct storm *s = me->storm;
    struct item item;
    int rc;
    for (unsigned turn = 0; (rc = weft_shared_get(me->queue, &item, patience())) == 0; turn++) {
        CHECK(is_whole(&item));
        CHECK(atomic_fetch_add(&s->seen[item.maker][item.serial], 1) == 0);
        CHECK(keep_twins_alike(s) == 0 && use_the_rest(s, turn) == 0);
    }
    CHECK(rc == -EPIPE);
    return 0;
}

static int rage(const struct stormer *me, weft_none *none)
{
    (void)none;
    if (!me->puts)
        return get_some(me);
    int64_t maker;
    while ((maker = weft_shared_add(&me->storm->makers, 1)) < MAKERS) {
        int rc = put_some(me, (uint32_t)maker);
        if (rc != 0)
            return rc == -EPIPE ? 0 : rc;
    }
    return 0;
}
WEFT_TASK(rage, struct stormer, weft_none);

// Workers are killed at any moment, and replaced. How many were.
static long kill_at_random(weft_pool *pool, weft_future **futures, struct stormer me)
{
    long killed = 0;
    unsigned seed = 11;
    for (weft_time end = weft_after_ms(STORM_S * 1000); weft_now().ns < end.ns;) {
        seed = seed * 1103515245u + 12345u;
        int i = (int)(seed / 65536 % STORMERS);
        struct weft_info info;
        weft_inspect(futures[i], &info);
        if (info.pid > 0 && !weft_done(futures[i])) {
            (void)kill(info.pid, SIGKILL);
            int rc = weft_join(&futures[i], NULL, 0);
            assert_true(rc == -EOWNERDEAD || rc == 0);
            weft_shared_release(&me.storm->board.sem, 1); // in place of what may have died
            killed++;
            me.puts = i % 2 == 0;
            assert_non_null(futures[i] = weft_submit(pool, rage, &me));
        }
        weft_shared_event_set(&me.storm->board.event);
        weft_shared_event_clear(&me.storm->board.event);
        nap_ms((int)(seed / 1024 % 8));
    }
    return killed;
}

// Of what lies in the queue, a getter that died takes one item with it at most.
static long lost_items(const struct storm *s)
{
    long lost = 0;
    for (size_t maker = 0; maker < MAKERS; maker++)
        for (unsigned i = 0; i < atomic_load(&s->put[maker]); i++)
            lost += atomic_load(&s->seen[maker][i]) == 0;
    return lost;
}

static void in_a_storm_of_kills_nothing_breaks_and_nobody_hangs(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(STORMERS);
    weft_future *mortal[STORMERS], *living[LIVING];
    struct stormer me = {weft_shared(sizeof *me.storm),
                         weft_shared_queue_new(sizeof(struct item), 5), false};
    assert_true(me.storm && me.queue);
    weft_shared_release(&me.storm->board.sem, STORMERS);
    for (int i = 0; i < STORMERS; i++) {
        me.puts = i % 2 == 0;
        assert_non_null(mortal[i] = weft_submit(pool, rage, &me));
        living[i] = weft_start(i < 2 ? WEFT_THREADS : WEFT_FIBERS, rage, &me);
        assert_non_null(living[i]);
    }
    long killed = kill_at_random(pool, mortal, me);
    weft_shared_event_set(&me.storm->board.event);
    weft_shared_queue_close(me.queue);
    for (int i = 0; i < LIVING; i++)
        assert_int_equal(weft_join(&living[i], NULL, 0), 0);
    for (int i = 0; i < STORMERS; i++)
        assert_int_equal(weft_join(&mortal[i], NULL, 0), 0);
    print_message("%ld were killed, %lld of them with the mutex, %ld with an item\n", killed,
                  (long long)weft_shared_value(&me.storm->mended), lost_items(me.storm));
    assert_true(killed > 0);
    assert_true(lost_items(me.storm) <= killed);
    assert_int_equal(weft_shared_queue_length(me.queue), 0);
    weft_shared_queue_free(&me.queue);
    weft_shared_free(&me.storm);
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(however_a_holder_dies_the_next_is_told_once),
    cmocka_unit_test(a_mender_may_die_in_turn),
    cmocka_unit_test(of_those_who_wait_for_the_dead_one_is_told_and_all_go_on),
    cmocka_unit_test(a_stopped_holder_holds_no_deadline_up),
    cmocka_unit_test(without_the_ancestor_locks_are_reported_and_regions_stay),
    cmocka_unit_test(a_wake_up_does_not_die_with_whom_it_woke),
    cmocka_unit_test(in_a_storm_of_kills_nothing_breaks_and_nobody_hangs),
};

TEST_MAIN(tests)
