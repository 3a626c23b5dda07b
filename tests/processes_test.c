// SPDX-License-Identifier: MIT
// processes_test.c - a pool of worker processes: what no other kind has. What all have is in
// pool_test.c and its neighbours, which are built for each kind.
#include "process_helpers.h"

static int tell_pid(const weft_none *none, pid_t *out)
{
    (void)none;
    *out = getpid();
    return 0;
}
WEFT_TASK(tell_pid, weft_none, pid_t);

static int sleep_long(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(sleep_long, weft_none, weft_none);

// ---- tasks and results ---------------------------------------------------------------------

static void many_tasks_give_their_results(void **state)
{
    (void)state;
    enum { N = 5000 };
    static weft_future *futures[N];
    weft_pool *pool = pool_of(2);
    for (int i = 0; i < N; i++)
        assert_non_null(futures[i] = weft_submit(pool, square, &i));
    for (int i = 0; i < N; i++) {
        long out = -1;
        assert_int_equal(weft_join_as(&futures[i], square, &out), 0);
        assert_int_equal(out, (long)i * i);
    }
    weft_pool_close(&pool);
    assert_null(pool);
}

struct path {
    char name[32];
};

static int keep_open(const struct path *path, weft_none *out)
{
    (void)out;
    static FILE *log; // stays open, as a log does
    log = log ? log : fopen(path->name, "a");
    return log && fputs("seen;", log) >= 0 ? 0 : -EIO;
}
WEFT_TASK(keep_open, struct path, weft_none);

static void what_a_task_wrote_to_a_stream_is_out_before_its_result(void **state)
{
    (void)state;
    struct path path = {"/tmp/weft-test-XXXXXX"};
    char text[16] = "";
    int fd = mkstemp(path.name);
    weft_pool *pool = pool_of(1);
    for (int i = 1; i <= 2; i++) {
        weft_future *f = weft_submit(pool, keep_open, &path);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        assert_int_equal(pread(fd, text, sizeof text - 1, 0), 5 * i);
    }
    assert_string_equal(text, "seen;seen;");
    weft_pool_close(&pool);
    close(fd);
    unlink(path.name);
}

static int fail_at_7(const int *n, long *out)
{
    *out = *n;
    return *n == 7 ? weft_fail(-EDOM, "seven") : 0;
}
WEFT_TASK(fail_at_7, int, long);

static int die_at_7(const int *n, long *out)
{
    *out = *n;
    if (*n == 7)
        raise(SIGKILL);
    return 0;
}
WEFT_TASK(die_at_7, int, long);

static void a_map_names_the_item_that_failed(void **state)
{
    (void)state;
    int in[20];
    long out[20];
    weft_pool *pool = pool_of(2);
    for (int i = 0; i < 20; i++)
        in[i] = i;
    assert_int_equal(weft_map(pool, WEFT_FOREVER, fail_at_7, 20, out, in), -EDOM);
    assert_string_equal(weft_error(), "fail_at_7 of item 7: seven");
    assert_int_equal(weft_map(pool, WEFT_FOREVER, die_at_7, 20, out, in), -EOWNERDEAD);
    assert_non_null(strstr(weft_error(), "die_at_7 of item 7"));
    assert_non_null(strstr(weft_error(), "SIGKILL"));
    assert_int_equal(weft_map(pool, WEFT_FOREVER, square, 20, out, in), 0);
    weft_pool_close(&pool);
}

// More of them than a worker has at hand at once, and, as the second kind, larger than that.
static void a_map_of_many_items_gives_each_its_result(void **state)
{
    (void)state;
    enum { N = 60000 };
    static int in[N];
    static long out[N];
    weft_pool *pool = pool_of(2);
    for (int i = 0; i < N; i++)
        in[i] = i + 1;
    assert_int_equal(weft_map(pool, WEFT_FOREVER, square, N, out, in), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(out[i], (long)(i + 1) * (i + 1));
    weft_pool_close(&pool);
}

struct large {
    char bytes[50001];
};

// Of each second byte, from the first or the second on; the rest of a result is zeros.
static int reverse(const struct large *in, struct large *out)
{
    for (size_t i = in->bytes[0] & 1; i < sizeof in->bytes; i += 2)
        out->bytes[i] = in->bytes[sizeof in->bytes - 1 - i];
    return 0;
}
WEFT_TASK(reverse, struct large, struct large);

static void a_map_of_large_items_gives_each_its_result(void **state)
{
    (void)state;
    enum { N = 7 };
    static struct large in[N], out[N], expected;
    weft_pool *pool = pool_of(2);
    for (size_t i = 0; i < sizeof in; i++)
        ((char *)in)[i] = (char)(i % 251);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, reverse, N, out, in), 0);
    for (int i = 0; i < N; i++) {
        memset(&expected, 0, sizeof expected);
        assert_int_equal(reverse(&in[i], &expected), 0);
        assert_memory_equal(&out[i], &expected, sizeof expected);
    }
    weft_pool_close(&pool);
}

