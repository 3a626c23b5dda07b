// SPDX-License-Identifier: MIT
// shortage_pool_test.c - a pool whose workers all wait, and for which no spare one can be had: who
// hands it a task is told, and so is the worker that begins to wait while tasks are queued.
#include "shortage.h"

// ---- a pool that needs a spare worker --------------------------------------------------

struct waiting {
    weft_event *end;
    struct spot spot;
};

static int wait_for_the_end(struct waiting *const *w, weft_none *none)
{
    (void)none;
    arrive(&(*w)->spot);
    return weft_event_wait((*w)->end, WEFT_FOREVER);
}
WEFT_TASK(wait_for_the_end, struct waiting *, weft_none);

// How many of the five ways to hand a task over were refused for want of a thread.
static int ways_refused(weft_pool *pool, weft_group *group)
{
    int out[4], refused = 0;
    weft_future *f = weft_submit(pool, square, &(int){3});
    refused += !f && failure() == -EAGAIN;
    weft_drop(&f);
    f = weft_submit_until(pool, much_later(), square, &(int){3});
    refused += !f && failure() == -EAGAIN;
    weft_drop(&f);
    refused += weft_spawn(pool, square, &(int){3}) == -EAGAIN;
    refused += weft_group_add(group, 1, square, &(int){3}) == -EAGAIN;
    return refused + (weft_map(pool, WEFT_FOREVER, square, 4, out, (int[]){1, 2, 3, 4}) == -EAGAIN);
}

static void a_task_for_which_no_spare_can_be_had_is_refused(void **state)
{
    (void)state;
    weft_event end = {0};
    struct waiting waiting = {.end = &end}, *arg = &waiting;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1, .name = "tight");
    weft_group *group = weft_group_open(pool);
    weft_future *f = weft_submit(pool, wait_for_the_end, &arg);
    await_asleep(&waiting.spot);
    shortage = (struct shortage){.of = THREADS, .error = EAGAIN};
    int refused = ways_refused(pool, group);
    assert_int_equal(end_shortage(), 5);
    assert_int_equal(refused, 5);
    assert_non_null(strstr(weft_error(), "tight"));
    assert_int_equal(ways_refused(pool, group), 0); // the next are served
    weft_event_set(&end);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_group_close(&group);
    weft_pool_close(&pool);
}

// What a worker may wait for in vain.
struct vain {
    weft_event event;
    weft_sem sem;
    weft_mutex held, free;
    weft_recursive recursive;
    weft_cond cond;
    weft_waitgroup work;
    weft_barrier two;
    weft_queue *empty, *full;
    weft_pool *busy; // one worker, which is held, and a backlog that is full
    weft_group *group;
    weft_future *running, *queued;
    struct hold hold;
    int pipe[2];
};

static int vain_event(struct vain *v)
{
    return weft_event_wait(&v->event, WEFT_FOREVER);
}

static int vain_acquire(struct vain *v)
{
    return weft_acquire(&v->sem, much_later());
}

static int vain_lock(struct vain *v)
{
    return weft_lock_until(&v->held, much_later());
}

static int vain_recursive(struct vain *v)
{
    return weft_recursive_lock_until(&v->recursive, much_later());
}

static int vain_cond(struct vain *v)
{
    weft_lock(&v->free);
    int rc = weft_cond_wait(&v->cond, &v->free, much_later());
    weft_unlock(&v->free); // aborts unless it is held
    return rc;
}

static bool never(const void *arg)
{
    return !arg;
}

static int vain_cond_for(struct vain *v)
{
    weft_lock(&v->free);
    int rc = weft_cond_wait_for(&v->cond, &v->free, never, v, much_later());
    weft_unlock(&v->free);
    return rc;
}

static int vain_waitgroup(struct vain *v)
{
    return weft_waitgroup_wait(&v->work, much_later());
}

static int vain_barrier(struct vain *v)
{
    return weft_barrier_wait(&v->two, much_later());
}

static int vain_get(struct vain *v)
{
    int item;
    return weft_get(v->empty, &item, much_later());
}

static int vain_put(struct vain *v)
{
    return weft_put(v->full, &(int){1}, much_later());
}

static int vain_wait(struct vain *v)
{
    return weft_wait(v->running, WEFT_FOREVER);
}

static int vain_next(struct vain *v)
{
    struct weft_outcome o;
    return weft_group_next(v->group, &o, NULL, 0, much_later());
}

static int vain_submit(struct vain *v)
{
    weft_future *f = weft_submit(v->busy, square, &(int){3});
    return f ? 0 : failure();
}

