// SPDX-License-Identifier: MIT
// process_mad_test.c - workers that write one wrong thing into their channel, which the root reads.
// process_fuzz_test.c has those that write at random.
#include "board.h"
#include "process_helpers.h"

#include "channel_file.h"

// An argument that is small lies in its slot.
static struct wf_slot *slot_of(const void *arg)
{
    return (struct wf_slot *)((char *)arg - offsetof(struct wf_slot, payload));
}

// ---- one word that cannot be ----------------------------------------------------------------

static int write_nonsense(atomic_int *const *written, weft_none *none)
{
    atomic_int *tell = *written;
    (void)none;
    atomic_store((_Atomic uint32_t *)&slot_of(written)->state, 99);
    atomic_store(tell, 1);
    for (;;)
        pause();
    return 0;
}
WEFT_TASK(write_nonsense, atomic_int *, weft_none);

static void a_mad_worker_is_ended_and_called_so(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        atomic_int *written = on_board(atomic_int);
        weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
        weft_future *f = weft_submit(pool, write_nonsense, &written);
        assert_true(early || eventually(atomic_load(written) == 1 || weft_done(f)));
        assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
        assert_non_null(strstr(weft_error(), "it wrote into its channel what cannot be"));
        long out = 0;
        f = weft_submit(pool, square, &(int){6});
        assert_int_equal(weft_join_as(&f, square, &out), 0);
        assert_int_equal(out, 36);
        weft_pool_close(&pool);
    }
}

static int claim_not_to_have_started(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    size_t size;
    struct wf_channel *c = (struct wf_channel *)(void *)find_file(true, &size);
    if (!c)
        return -ENOENT;
    c->start_code = -EPERM;
    atomic_store((_Atomic uint32_t *)&c->phase, WF_START_FAILED);
    return 0;
}
WEFT_TASK(claim_not_to_have_started, weft_none, weft_none);

static void a_worker_that_has_started_cannot_fail_its_pool(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit(pool, claim_not_to_have_started, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    for (int i = 0; i < 20; i++) {
        long out = 0;
        f = weft_submit(pool, square, &i);
        int rc = weft_join_as(&f, square, &out);
        assert_true((rc == 0 && out == (long)i * i) || rc == -EOWNERDEAD);
    }
    weft_pool_close(&pool);
}

static int say_nothing(const weft_none *none, weft_none *out)
{
    (void)out;
    size_t size;
    struct wf_channel *c = (struct wf_channel *)(void *)find_file(true, &size);
    if (!c)
        return -ENOENT;
    nap_ms(50); // the joiner waits by now
    atomic_store((_Atomic uint32_t *)&c->tell, *none ? 77 : WF_TELL_NOTHING);
    return 0;
}
WEFT_TASK(say_nothing, weft_none, weft_none);

static void a_result_of_which_no_word_is_said_is_found(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    for (char how = 0; how < 2; how++) {
        weft_future *f = weft_submit(pool, say_nothing, &how);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    }
    weft_pool_close(&pool);
}

// ---- descriptors ------------------------------------------------------------------------------

// It says that it is done, and is not: the task behind it loses what says that it has an end.
static int rob_the_next(struct hold *const *h, weft_none *none)
{
    struct wf_slot *own = slot_of(h), *next = own + 1;
    atomic_store((_Atomic uint32_t *)&own->state, WF_SLOT_DONE);
    (void)hold(h, none);
    memcpy(next->payload, &(struct bearer){{-1}}, sizeof(struct bearer));
    return 0;
}
WEFT_TASK(rob_the_next, struct hold *, weft_none);

static int count_open(const weft_none *none, int *out)
{
    (void)none;
    *out = open_descriptors();
    return 0;
}
WEFT_TASK(count_open, weft_none, int);

static int open_in_worker(weft_pool *pool)
{
    int out = -1;
    weft_future *f = weft_submit(pool, count_open, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, count_open, &out), 0);
    return out;
}

