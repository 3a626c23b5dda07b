// SPDX-License-Identifier: MIT
// pool_options_test.c - what a pool's options promise: on_start, on_error, workers, spares, and
// what is reported when threads or memory run out.
#include "board.h"
#include "exec_helpers.h"

#include <sched.h>

// ---- on_start --------------------------------------------------------------------------

static _Thread_local int prepared; // by on_start, in each worker

struct preparation {
    int value;
    atomic_int times;
};

static int prepare(void *ctx)
{
    struct preparation *p = ctx;
    prepared = p->value;
    atomic_fetch_add(&p->times, 1);
    return 0;
}

static struct preparation *preparation_of(int value)
{
    struct preparation *p = on_board(struct preparation);
    p->value = value;
    return p;
}

static int read_prepared(const weft_none *none, int *out)
{
    (void)none;
    *out = prepared;
    return 0;
}
WEFT_TASK(read_prepared, weft_none, int);

static int join_in_another_pool(weft_pool *const *pool, int *out)
{
    weft_future *f = weft_submit(*pool, read_prepared, &(weft_none){0});
    return f ? weft_join_as(&f, read_prepared, out) : weft_error_code();
}
WEFT_TASK(join_in_another_pool, weft_pool *, int);

static void on_start_runs_first_in_each_worker(void **state)
{
    (void)state;
    struct preparation *seventeen = preparation_of(17);
    weft_pool *pool = weft_pool_open(KIND, .workers = 2, .on_start = prepare, .ctx = seventeen);
    for (int i = 0; i < 50; i++) {
        int out = 0;
        weft_future *f = weft_submit(pool, read_prepared, &(weft_none){0});
        assert_int_equal(weft_join_as(&f, read_prepared, &out), 0); // so never in place, here
        assert_int_equal(out, 17);
    }
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(&seventeen->times), 2);
}

static void tasks_run_only_where_on_start_ran(void **state)
{
    (void)state;
    int out[20], in_another = 0;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .on_start = prepare,
                                     .ctx = preparation_of(17));
    weft_pool *other = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_none in[20] = {0};
    assert_int_equal(weft_map(pool, WEFT_FOREVER, read_prepared, 20, out, in), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(out[i], 17);
    for (int i = 0; i < 20; i++) {
        weft_future *f = weft_submit(other, join_in_another_pool, &pool);
        assert_int_equal(weft_wait(f, much_later()), 0);
        assert_int_equal(weft_join_as(&f, join_in_another_pool, &in_another), 0);
        assert_int_equal(in_another, 17); // not in the worker of the other pool
    }
    weft_pool_close(&other);
    weft_pool_close(&pool);
}

struct complaint {
    sem_t heard;
    atomic_int times;
    int code;
    char task[64], message[WEFT_ERROR_MAX];
};

static void complain(const char *task, int code, const char *message, void *ctx)
{
    struct complaint *c = ctx;
    c->code = code;
    snprintf(c->task, sizeof c->task, "%s", task);
    snprintf(c->message, sizeof c->message, "%s", message);
    atomic_fetch_add(&c->times, 1);
    sem_post(&c->heard);
}

static int refuse(void *ctx)
{
    (void)ctx;
    return weft_fail(-ENODEV, "no engine");
}

static void an_on_start_that_fails_fails_the_pools_tasks(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2, .on_start = refuse);
    assert_non_null(pool);
    for (int i = 0; i < 10; i++) {
        int out = 5;
        weft_future *f = weft_submit(pool, read_prepared, &(weft_none){0});
        assert_non_null(f);
        assert_int_equal(weft_join_as(&f, read_prepared, &out), -ENODEV);
        assert_string_equal(weft_error(), "no engine");
        assert_int_equal(out, 5);
    }
    int out[3];
    weft_none in[3] = {0};
    assert_int_equal(weft_map(pool, WEFT_FOREVER, read_prepared, 3, out, in), -ENODEV);
    assert_string_equal(weft_error(), "no engine"); // of no item
    weft_pool_close(&pool);
}

static int refuse_silently(void *ctx)
{
    (void)ctx;
    return -ENODEV;
}

static void an_on_start_that_says_nothing_is_named_itself(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .name = "mute",
                                     .on_start = refuse_silently);
    weft_future *f = weft_submit(pool, read_prepared, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), -ENODEV);
    assert_non_null(strstr(weft_error(), "on_start of pool mute"));
    weft_pool_close(&pool);
}

