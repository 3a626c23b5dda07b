// SPDX-License-Identifier: MIT
// list_stress_test.c - tasks are listed, and inspected, while they come and go as fast as they can:
// who looks finds each whole, or not at all. (What he reads then is a task's own memory: an address
// sanitizer sees whether it was still there. core/current.c says why.)
#include "contract.h"

enum { FIBERS = SANITIZED ? 20000 : 200000, THREADS = SANITIZED ? 200 : 1000 };

static int nothing(const weft_none *in, weft_none *out)
{
    (void)in, (void)out;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

struct crowd {
    enum weft_kind kind;
    int count;
};

static int come_and_go(const struct crowd *crowd, weft_none *none)
{
    (void)none;
    for (int i = 0; i < crowd->count; i++) {
        weft_future *f = weft_start_as(WEFT_WITH(.kind = crowd->kind, .name = "passer-by"), nothing,
                                       &(weft_none){0});
        CHECK(f && weft_join(&f, NULL, 0) == 0);
    }
    return 0;
}
WEFT_TASK(come_and_go, struct crowd, weft_none);

static bool is_whole(const struct weft_info *info)
{
    return info->id > 0 && info->alive && info->name[0] != '\0' &&
           memchr(info->name, '\0', sizeof info->name);
}

static void list_beside(enum weft_kind kind, int count)
{
    struct crowd crowd = {kind, count};
    struct weft_info infos[8], one;
    weft_future *f = weft_start(kind, come_and_go, &crowd);
    assert_non_null(f);
    while (!weft_done(f)) {
        size_t n = weft_list(kind, infos, COUNT(infos));
        assert_in_range(n, 0, COUNT(infos));
        for (size_t i = 0; i < n; i++)
            assert_true(is_whole(&infos[i]));
        weft_inspect(f, &one);
        assert_true(one.id > 0 && one.name[0] != '\0');
    }
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

TEST(fibers_are_listed_while_they_come_and_go)
{
    list_beside(WEFT_FIBERS, FIBERS);
}

TEST(threads_are_listed_while_they_come_and_go)
{
    list_beside(WEFT_THREADS, THREADS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(fibers_are_listed_while_they_come_and_go),
    cmocka_unit_test(threads_are_listed_while_they_come_and_go),
};
TEST_MAIN(tests)
