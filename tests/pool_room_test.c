// SPDX-License-Identifier: MIT
// pool_room_test.c - who submits to a full pool waits for room, and room that is made is used.
#include "exec_helpers.h"

#include "claims.h"

struct crowd {
    weft_pool *pool;
    sem_t go;
    weft_event opened;
    weft_mutex mu;
    struct spot spots[2];
};

// Its worker computes until it may wait.
static int compute_and_wait(struct crowd *const *c, weft_none *none)
{
    (void)none;
    sem_take(&(*c)->go);
    return weft_event_wait(&(*c)->opened, WEFT_FOREVER);
}
WEFT_TASK(compute_and_wait, struct crowd *, weft_none);

static int lock_and_unlock(struct crowd *const *c, weft_none *none)
{
    (void)none;
    weft_guard(&(*c)->mu);
    return 0;
}
WEFT_TASK(lock_and_unlock, struct crowd *, weft_none);

struct applicant {
    struct crowd *crowd;
    int number;
};

static int apply(const struct applicant *a, weft_none *none)
{
    (void)none;
    arrive(&a->crowd->spots[a->number]);
    return weft_spawn(a->crowd->pool, lock_and_unlock, &a->crowd);
}
WEFT_TASK(apply, struct applicant, weft_none);

// Two wait for room. The spare that takes the queued task makes room for one, and waits at once.
// True: that one was refused, since he did not come before the spare waited.
static bool room_is_made_and_refused(void)
{
    struct crowd c = {.pool = NULL}, *crowd = &c;
    weft_future *f[2];
    sem_init(&c.go, 0, 0);
    weft_lock(&c.mu);
    c.pool = weft_pool_open(WEFT_THREADS, .workers = 1, .max_spares = 1, .backlog = 1);
    weft_future *a = weft_submit(c.pool, compute_and_wait, &crowd);
    weft_future *b = weft_submit(c.pool, lock_and_unlock, &crowd);
    for (int i = 0; i < 2; i++) {
        f[i] = weft_start(WEFT_THREADS, apply, &(struct applicant){&c, i});
        await_asleep(&c.spots[i]);
    }
    sem_post(&c.go);
    assert_true(eventually(weft_done(f[0]) || weft_done(f[1])));
    int first = weft_done(f[0]) ? 0 : 1;
    bool refused = weft_join(&f[first], NULL, 0) == -EAGAIN;
    assert_true(!refused || eventually(weft_done(f[1 - first])));
    weft_unlock(&c.mu);
    weft_event_set(&c.opened);
    (void)weft_join(&f[1 - first], NULL, 0);
    assert_int_equal(weft_join(&a, NULL, 0), 0);
    assert_int_equal(weft_join(&b, NULL, 0), 0);
    weft_pool_close(&c.pool);
    return refused;
}

static void a_submit_that_is_refused_leaves_its_room_to_the_next(void **state)
{
    (void)state;
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES && !room_is_made_and_refused(); i++)
        continue;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_submit_that_is_refused_leaves_its_room_to_the_next),
};

TEST_MAIN(tests)
