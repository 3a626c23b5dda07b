// SPDX-License-Identifier: MIT
// chat_stage_test.c - actors: as many as are needed, and not many who stay.
#include "unit.h"

#include "chat/stage.h"

enum { CROWD = 1000 };

struct play {
    struct stage stage;
    weft_event begins;
    int played, at_once, most_at_once;
};

static void count(void *play)
{
    struct play *p = play;
    p->at_once++;
    p->most_at_once = p->at_once > p->most_at_once ? p->at_once : p->most_at_once;
    weft_yield(); // the others come on
    p->at_once--;
    p->played++;
}

static int visit(struct play *const *arg, weft_none *none)
{
    struct play *p = *arg;
    (void)none;
    int rc = weft_event_wait(&p->begins, WEFT_FOREVER);
    if (rc == 0)
        stage_run(&p->stage, count, p);
    return rc;
}
WEFT_TASK(visit, struct play *, weft_none);

// What went wrong, or 0.
static int play_once(struct play *p)
{
    weft_future *crowd[CROWD];
    int rc = 0;
    weft_event_clear(&p->begins);
    p->played = p->most_at_once = 0;
    for (int i = 0; i < CROWD; i++)
        crowd[i] = weft_start(WEFT_FIBERS, visit, &p);
    weft_event_set(&p->begins);
    for (int i = 0; i < CROWD; i++)
        rc = weft_join(&crowd[i], NULL, 0) < 0 ? -ECHILD : rc;
    if (p->played != CROWD || p->most_at_once < CROWD / 2)
        rc = -ERANGE;
    return p->stage.count > STAGE_KEPT || p->stage.idle_count != p->stage.count ? -E2BIG : rc;
}

static int a_crowd_speaks_twice(const weft_none *nothing, weft_none *none)
{
    struct play p = {.played = 0};
    (void)nothing;
    (void)none;
    stage_init(&p.stage);
    int rc = play_once(&p);
    rc = rc == 0 ? play_once(&p) : rc;
    stage_end(&p.stage);
    return rc;
}
WEFT_TASK(a_crowd_speaks_twice, weft_none, weft_none);

static void a_crowd_has_an_actor_each_and_few_of_them_stay(void **state)
{
    weft_none nothing = 0;
    (void)state;
    weft_future *f = weft_start(WEFT_FIBERS, a_crowd_speaks_twice, &nothing);
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_has_an_actor_each_and_few_of_them_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
