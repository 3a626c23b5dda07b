// SPDX-License-Identifier: MIT
// chat_memory_test.c - what a server frees stays at hand.
#include "unit.h"

#include "common/memory.h"

enum { QUEUES = 200, QUEUE = 8192, PAGE = 4096, TOUCHED = QUEUES * QUEUE / PAGE };

static long faults(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_minflt;
}

// As a word to a room does: a queue for each member, then none.
static void take_and_give_back(void)
{
    static char *queues[QUEUES];
    for (int i = 0; i < QUEUES; i++) {
        queues[i] = malloc(QUEUE);
        assert_non_null(queues[i]);
        memset(queues[i], i, QUEUE);
    }
    for (int i = 0; i < QUEUES; i++)
        free(queues[i]);
}

static void *count_faults(void *faults_of_the_second)
{
    take_and_give_back();
    long before = faults();
    take_and_give_back();
    *(long *)faults_of_the_second = faults() - before;
    return NULL;
}

// On a thread: it has an arena of its own, as a loop's has.
static void what_is_freed_is_at_hand_for_the_next(void **state)
{
    (void)state;
    pthread_t thread;
    long found = -1;
    if (SANITIZED)
        skip(); // they bring their own malloc
    keep_freed_memory();
    assert_int_equal(pthread_create(&thread, NULL, count_faults, &found), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_in_range(found, 0, TOUCHED / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_is_at_hand_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