// ---- on_error --------------------------------------------------------------------------

static int fail_with(const int *code, weft_none *none)
{
    (void)none;
    return weft_fail(*code, "the pool's own trouble");
}
WEFT_TASK(fail_with, int, weft_none);

static void a_spawned_task_that_fails_is_told_to_on_error(void **state)
{
    (void)state;
    struct complaint own = {.code = 0}, everybodys = {.code = 0};
    sem_init(&own.heard, 0, 0);
    sem_init(&everybodys.heard, 0, 0);
    weft_on_unobserved(complain, &everybodys);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .on_error = complain, .ctx = &own);
    assert_int_equal(weft_spawn(pool, fail_with, &(int){-EBUSY}), 0);
    assert_int_equal(weft_spawn(pool, fail_with, &(int){-ECANCELED}), 0); // is not reported
    weft_pool_close(&pool);
    weft_on_unobserved(NULL, NULL);
    assert_int_equal(atomic_load(&own.times), 1);
    assert_int_equal(atomic_load(&everybodys.times), 0);
    assert_int_equal(own.code, -EBUSY);
    assert_string_equal(own.message, "the pool's own trouble");
    assert_non_null(strstr(own.task, "fail_with"));
}

static void without_on_error_the_programs_hook_is_told(void **state)
{
    (void)state;
    struct complaint everybodys = {.code = 0};
    sem_init(&everybodys.heard, 0, 0);
    weft_on_unobserved(complain, &everybodys);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    assert_int_equal(weft_spawn(pool, fail_with, &(int){-EBUSY}), 0);
    weft_pool_close(&pool);
    weft_on_unobserved(NULL, NULL);
    assert_int_equal(atomic_load(&everybodys.times), 1);
    assert_int_equal(everybodys.code, -EBUSY);
}

static int run_spawn_failure(void)
{
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    int rc = weft_spawn(pool, fail_with, &(int){-EBUSY});
    weft_pool_close(&pool);
    return rc;
}

static void without_any_hook_it_is_one_line_on_stderr(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("spawn_failure", false, &ran);
    bool told = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 && is_one_line(ran.err) &&
                has_all(ran.err, WORDS_("fail_with", "the pool's own trouble"));
    show_unless(told, "spawn_failure", &ran);
}

static void joined_failures_are_not_told_to_on_error(void **state)
{
    (void)state;
    struct complaint own = {.code = 0};
    sem_init(&own.heard, 0, 0);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .on_error = complain, .ctx = &own);
    weft_future *f = weft_submit(pool, fail_with, &(int){-EBUSY});
    assert_int_equal(weft_join(&f, NULL, 0), -EBUSY);
    f = weft_submit(pool, fail_with, &(int){-EBUSY});
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), -EBUSY);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(&own.times), 0);
}

static int negate(const int *n, int *out)
{
    *out = -*n;
    return 0;
}
WEFT_TASK(negate, int, int);

// One that takes long to hear of a failure.
struct listener {
    sem_t begun, may_end;
};

static void listen_long(const char *task, int code, const char *message, void *ctx)
{
    struct listener *l = ctx;
    const struct timespec patience = {time(NULL) + 20, 0};
    (void)task, (void)code, (void)message;
    sem_post(&l->begun);
    assert_int_equal(sem_timedwait(&l->may_end, &patience), 0);
}

static void while_a_failure_is_told_other_tasks_end(void **state)
{
    (void)state;
    if (KIND == WEFT_FIBERS)
        skip(); // a thread of theirs does one thing at a time
    struct listener l;
    sem_init(&l.begun, 0, 0);
    sem_init(&l.may_end, 0, 0);
    weft_pool *pool = weft_pool_open(KIND, .workers = 2, .on_error = listen_long, .ctx = &l);
    assert_int_equal(weft_spawn(pool, fail_with, &(int){-EBUSY}), 0);
    assert_int_equal(sem_wait(&l.begun), 0);
    for (int i = 0; i < 20; i++) {
        int out;
        weft_future *f = weft_submit(pool, negate, &i);
        assert_int_equal(weft_join_as(&f, negate, &out), 0);
        assert_int_equal(out, -i);
    }
    sem_post(&l.may_end);
    weft_pool_close(&pool);
}

