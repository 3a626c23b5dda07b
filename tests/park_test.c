// SPDX-License-Identifier: MIT
// park_test.c - a sleep that a word in shared memory ends, too. What all else waits for is tested
// where it is offered.
#include "unit.h"

#include "core/park.h"
#include "os/futex.h"

static uint32_t word;

static const struct wf_futex_one one = {.word = &word, .expected = 1, .shared = true};
static const struct wf_wait wait_for_word = {
    .what = "test", .fd = WF_NO_FD, .words = &one, .word_count = 1};

static void need_futex_waitv(void)
{
    wf_store(&word, 1, WF_SEQ_CST);
    if (!wf_sleeps_on_words())
        skip();
}

static void a_word_that_has_changed_ends_it_at_once(void **state)
{
    (void)state;
    need_futex_waitv();
    wf_store(&word, 0, WF_SEQ_CST);
    assert_int_equal(wf_park(&wait_for_word, WEFT_FOREVER), 0);
    assert_true(wf_words_changed(&wait_for_word));
}

static void its_deadline_ends_it(void **state)
{
    (void)state;
    need_futex_waitv();
    int rc;
    while ((rc = wf_park(&wait_for_word, weft_after_ms(2))) == 0)
        continue; // for no reason
    assert_int_equal(rc, -ETIMEDOUT);
}

static void *change_word(void *arg)
{
    (void)arg;
    nap_ms(5);
    wf_store(&word, 2, WF_SEQ_CST);
    wf_futex_wake_shared(&word);
    return NULL;
}

static void *give_token(void *arg)
{
    nap_ms(5);
    wf_unpark(arg);
    return NULL;
}

static void the_word_wakes_it(void **state)
{
    (void)state;
    need_futex_waitv();
    pthread_t waker;
    assert_int_equal(pthread_create(&waker, NULL, change_word, NULL), 0);
    while (!wf_words_changed(&wait_for_word))
        assert_int_equal(wf_park(&wait_for_word, WEFT_FOREVER), 0);
    assert_int_equal(pthread_join(waker, NULL), 0);
}

static void its_token_wakes_it_and_is_taken(void **state)
{
    (void)state;
    need_futex_waitv();
    pthread_t waker;
    assert_int_equal(pthread_create(&waker, NULL, give_token, wf_self()), 0);
    assert_int_equal(wf_park(&wait_for_word, WEFT_FOREVER), 0);
    assert_int_equal(pthread_join(waker, NULL), 0);
    (void)wf_park(&wait_for_word, WEFT_POLL); // should the first have ended for no reason
    assert_int_equal(wf_park(&wait_for_word, WEFT_POLL), -ETIMEDOUT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_word_that_has_changed_ends_it_at_once),
    cmocka_unit_test(its_deadline_ends_it),
    cmocka_unit_test(the_word_wakes_it),
    cmocka_unit_test(its_token_wakes_it_and_is_taken),
};

TEST_MAIN(tests)
