// SPDX-License-Identifier: MIT
// chat_tidy_test.c - a crowd's memory goes back to the system once it is quiet.
#include "unit.h"

#include <unistd.h>

#include "chat/tidy.h"
#include "common/memory.h"

enum { BLOCK = 2048, BLOCKS = 16 << 20 >> 11, KEPT_EACH = 16, BEATS = 400, BEAT_MS = 50 };

static char *blocks[BLOCKS];

static long resident(void)
{
    long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &all, &pages), 2);
    (void)fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

// 16 MiB, and a sixteenth of them stays: between what is free.
static void leave_holes(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK);
        assert_non_null(blocks[i]);
        memset(blocks[i], i, BLOCK);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (i % KEPT_EACH != 0) {
            free(blocks[i]);
            blocks[i] = NULL;
        }
}

static void free_rest(void)
{
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void move(struct tidy *t, int times)
{
    for (int i = 0; i < times; i++)
        tidy_moved(t);
}

static int a_crowd_comes(const weft_none *nothing, weft_none *none)
{
    (void)nothing;
    (void)none;
    struct tidy tidy = {0};
    if (tidy_start(&tidy) < 0)
        return weft_error_code();
    leave_holes();
    long before = resident();
    move(&tidy, TIDY_ENOUGH);
    for (int i = 0; i < BEATS && resident() > before - (4 << 20); i++)
        (void)weft_sleep(weft_after_ms(BEAT_MS));
    long after = resident();
    tidy_end(&tidy);
    free_rest();
    return after <= before - (4 << 20) ? 0 : -EBUSY;
}
WEFT_TASK(a_crowd_comes, weft_none, weft_none);

static void what_a_crowd_left_goes_back_once_it_is_quiet(void **state)
{
    (void)state;
    weft_none nothing = 0;
    if (SANITIZED)
        skip(); // they bring their own malloc
    keep_freed_memory();
    weft_future *f = weft_start(WEFT_FIBERS, a_crowd_comes, &nothing);
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static int few_come(const weft_none *nothing, weft_none *none)
{
    (void)nothing;
    (void)none;
    struct tidy tidy = {0};
    if (tidy_start(&tidy) < 0)
        return weft_error_code();
    move(&tidy, TIDY_ENOUGH - 1);
    bool waits = !weft_event_is_set(&tidy.enough);
    move(&tidy, 1);
    bool is_told = weft_event_is_set(&tidy.enough);
    tidy_end(&tidy); // while it waits for quiet
    return waits && is_told ? 0 : -EBUSY;
}
WEFT_TASK(few_come, weft_none, weft_none);

static void a_few_are_not_worth_it_and_it_can_end_at_any_time(void **state)
{
    (void)state;
    weft_none nothing = 0;
    weft_future *f = weft_start(WEFT_FIBERS, few_come, &nothing);
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_crowd_left_goes_back_once_it_is_quiet),
        cmocka_unit_test(a_few_are_not_worth_it_and_it_can_end_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