// ---- workers ---------------------------------------------------------------------------

struct crowd {
    atomic_int now, most;
};

static int sleep_a_little(struct crowd *const *arg, weft_none *none)
{
    struct crowd *c = *arg;
    (void)none;
    int now = atomic_fetch_add(&c->now, 1) + 1;
    int most = atomic_load(&c->most);
    while (most < now && !atomic_compare_exchange_weak(&c->most, &most, now))
        continue;
    int rc = weft_sleep(weft_after_ms(10));
    atomic_fetch_sub(&c->now, 1);
    return rc;
}
WEFT_TASK(sleep_a_little, struct crowd *, weft_none);

static void a_sleeping_task_keeps_its_worker(void **state)
{
    (void)state;
    only_for_threads();
    struct crowd *crowd = on_board(struct crowd);
    weft_pool *pool = // with on_start nobody joins in
        weft_pool_open(KIND, .workers = 2, .on_start = prepare, .ctx = preparation_of(1));
    for (int i = 0; i < 10; i++)
        assert_int_equal(weft_spawn(pool, sleep_a_little, &crowd), 0);
    weft_pool_close(&pool);
    assert_true(atomic_load(&crowd->most) >= 1 && atomic_load(&crowd->most) <= 2);
}

static void tasks_one_after_the_other_need_no_new_threads(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2, .name = "steady");
    while (workers_named("steady-") < 2) // a thread names itself as it starts
        nap_ms(1);
    for (int i = 0; i < 50; i++) {
        int out;
        weft_future *f = weft_submit(pool, read_prepared, &(weft_none){0});
        assert_int_equal(weft_wait(f, much_later()), 0);
        assert_int_equal(weft_join_as(&f, read_prepared, &out), 0);
    }
    assert_int_equal(workers_named("steady-"), 2);
    weft_pool_close(&pool);
}

static int run_one_core(void)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all) < 0)
        return 1;
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    if (sched_setaffinity(0, sizeof one, &one) < 0)
        return 1;
    return weft_cores() == 1 ? 0 : 1;
}

static void the_cores_are_those_this_process_may_use(void **state)
{
    (void)state;
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_true(weft_cores() >= 1);
    assert_true(weft_cores() <= CPU_COUNT(&all));
    assert_ends("one_core", 0, "");
}

// ---- spares ----------------------------------------------------------------------------

struct meeting {
    weft_event everybody; // set by the last task only
    struct spot spots[4];
    atomic_int refused;
};

struct guest {
    struct meeting *meeting;
    int place;
};

static int wait_for_everybody(const struct guest *g, weft_none *none)
{
    (void)none;
    arrive(&g->meeting->spots[g->place]);
    int rc = weft_event_wait(&g->meeting->everybody, WEFT_FOREVER);
    if (rc == -EAGAIN)
        atomic_fetch_add(&g->meeting->refused, strstr(weft_error(), "crowded") ? 1 : 100);
    return rc;
}
WEFT_TASK(wait_for_everybody, struct guest, weft_none);

static int open_the_door(struct meeting *const *m, weft_none *none)
{
    (void)none;
    weft_event_set(&(*m)->everybody);
    return 0;
}
WEFT_TASK(open_the_door, struct meeting *, weft_none);

// One worker and one spare both wait; the third task, which would wake them, finds no thread.
// Either it is refused, or one of those who wait is: nobody hangs, and the message names the pool.
static void at_the_limit_of_spares_somebody_is_told_instead_of_all_waiting(void **state)
{
    (void)state;
    not_with_processes("an event is not shared; who waits for a descriptor is refused nowhere");
    struct meeting m = {0}, *door = &m;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .max_spares = 1, .name = "crowded",
                                     .on_start = prepare, .ctx = preparation_of(1));
    weft_future *a = weft_submit(pool, wait_for_everybody, &(struct guest){&m, 0});
    await_asleep(&m.spots[0]);
    weft_future *b = weft_submit(pool, wait_for_everybody, &(struct guest){&m, 1});
    await_asleep(&m.spots[1]); // a spare
    assert_false(weft_done(a));
    assert_false(weft_done(b));
    weft_future *c = weft_submit(pool, open_the_door, &door);
    if (!c) {
        assert_int_equal(weft_error_code(), -EAGAIN);
        assert_non_null(strstr(weft_error(), "crowded"));
        weft_event_set(&m.everybody);
        assert_int_equal(weft_join(&a, NULL, 0), 0);
        assert_int_equal(weft_join(&b, NULL, 0), 0);
    } else {
        assert_int_equal(weft_join(&c, NULL, 0), 0);
        (void)weft_join(&a, NULL, 0);
        (void)weft_join(&b, NULL, 0);
        assert_in_range(atomic_load(&m.refused), 1, 2);
    }
    weft_pool_close(&pool);
}