static int told;
static void note_failure(const char *task, int code, const char *message, void *ctx)
{
    (void)message, (void)ctx;
    if (strcmp(task, "die") == 0 && code == -EOWNERDEAD)
        told++;
}

static void a_spawned_task_that_dies_is_reported(void **state)
{
    (void)state;
    told = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_error = note_failure);
    assert_int_equal(weft_spawn(pool, die, &(int){BY_KILL}), 0);
    weft_pool_close(&pool);
    assert_int_equal(told, 1);
}

// ---- deaths --------------------------------------------------------------------------------

static void a_death_costs_one_task_and_the_queue_lives_on(void **state)
{
    (void)state;
    enum { N = 10 * DEATHS };
    weft_pool *pool = pool_of(2);
    weft_future *futures[N];
    for (int i = 0; i < N; i++)
        futures[i] = i % 10 == 5 ? weft_submit(pool, die, &(int){i / 10})
                                 : weft_submit(pool, square, &i);
    for (int i = 0; i < N; i++) {
        long out = 0;
        if (i % 10 == 5) {
            assert_int_equal(weft_join(&futures[i], NULL, 0), -EOWNERDEAD);
            assert_death_is_named(i / 10);
        } else {
            assert_int_equal(weft_join_as(&futures[i], square, &out), 0);
            assert_int_equal(out, (long)i * i);
        }
    }
    weft_pool_close(&pool);
}

static void weft_kill_ends_a_running_task(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    weft_future *f = weft_submit(pool, never_return, &(weft_none){0});
    weft_future *queued = weft_submit(pool, square, &(int){4});
    (void)await_begun(f);
    assert_int_equal(weft_kill(f), 0);
    assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
    long out = 0;
    assert_int_equal(weft_join_as(&queued, square, &out), 0);
    assert_int_equal(out, 16);
    weft_pool_close(&pool);
}

struct meeting {
    weft_shared_event here, go_on;
};

static int meet(struct meeting *const *at, weft_none *out)
{
    (void)out;
    weft_shared_event_set(&(*at)->here);
    return weft_shared_event_wait(&(*at)->go_on, WEFT_FOREVER);
}
WEFT_TASK(meet, struct meeting *, weft_none);

// Nobody looked since the first was done, so for the pool it runs. But its worker is at the second.
static void kill_the_first_of_two(weft_pool *pool, struct meeting *at)
{
    weft_shared_event_clear(&at->here);
    weft_shared_event_clear(&at->go_on);
    weft_future *first = weft_submit(pool, square, &(int){3});
    weft_future *second = weft_submit(pool, meet, &at);
    assert_int_equal(weft_shared_event_wait(&at->here, weft_after_ms(20000)), 0);
    assert_int_equal(weft_kill(first), 0);
    weft_shared_event_set(&at->go_on);
    assert_int_equal(weft_join(&second, NULL, 0), 0);
    long out = 0;
    assert_int_equal(weft_join_as(&first, square, &out), 0);
    assert_int_equal(out, 9);
}

static void weft_kill_of_a_done_task_costs_no_other(void **state)
{
    (void)state;
    struct meeting *at = weft_shared(sizeof *at);
    assert_non_null(at);
    weft_pool *pool = pool_of(1);
    for (int i = 0; i < 20; i++)
        kill_the_first_of_two(pool, at);
    weft_pool_close(&pool);
    weft_shared_free(&at);
}

// It may be done at any moment of the call.
static void weft_kill_hits_no_task_but_its_own(void **state)
{
    (void)state;
    enum { ROUNDS = 100, TASKS = 100 };
    static weft_future *futures[TASKS];
    weft_pool *pool = pool_of(1);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < TASKS; i++)
            assert_non_null(futures[i] = weft_submit(pool, square, &i));
        assert_int_equal(weft_kill(futures[round]), 0);
        for (int i = 0; i < TASKS; i++) {
            int rc = weft_join(&futures[i], NULL, 0);
            assert_true(rc == 0 || (rc == -EOWNERDEAD && i == round));
        }
    }
    weft_pool_close(&pool);
}