static const struct {
    const char *name;
    int (*call)(struct vain *);
} in_vain[] = {
    {"weft_event_wait", vain_event},
    {"weft_acquire", vain_acquire},
    {"weft_lock_until", vain_lock},
    {"weft_recursive_lock_until", vain_recursive},
    {"weft_cond_wait", vain_cond},
    {"weft_cond_wait_for", vain_cond_for},
    {"weft_waitgroup_wait", vain_waitgroup},
    {"weft_barrier_wait", vain_barrier},
    {"weft_get", vain_get},
    {"weft_put", vain_put},
    {"weft_wait", vain_wait},
    {"weft_group_next", vain_next},
    {"weft_submit to a full pool", vain_submit},
};

static int need_nothing(void *ctx)
{
    (void)ctx;
    return 0;
}

struct trial {
    struct vain *vain;
    sem_t go;
};

static int wait_in_vain(struct trial *const *t, weft_none *none)
{
    (void)none;
    sem_take(&(*t)->go);
    shortage = (struct shortage){.of = THREADS, .error = EAGAIN};
    for (size_t i = 0; i < COUNT(in_vain); i++) {
        int rc = in_vain[i].call((*t)->vain);
        if (rc != -EAGAIN || failure() != rc)
            return weft_fail(-EIO, "%s gave %d: %s", in_vain[i].name, rc, weft_error());
    }
    int refused = shortage.refused;
    int rc = weft_wait_fd((*t)->vain->pipe[0], POLLIN, weft_after_ms(5));
    int slept = weft_sleep(weft_after_ms(1));
    (void)end_shortage();
    if (refused < (int)COUNT(in_vain) || rc != -ETIMEDOUT || slept != 0)
        return weft_fail(-EIO, "%d refusals, then %d, %d", refused, rc, slept);
    return 0;
}
WEFT_TASK(wait_in_vain, struct trial *, weft_none);

static void make_vain(struct vain *v)
{
    *v = (struct vain){.two = WEFT_BARRIER(2)};
    weft_lock(&v->held);
    weft_recursive_lock(&v->recursive);
    weft_waitgroup_add(&v->work, 1);
    v->empty = weft_queue_new(sizeof(int), .capacity = 1);
    v->full = weft_queue_new(sizeof(int), .capacity = 1);
    assert_int_equal(weft_put(v->full, &(int){1}, WEFT_POLL), 0);
    v->busy = weft_pool_open(WEFT_THREADS, .workers = 1, .backlog = 2);
    v->running = hold_a_worker(v->busy, &v->hold);
    v->group = weft_group_open(v->busy);
    assert_int_equal(weft_group_add(v->group, 1, square, &(int){3}), 0);
    v->queued = weft_submit(v->busy, square, &(int){3});
    assert_int_equal(pipe2(v->pipe, O_CLOEXEC), 0);
}

static void end_vain(struct vain *v)
{
    assert_int_equal(let_go(&v->running, &v->hold), 0);
    assert_int_equal(weft_join(&v->queued, NULL, 0), 0);
    weft_group_close(&v->group);
    weft_pool_close(&v->busy);
    weft_queue_free(&v->empty);
    weft_queue_free(&v->full);
    weft_recursive_unlock(&v->recursive);
    weft_unlock(&v->held);
    close(v->pipe[0]);
    close(v->pipe[1]);
}

// A task is queued, and the only worker begins to wait: it is told, unless the wait is for a
// descriptor, whose other end may be outside, or passes by itself.
static void a_wait_for_which_no_spare_can_be_had_is_refused(void **state)
{
    (void)state;
    struct vain v;
    make_vain(&v);
    struct trial trial = {.vain = &v}, *arg = &trial;
    sem_init(&trial.go, 0, 0);
    weft_pool *pool = // with on_start nobody else runs the queued one
        weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = need_nothing);
    weft_future *f = weft_submit(pool, wait_in_vain, &arg);
    weft_future *queued = weft_submit(pool, square, &(int){3});
    sem_post(&trial.go);
    int rc = weft_join(&f, NULL, 0);
    if (rc < 0)
        fail_msg("%s", weft_error());
    assert_int_equal(weft_join(&queued, NULL, 0), 0);
    weft_pool_close(&pool);
    end_vain(&v);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_task_for_which_no_spare_can_be_had_is_refused),
    cmocka_unit_test(a_wait_for_which_no_spare_can_be_had_is_refused),
};
TEST_MAIN(tests)