struct gate {
    sem_t go;
    struct guest guest;
};

static int wait_after_a_while(struct gate *const *g, weft_none *none)
{
    sem_take(&(*g)->go);
    return wait_for_everybody(&(*g)->guest, none);
}
WEFT_TASK(wait_after_a_while, struct gate *, weft_none);

// As above, but the third task is queued before the second waits: then it is the wait that fails.
static void at_the_limit_of_spares_a_wait_fails_while_tasks_are_queued(void **state)
{
    (void)state;
    not_with_processes("an event is not shared; who waits for a descriptor is refused nowhere");
    struct meeting m = {0}, *door = &m;
    struct gate gate = {.guest = {&m, 1}}, *at_gate = &gate;
    sem_init(&gate.go, 0, 0);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .max_spares = 1, .name = "crowded",
                                     .on_start = prepare, .ctx = preparation_of(1));
    weft_future *a = weft_submit(pool, wait_for_everybody, &(struct guest){&m, 0});
    await_asleep(&m.spots[0]);
    weft_future *b = weft_submit(pool, wait_after_a_while, &at_gate);
    weft_future *c = weft_submit(pool, open_the_door, &door);
    assert_non_null(c); // a worker still computes
    sem_post(&gate.go);
    assert_int_equal(weft_join(&c, NULL, 0), 0);
    assert_int_equal(weft_join(&b, NULL, 0), -EAGAIN);
    assert_int_equal(weft_join(&a, NULL, 0), 0);
    assert_int_equal(atomic_load(&m.refused), 1);
    weft_pool_close(&pool);
}

struct sender {
    sem_t go;
    weft_pool *full;
    struct meeting *meeting;
};

static int submit_after_a_while(struct sender *const *s, weft_none *none)
{
    (void)none;
    sem_take(&(*s)->go);
    int rc = weft_spawn((*s)->full, open_the_door, &(*s)->meeting);
    return rc == -EAGAIN && strstr(weft_error(), "crowded") && strstr(weft_error(), "max_spares")
               ? 0
               : -EIO;
}
WEFT_TASK(submit_after_a_while, struct sender *, weft_none);

// As above, and what would wait is a submit to a full pool.
static void at_the_limit_of_spares_a_submit_that_would_wait_says_so(void **state)
{
    (void)state;
    not_with_processes("what waits in a process takes no thread of this one");
    struct meeting m = {0}, *door = &m;
    struct hold h;
    struct sender sender = {.meeting = &m}, *s = &sender;
    sem_init(&sender.go, 0, 0);
    sender.full = weft_pool_open(WEFT_THREADS, .workers = 1, .backlog = 1);
    weft_future *busy = hold_a_worker(sender.full, &h);
    assert_int_equal(weft_spawn(sender.full, open_the_door, &door), 0);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .max_spares = 1, .name = "crowded",
                                     .on_start = prepare, .ctx = preparation_of(1));
    weft_future *a = weft_submit(pool, wait_for_everybody, &(struct guest){&m, 0});
    await_asleep(&m.spots[0]);
    weft_future *b = weft_submit(pool, submit_after_a_while, &s);
    weft_future *c = weft_submit(pool, open_the_door, &door);
    sem_post(&sender.go);
    assert_int_equal(weft_join(&b, NULL, 0), 0);
    assert_int_equal(weft_join(&c, NULL, 0), 0);
    assert_int_equal(weft_join(&a, NULL, 0), 0);
    assert_int_equal(let_go(&busy, &h), 0);
    weft_pool_close(&sender.full);
    weft_pool_close(&pool);
}

// ---- no more threads, no more memory ---------------------------------------------------