// ---- ends of tasks that are sent ahead --------------------------------------------------------

struct ahead {
    weft_shared_event computes, begin_to_wait, end;
};

// Computes, so that what comes lies behind it, and then waits.
static int compute_then_wait(struct ahead *const *at, weft_none *out)
{
    (void)out;
    weft_shared_event_set(&(*at)->computes);
    while (!weft_shared_event_is_set(&(*at)->begin_to_wait))
        weft_yield();
    return weft_shared_event_wait(&(*at)->end, WEFT_FOREVER);
}
WEFT_TASK(compute_then_wait, struct ahead *, weft_none);

struct say {
    weft_end out;
};

static int say(const struct say *it, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_end_close) weft_end out = it->out;
    return weft_send(out, "", 1, WEFT_FOREVER);
}
WEFT_TASK(say, struct say, weft_none, .ends = {WEFT_END(struct say, out)});

// In time, that is before the first is told to end.
static void expect_close(weft_end in, int messages)
{
    char byte;
    for (int i = 0; i < messages; i++)
        assert_int_equal(weft_recv(in, &byte, 1, weft_after_ms(20000)), 1);
    assert_int_equal(weft_recv(in, &byte, 1, weft_after_ms(20000)), -EPIPE);
}

static void an_end_behind_a_busy_worker_is_closed_in_time(bool cancelled)
{
    struct ahead *at = weft_shared(sizeof *at);
    assert_non_null(at);
    weft_pool *pool = pool_of(1);
    weft_future *first = weft_submit(pool, compute_then_wait, &at);
    assert_int_equal(weft_shared_event_wait(&at->computes, weft_after_ms(20000)), 0);
    weft_end in;
    struct say it;
    assert_int_equal(weft_pipe(&in, &it.out), 0);
    weft_future *f = weft_submit(pool, say, &it);
    if (cancelled)
        weft_cancel(f);
    else
        weft_shared_event_set(&at->begin_to_wait);
    expect_close(in, cancelled ? 0 : 1);
    assert_int_equal(weft_join(&f, NULL, 0), cancelled ? -ECANCELED : 0);
    weft_shared_event_set(&at->begin_to_wait);
    weft_shared_event_set(&at->end);
    assert_int_equal(weft_join(&first, NULL, 0), 0);
    weft_end_close(&in);
    weft_pool_close(&pool);
    weft_shared_free(&at);
}

static void the_end_of_a_task_that_is_taken_back_is_closed(void **state)
{
    (void)state;
    an_end_behind_a_busy_worker_is_closed_in_time(true);
}

static void the_end_of_a_task_that_moves_on_is_not_left_behind(void **state)
{
    (void)state;
    an_end_behind_a_busy_worker_is_closed_in_time(false);
}

// ---- deadlines and requests to stop ----------------------------------------------------------

// A worker that gets no core for so long past a deadline (pool.h) is killed, whatever it would do.
enum { GRACE_MS = 100 };

// True: its deadline ended it. False: it was killed, and that was not too early.
static bool has_timed_out(weft_future **f, weft_time deadline)
{
    int rc = weft_join(f, NULL, 0);
    if (rc == -EOWNERDEAD && weft_now().ns - deadline.ns >= GRACE_MS * INT64_C(1000000))
        return false;
    assert_int_equal(rc, -ETIMEDOUT);
    return true;
}

static void a_deadline_ends_who_waits(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    bool good = false;
    for (int tries = 0; !good; tries++) {
        assert_true(tries < 20);
        weft_time deadline = weft_after_ms(30);
        weft_future *f = weft_submit_until(pool, deadline, sleep_long, &(weft_none){0});
        good = has_timed_out(&f, deadline);
    }
    weft_pool_close(&pool);
}

// False: the machine was too slow to begin it, or to put others behind it, before its deadline.
static bool kills_who_does_not(weft_pool *pool, int ms)
{
    weft_time deadline = weft_after_ms(ms);
    weft_future *f = weft_submit_until(pool, deadline, never_return, &(weft_none){0});
    bool good = await_begun(f).pid > 0;
    weft_future *behind = weft_submit_until(pool, weft_after_ms(40), square, &(int){1});
    weft_future *last = weft_submit(pool, square, &(int){5});
    good = good && weft_now().ns < deadline.ns;
    int rc = weft_join(&f, NULL, 0);
    assert_true(!good || (rc == -EOWNERDEAD && strstr(weft_error(), "deadline")));
    rc = weft_join(&behind, NULL, 0);
    assert_true(!good || rc == -ETIMEDOUT);
    long out = 0;
    assert_int_equal(weft_join_as(&last, square, &out), 0);
    assert_int_equal(out, 25);
    return good;
}