static void descriptors_for_nobody_are_closed(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    hold_init(h);
    weft_end ours, theirs;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_int_equal(weft_pipe(&ours, &theirs), 0);
    int before = open_in_worker(pool);
    weft_future *robber = weft_submit(pool, rob_the_next, &h);
    sem_take(&h->started);
    assert_true(weft_done(robber));
    weft_future *f = weft_submit(pool, bear_end, &(struct bearer){theirs});
    assert_int_equal(let_go(&robber, h), 0);
    assert_int_equal(weft_join(&f, NULL, 0), -EMFILE);
    assert_non_null(strstr(weft_error(), "bear_end: its descriptors did not arrive"));
    assert_int_equal(open_in_worker(pool), before);
    char byte;
    assert_int_equal(weft_recv(ours, &byte, 1, much_later()), -EPIPE);
    weft_end_close(&ours);
    weft_pool_close(&pool);
}

static int close_all(void *ctx)
{
    (void)ctx;
    for (int fd = STDERR_FILENO + 1; fd < 100; fd++)
        (void)close(fd);
    return 0;
}

static int close_all_that_is_open(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return close_all(NULL);
}
WEFT_TASK(close_all_that_is_open, weft_none, weft_none);

struct large {
    unsigned char bytes[2000];
};

static int last_byte(const struct large *large, int *out)
{
    *out = large->bytes[sizeof large->bytes - 1];
    return 0;
}
WEFT_TASK(last_byte, struct large, int);

static void send_large(weft_pool *pool)
{
    int out = 0;
    struct large large = {.bytes = {[sizeof large.bytes - 1] = 7}};
    weft_future *f = weft_submit_until(pool, much_later(), last_byte, &large);
    assert_int_equal(weft_join_as(&f, last_byte, &out), 0);
    assert_int_equal(out, 7);
}

static void send_end(weft_pool *pool)
{
    weft_end ours, theirs;
    assert_int_equal(weft_pipe(&ours, &theirs), 0);
    weft_future *f = weft_submit_until(pool, much_later(), bear_end, &(struct bearer){theirs});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_end_close(&ours);
}

static void send_items(weft_pool *pool)
{
    long out[3] = {0};
    assert_int_equal(weft_map(pool, much_later(), square, 3, out, (int[]){1, 2, 3}), 0);
    assert_int_equal(out[2], 9);
}

static void a_task_that_closes_all_descriptors_costs_no_other(void **state)
{
    (void)state;
    static void (*const sends[])(weft_pool *) = {send_large, send_end, send_items};
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    for (size_t i = 0; i < sizeof sends / sizeof *sends; i++) {
        weft_future *f = weft_submit(pool, close_all_that_is_open, &(weft_none){0});
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        sends[i](pool);
    }
    weft_pool_close(&pool);
}

static int close_all_once_let_go(struct hold *const *h, weft_none *none)
{
    int rc = hold(h, none);
    return rc < 0 ? rc : close_all(NULL);
}
WEFT_TASK(close_all_once_let_go, struct hold *, weft_none);

static void what_was_sent_before_a_task_closed_all_descriptors_goes_to_another(void **state)
{
    (void)state;
    int out = 0;
    struct large large = {.bytes = {[sizeof large.bytes - 1] = 7}};
    struct hold *h = on_board(struct hold);
    hold_init(h);
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *closes = weft_submit(pool, close_all_once_let_go, &h);
    sem_take(&h->started);
    weft_future *f = weft_submit_until(pool, much_later(), last_byte, &large);
    assert_int_equal(let_go(&closes, h), 0);
    assert_int_equal(weft_join_as(&f, last_byte, &out), 0);
    assert_int_equal(out, 7);
    weft_pool_close(&pool);
}

static void an_on_start_that_closes_all_descriptors_is_told_so(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .on_start = close_all);
    long out[3];
    int rc = weft_map(pool, much_later(), square, 3, out, (int[]){1, 2, 3});
    assert_int_equal(rc, -EBADF);
    assert_non_null(strstr(weft_error(), "has closed descriptors of weft's"));
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_mad_worker_is_ended_and_called_so),
    cmocka_unit_test(a_worker_that_has_started_cannot_fail_its_pool),
    cmocka_unit_test(a_result_of_which_no_word_is_said_is_found),
    cmocka_unit_test(descriptors_for_nobody_are_closed),
    cmocka_unit_test(a_task_that_closes_all_descriptors_costs_no_other),
    cmocka_unit_test(what_was_sent_before_a_task_closed_all_descriptors_goes_to_another),
    cmocka_unit_test(an_on_start_that_closes_all_descriptors_is_told_so),
};

TEST_MAIN(tests)