struct gigabyte {
    char bytes[1 << 30];
};

static int swallow(const struct gigabyte *arg, weft_none *none)
{
    (void)arg;
    (void)none;
    return 0;
}
WEFT_TASK(swallow, struct gigabyte, weft_none);

// Never touched but by a copy that must not come. Not a global: a leak sanitizer would look through
// it at each worker's end.
static const struct gigabyte *vast_argument(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *at = mmap(NULL, sizeof(struct gigabyte), PROT_READ, flags, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static bool limit_memory(size_t more)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%ld", &pages) != 1)
        return false;
    fclose(f);
    rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    struct rlimit r = {limit, limit};
    return setrlimit(RLIMIT_AS, &r) == 0;
}

static int run_without_memory(void)
{
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    const struct gigabyte *vast = vast_argument();
    if (!pool || !vast || !limit_memory(100u << 20))
        return 1;
    int bad = 0;
    bad += weft_submit(pool, swallow, vast) != NULL || weft_error_code() != -ENOMEM;
    bad += weft_spawn(pool, swallow, vast) != -ENOMEM;
    bad += weft_start(WEFT_THREADS, swallow, vast) != NULL || weft_error_code() != -ENOMEM;
    weft_group *g = weft_group_open(pool);
    bad += !g || weft_group_add(g, 1, swallow, vast) != -ENOMEM;
    weft_group_close(&g);
    int out;
    weft_future *f = weft_submit(pool, read_prepared, &(weft_none){0}); // it goes on working
    bad += !f || weft_join_as(&f, read_prepared, &out) != 0;
    weft_pool_close(&pool);
    return bad;
}

static int run_without_threads(void)
{
    weft_future *held[64];
    struct hold *h = on_board(struct hold);
    hold_init(h);
    if (!limit_memory(100u << 20)) // room for a dozen stacks
        return 1;
    int n = 0, bad = 0;
    while (n < 64 && (held[n] = weft_start(WEFT_THREADS, hold, &h)))
        n++;
    bad += n == 0 || n == 64 || weft_error_code() != -EAGAIN;
    weft_pool *pool = weft_pool_open(KIND, .workers = 20);
    bad += pool || weft_error_code() != -EAGAIN;
    weft_pool_close(&pool);
    for (int i = 0; i < n; i++)
        sem_post(&h->release);
    for (int i = 0; i < n; i++)
        bad += weft_join(&held[i], NULL, 0) != 0;
    return bad;
}

static void running_out_of_memory_or_threads_is_an_error(void **state)
{
    (void)state;
    only_for_threads();
    if (SANITIZED)
        skip();
    assert_ends("without_memory", 0, "");
    if (!ON_PROCESSES) // their number is another limit's: process_limits_test.c
        assert_ends("without_threads", 0, "");
}

static const struct scene scenes[] = {
    {"spawn_failure", run_spawn_failure},
    {"one_core", run_one_core},
    {"without_memory", run_without_memory},
    {"without_threads", run_without_threads},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(on_start_runs_first_in_each_worker),
    cmocka_unit_test(tasks_run_only_where_on_start_ran),
    cmocka_unit_test(an_on_start_that_fails_fails_the_pools_tasks),
    cmocka_unit_test(an_on_start_that_says_nothing_is_named_itself),
    cmocka_unit_test(a_spawned_task_that_fails_is_told_to_on_error),
    cmocka_unit_test(without_on_error_the_programs_hook_is_told),
    cmocka_unit_test(without_any_hook_it_is_one_line_on_stderr),
    cmocka_unit_test(joined_failures_are_not_told_to_on_error),
    cmocka_unit_test(while_a_failure_is_told_other_tasks_end),
    cmocka_unit_test(a_sleeping_task_keeps_its_worker),
    cmocka_unit_test(tasks_one_after_the_other_need_no_new_threads),
    cmocka_unit_test(the_cores_are_those_this_process_may_use),
    cmocka_unit_test(at_the_limit_of_spares_somebody_is_told_instead_of_all_waiting),
    cmocka_unit_test(at_the_limit_of_spares_a_wait_fails_while_tasks_are_queued),
    cmocka_unit_test(at_the_limit_of_spares_a_submit_that_would_wait_says_so),
    cmocka_unit_test(running_out_of_memory_or_threads_is_an_error),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