static void a_deadline_kills_who_does_not_wait(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    for (int ms = 500; !kills_who_does_not(pool, ms); ms *= 2)
        assert_true(ms < 20000);
    weft_pool_close(&pool);
}

// Each is refused by the worker as it begins, and in some the keeper looks just then.
static void a_deadline_that_was_long_past_kills_nobody(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    int killed = 0;
    for (int i = 0; i < 10000; i++) {
        weft_time begun = weft_now();
        weft_future *f = weft_submit_until(pool, WEFT_POLL, square, &i);
        killed += !has_timed_out(&f, begun);
    }
    assert_true(killed < 100);
    weft_pool_close(&pool);
}

// False: the deadline passed before it was stopped.
static bool is_ended_though_it_is_stopped(weft_pool *pool, int ms)
{
    weft_time deadline = weft_after_ms(ms);
    weft_future *f = weft_submit_until(pool, deadline, sleep_long, &(weft_none){0});
    pid_t pid = await_begun(f).pid;
    bool good = pid > 0 && kill(pid, SIGSTOP) == 0 && weft_now().ns < deadline.ns;
    int rc = weft_join(&f, NULL, 0);
    assert_true(rc == -EOWNERDEAD || (!good && rc == -ETIMEDOUT));
    if (rc == -ETIMEDOUT && pid > 0)
        (void)kill(pid, SIGCONT);
    return good;
}

static void a_stopped_process_cannot_hold_a_deadline_up(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    for (int ms = 200; !is_ended_though_it_is_stopped(pool, ms); ms *= 2)
        assert_true(ms < 20000);
    weft_pool_close(&pool);
}

// ---- workers -------------------------------------------------------------------------------

static int crash(void *ctx)
{
    (void)ctx;
    raise(SIGKILL);
    return 0;
}

static void on_start_may_die(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .on_start = crash);
    weft_future *f = weft_submit(pool, square, &(int){1});
    assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
    assert_non_null(strstr(weft_error(), "in a row came to nothing"));
    assert_non_null(strstr(weft_error(), "SIGKILL"));
    f = weft_submit(pool, square, &(int){1}); // and does not try again
    assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
    weft_pool_close(&pool);
}

static void a_worker_is_replaced_after_its_tasks(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .tasks_per_worker = 2);
    pid_t pids[6];
    for (int i = 0; i < 6; i++) {
        weft_future *f = weft_submit(pool, tell_pid, &(weft_none){0});
        assert_int_equal(weft_join_as(&f, tell_pid, &pids[i]), 0);
    }
    assert_int_equal(pids[0], pids[1]);
    assert_int_equal(pids[2], pids[3]);
    assert_int_equal(pids[4], pids[5]);
    assert_true(pids[0] != pids[2] && pids[2] != pids[4]);
    weft_pool_close(&pool);
}

static int tell_name(const weft_none *none, struct weft_info *out)
{
    (void)none;
    weft_self(out);
    return 0;
}
WEFT_TASK(tell_name, weft_none, struct weft_info);

static void a_worker_has_a_name(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .name = "resize");
    struct weft_info info, infos[2];
    weft_future *f = weft_submit(pool, tell_name, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, tell_name, &info), 0);
    assert_string_equal(info.name, "resize-1 (tell_name)");
    assert_true(info.pid != getpid());
    assert_int_equal(weft_list(WEFT_PROCESSES, infos, 2), 1);
    assert_string_equal(infos[0].name, "resize-1");
    assert_int_equal(infos[0].pid, info.pid);
    weft_pool_close(&pool);
    assert_int_equal(weft_list(WEFT_PROCESSES, infos, 2), 0);
    assert_true(goes(info.pid));
}

// ---- a full backlog ------------------------------------------------------------------------

enum { BACKLOG = 256, EACH = 600, SUBMITTERS = 4 }; // so large that it counts as room for many

