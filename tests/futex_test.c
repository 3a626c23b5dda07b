// SPDX-License-Identifier: MIT
// futex_test.c - a sleep on several words.
#include "unit.h"

#include "os/clock.h"
#include "os/futex.h"

static uint32_t words[2]; // one for this process, one as if for others

// A signal may end any sleep: then again, as its users do.
static int wait_for_either(int64_t deadline_ns)
{
    const struct wf_futex_one some[] = {{&words[0], 0, false}, {&words[1], 0, true}};
    int rc;
    while ((rc = wf_futex_wait_any(some, 2, deadline_ns)) == -EINTR)
        continue;
    return rc;
}

static void need_futex_waitv(void)
{
    if (!wf_futex_can_wait_any())
        skip();
}

static void a_word_that_is_another_ends_the_wait(void **state)
{
    (void)state;
    need_futex_waitv();
    for (int i = 0; i < 2; i++) {
        wf_store(&words[i], 1, WF_SEQ_CST);
        assert_int_equal(wait_for_either(INT64_MAX), 0);
        wf_store(&words[i], 0, WF_SEQ_CST);
    }
}

static void a_deadline_ends_the_wait(void **state)
{
    (void)state;
    need_futex_waitv();
    assert_int_equal(wait_for_either(-1), -ETIMEDOUT);
    int64_t deadline = wf_clock_now() + 2000000;
    int rc;
    while ((rc = wait_for_either(deadline)) == 0)
        continue;
    assert_int_equal(rc, -ETIMEDOUT);
    assert_true(wf_clock_now() >= deadline);
}

static void *wake(void *arg)
{
    uint32_t *word = arg;
    wf_store(word, 1, WF_SEQ_CST);
    if (word == &words[0])
        wf_futex_wake(word);
    else
        wf_futex_wake_shared(word);
    return NULL;
}

static void whichever_word_is_woken_ends_the_wait(void **state)
{
    (void)state;
    need_futex_waitv();
    for (int i = 0; i < 2; i++) {
        pthread_t waker;
        assert_int_equal(pthread_create(&waker, NULL, wake, &words[i]), 0);
        int rc = 0;
        while (rc == 0 && wf_load(&words[i], WF_SEQ_CST) == 0)
            rc = wait_for_either(INT64_MAX);
        assert_int_equal(rc, 0);
        assert_int_equal(pthread_join(waker, NULL), 0);
        wf_store(&words[i], 0, WF_SEQ_CST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_that_is_another_ends_the_wait),
        cmocka_unit_test(a_deadline_ends_the_wait),
        cmocka_unit_test(whichever_word_is_woken_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