static int submit_and_join(weft_pool *const *pool, weft_none *none)
{
    (void)none;
    weft_future *futures[EACH];
    int failed = 0;
    for (int i = 0; i < EACH; i++)
        failed += !(futures[i] = weft_submit(*pool, square, &i));
    for (int i = 0; i < EACH; i++)
        failed += weft_join(&futures[i], NULL, 0) < 0;
    return failed == 0 ? 0 : -EIO;
}
WEFT_TASK(submit_and_join, weft_pool *, weft_none);

static void all_who_wait_for_room_come_in(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .backlog = BACKLOG);
    weft_future *submitters[SUBMITTERS];
    for (int i = 0; i < SUBMITTERS; i++)
        assert_non_null(submitters[i] = weft_start(WEFT_THREADS, submit_and_join, &pool));
    for (int i = 0; i < SUBMITTERS; i++)
        assert_int_equal(weft_join(&submitters[i], NULL, 0), 0);
    weft_pool_close(&pool);
}

// Not by weft: or the pool would have another worker for as long.
static int await_letter(const struct bearer *b, weft_none *none)
{
    (void)none;
    char letter;
    weft_end end = b->end;
    ssize_t n = read(end.fd, &letter, 1);
    weft_end_close(&end);
    return n == 1 ? 0 : -EIO;
}
WEFT_TASK(await_letter, struct bearer, weft_none, .ends = {WEFT_END(struct bearer, end)});

static int submit_one(weft_pool *const *pool, weft_none *none)
{
    (void)none;
    weft_future *f = weft_submit(*pool, square, &(int){7});
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}
WEFT_TASK(submit_one, weft_pool *, weft_none);

// The one behind him had to wait because he did.
static void who_gives_up_his_wait_for_room_holds_nobody_up(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .backlog = BACKLOG);
    weft_future *futures[BACKLOG], *submitters[3];
    struct bearer b;
    weft_end ours;
    assert_int_equal(weft_pipe(&ours, &b.end), 0);
    weft_future *holds = weft_submit(pool, await_letter, &b);
    for (int i = 0; i < BACKLOG; i++)
        assert_non_null(futures[i] = weft_submit(pool, square, &i));
    for (int i = 0; i < 3; i++)
        assert_non_null(submitters[i] = weft_start(WEFT_THREADS, submit_one, &pool));
    nap_ms(50);
    assert_false(weft_done(submitters[0]) || weft_done(submitters[1]));
    weft_cancel(submitters[0]);
    assert_int_equal(weft_join(&submitters[0], NULL, 0), -ECANCELED);
    assert_int_equal(weft_send(ours, "x", 1, WEFT_FOREVER), 0);
    for (int i = 1; i < 3; i++)
        assert_int_equal(weft_join(&submitters[i], NULL, 0), 0);
    assert_int_equal(weft_join(&holds, NULL, 0), 0);
    for (int i = 0; i < BACKLOG; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    weft_end_close(&ours);
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(many_tasks_give_their_results),
    cmocka_unit_test(what_a_task_wrote_to_a_stream_is_out_before_its_result),
    cmocka_unit_test(a_map_names_the_item_that_failed),
    cmocka_unit_test(a_map_of_many_items_gives_each_its_result),
    cmocka_unit_test(a_map_of_large_items_gives_each_its_result),
    cmocka_unit_test(a_spawned_task_that_dies_is_reported),
    cmocka_unit_test(a_death_costs_one_task_and_the_queue_lives_on),
    cmocka_unit_test(weft_kill_ends_a_running_task),
    cmocka_unit_test(weft_kill_of_a_done_task_costs_no_other),
    cmocka_unit_test(weft_kill_hits_no_task_but_its_own),
    cmocka_unit_test(the_end_of_a_task_that_is_taken_back_is_closed),
    cmocka_unit_test(the_end_of_a_task_that_moves_on_is_not_left_behind),
    cmocka_unit_test(a_deadline_ends_who_waits),
    cmocka_unit_test(a_deadline_kills_who_does_not_wait),
    cmocka_unit_test(a_deadline_that_was_long_past_kills_nobody),
    cmocka_unit_test(a_stopped_process_cannot_hold_a_deadline_up),
    cmocka_unit_test(on_start_may_die),
    cmocka_unit_test(a_worker_is_replaced_after_its_tasks),
    cmocka_unit_test(a_worker_has_a_name),
    cmocka_unit_test(all_who_wait_for_room_come_in),
    cmocka_unit_test(who_gives_up_his_wait_for_room_holds_nobody_up),
};

TEST_MAIN(tests)
