// SPDX-License-Identifier: MIT
// thread_stack_test.c - weft_on_thread_stack: a call that goes deeper than a fiber's stack, in the
// fiber's task, on the stack of its thread.
#include "contract.h"

#include <poll.h>
#include <sys/wait.h>
#include <weft/weft.h>

#include "core/current.h"
#include "core/mutex.h"
#include "os/stack.h"

enum { DEEP = 4 << 20 }; // half of a thread's

__attribute__((noinline)) static void fill_deep(void *sum)
{
    volatile char frame[DEEP];
    for (size_t i = 0; i < sizeof frame; i += 1024)
        frame[i] = 1;
    for (size_t i = 0; i < sizeof frame; i += 1024)
        *(int *)sum += frame[i];
}

static bool is_on_own_stack(const void *local)
{
    const struct wf_parker *self = wf_self();
    const struct wf_stack *stack = self->parking ? self->seat : NULL;
    const char *at = local;
    return stack && at >= stack->bottom && at < stack->bottom + stack->size;
}

struct body {
    int (*run)(void *arg);
    void *arg;
};

static int run_body(const struct body *body, weft_none *none)
{
    (void)none;
    return body->run(body->arg);
}
WEFT_TASK(run_body, struct body, weft_none);

// On a loop, as a task of its own.
static int on_fiber(int (*body)(void *arg), void *arg)
{
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "deep"), run_body,
                                   &(struct body){body, arg});
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}

// ---- what it is for --------------------------------------------------------------------

static int go_deep(void *sum)
{
    weft_on_thread_stack(fill_deep, sum);
    return 0;
}

TEST(a_fiber_of_64_kib_calls_what_needs_megabytes)
{
    int sum = 0;
    assert_int_equal(on_fiber(go_deep, &sum), 0);
    assert_int_equal(sum, DEEP / 1024);
}

static void note_stack(void *own)
{
    char local;
    keep_in_memory(&local);
    *(bool *)own = is_on_own_stack(&local);
}

static int see_stacks(void *seen)
{
    bool *own = seen;
    char local;
    keep_in_memory(&local);
    own[0] = is_on_own_stack(&local);
    weft_on_thread_stack(note_stack, &own[1]);
    own[2] = is_on_own_stack(&local);
    return 0;
}

TEST(it_is_on_the_threads_stack_and_back_on_its_own)
{
    bool own[3] = {false, true, false};
    assert_int_equal(on_fiber(see_stacks, own), 0);
    assert_true(own[0] && !own[1] && own[2]);
}

// ---- it is the same task ---------------------------------------------------------------

struct seen {
    struct weft_info self;
    int error, code, stop;
};

static void look(void *arg)
{
    struct seen *seen = arg;
    seen->error = errno;
    weft_self(&seen->self);
    seen->stop = weft_check();
    seen->code = weft_fail(-EDOM, "said inside");
    errno = EILSEQ;
}

static int look_from_fiber(void *arg)
{
    struct seen *seen = arg;
    errno = ENOTTY;
    weft_on_thread_stack(look, seen);
    if (errno != EILSEQ || strcmp(weft_error(), "said inside") != 0)
        return -EINVAL;
    return seen->code;
}

TEST(it_is_in_the_fibers_task_with_its_errno_and_its_error)
{
    struct seen seen = {.code = 0};
    assert_int_equal(on_fiber(look_from_fiber, &seen), -EDOM);
    assert_string_equal(seen.self.name, "deep");
    assert_int_equal(seen.self.kind, WEFT_FIBERS);
    assert_int_equal(seen.error, ENOTTY);
    assert_int_equal(seen.stop, 0);
}

static void see_request(void *rc)
{
    *(int *)rc = weft_check();
}

static int see_request_inside(void *arg)
{
    int rc = weft_event_wait(arg, WEFT_FOREVER), inside = 0;
    weft_on_thread_stack(see_request, &inside);
    return rc == -ECANCELED && inside == rc ? rc : -EIO;
}

TEST(a_request_to_stop_is_seen_inside)
{
    weft_event never = {0};
    weft_future *f = weft_start(WEFT_FIBERS, run_body, &(struct body){see_request_inside, &never});
    assert_non_null(f);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
}

static void recurse(void *depth)
{
    int *left = depth;
    if (--*left > 0)
        weft_on_thread_stack(recurse, depth);
}

static int nest(void *depth)
{
    weft_on_thread_stack(recurse, depth);
    return *(int *)depth;
}

TEST(a_call_inside_a_call_is_made_in_place)
{
    assert_int_equal(on_fiber(nest, &(int){50}), 0);
    int depth = 50; // and on a thread all are
    assert_int_equal(nest(&depth), 0);
}

// ---- others ------------------------------------------------------------------------------

enum { CROWD = 200, ROUNDS = 20 };

struct tally {
    weft_event go;
    weft_mutex mu;
    int sum, started; // guarded by mu
};

static void add_one(void *arg)
{
    struct tally *t = arg;
    weft_guard(&t->mu); // free whenever a fiber of this loop runs
    t->sum++;
}

static int keep_adding(void *arg)
{
    struct tally *t = arg;
    int rc = weft_event_wait(&t->go, WEFT_FOREVER);
    for (int i = 0; i < ROUNDS && rc == 0; i++) {
        char local[64];
        memset(local, i, sizeof local);
        weft_on_thread_stack(add_one, t);
        weft_yield();
        rc = local[0] == i && local[63] == i ? 0 : -EIO;
    }
    return rc;
}

struct starter {
    struct tally *tally;
    weft_future *crowd[CROWD];
};

static void start_all(void *arg)
{
    struct starter *s = arg;
    for (int i = 0; i < CROWD; i++)
        s->crowd[i] = weft_start(WEFT_FIBERS, run_body, &(struct body){keep_adding, s->tally});
    weft_event_set(&s->tally->go);
}

static int lead_crowd(void *arg)
{
    struct starter *s = arg;
    int rc = 0;
    weft_on_thread_stack(start_all, s);
    for (int i = 0; i < CROWD; i++) {
        int own = s->crowd[i] ? weft_join(&s->crowd[i], NULL, 0) : -ENOMEM;
        rc = rc < 0 ? rc : own;
    }
    return rc;
}

TEST(inside_others_are_started_and_woken_and_each_keeps_its_own_stack)
{
    struct tally tally = {.sum = 0};
    struct starter s = {.tally = &tally};
    assert_int_equal(on_fiber(lead_crowd, &s), 0);
    assert_int_equal(tally.sum, CROWD * ROUNDS);
}

static void wake_both(void *arg)
{
    weft_event *pair = arg;
    weft_event_set(&pair[0]);
    weft_event_set(&pair[1]);
}

static int wake_from_inside(void *pair)
{
    weft_on_thread_stack(wake_both, pair);
    return 0;
}

static int wait_for(void *event)
{
    return weft_event_wait(event, WEFT_FOREVER);
}

TEST(who_waits_on_any_loop_or_thread_is_woken_from_inside)
{
    weft_event pair[2] = {{0}, {0}};
    weft_future *f = weft_start(WEFT_FIBERS, run_body, &(struct body){wait_for, &pair[1]});
    weft_future *t = weft_start(WEFT_THREADS, run_body, &(struct body){wait_for, &pair[0]});
    assert_true(f && t);
    assert_int_equal(on_fiber(wake_from_inside, pair), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(weft_join(&t, NULL, 0), 0);
}

// ---- what only tries, and what takes a moment ----------------------------------------------

struct tried {
    weft_queue *one; // full
    weft_mutex held;
    weft_event never;
    weft_future *pending;
    int fds[2]; // a pipe
    int rc[7];
};

static void try_all(void *arg)
{
    struct tried *t = arg;
    int item = 0, *rc = t->rc;
    *rc++ = weft_put(t->one, &item, WEFT_POLL);
    *rc++ = weft_get(t->one, &item, WEFT_POLL);
    *rc++ = weft_get(t->one, &item, WEFT_POLL);
    *rc++ = weft_event_wait(&t->never, WEFT_POLL);
    *rc++ = weft_lock_until(&t->held, WEFT_POLL);
    *rc++ = weft_wait(t->pending, WEFT_POLL);
    *rc++ = weft_wait_fd(t->fds[0], POLLIN, WEFT_POLL);
}

static int try_inside(void *arg)
{
    struct tried *t = arg;
    weft_future *f = weft_start(WEFT_FIBERS, run_body, &(struct body){wait_for, &t->never});
    t->pending = f;
    weft_lock(&t->held);
    weft_on_thread_stack(try_all, t);
    weft_unlock(&t->held);
    weft_event_set(&t->never);
    return weft_join(&f, NULL, 0);
}

TEST(what_only_tries_may_be_called_inside)
{
    struct tried t = {.one = weft_queue_new(sizeof(int), .capacity = 1)};
    assert_non_null(t.one);
    assert_int_equal(weft_put(t.one, &(int){1}, WEFT_POLL), 0);
    assert_int_equal(pipe(t.fds), 0);
    assert_int_equal(on_fiber(try_inside, &t), 0);
    for (size_t i = 0; i < sizeof t.rc / sizeof *t.rc; i++)
        assert_int_equal(t.rc[i], i == 1 ? 0 : -ETIMEDOUT);
    assert_int_equal(write(t.fds[1], "", 1), 1);
    assert_int_equal(on_fiber(try_inside, &t), 0);
    assert_int_equal(t.rc[6], POLLIN);
    close(t.fds[0]);
    close(t.fds[1]);
    weft_queue_free(&t.one);
}

struct ends {
    weft_conn *here, *there;
    char bytes[8];
    int rc[3];
};

static void talk(void *arg)
{
    struct ends *e = arg;
    e->rc[0] = (int)weft_read(e->there, e->bytes, sizeof e->bytes, WEFT_POLL);
    e->rc[1] = (int)weft_write(e->here, "hi", 2, WEFT_POLL);
    e->rc[2] = weft_post(e->here, "!", 1);
}

static int talk_inside(void *arg)
{
    struct ends *e = arg;
    weft_listener *l = weft_listen("127.0.0.1:0");
    CHECK(l && (e->here = weft_connect(weft_listener_address(l), WEFT_FOREVER)));
    CHECK((e->there = weft_accept(l, WEFT_FOREVER)) != NULL);
    weft_on_thread_stack(talk, e);
    for (ssize_t n = 0, more; n < 3; n += more)
        CHECK((more = weft_read(e->there, e->bytes + n, 3 - (size_t)n, WEFT_FOREVER)) > 0);
    weft_conn_close(&e->here);
    weft_conn_close(&e->there);
    weft_listener_close(&l);
    return 0;
}

TEST(a_connection_is_read_and_written_inside_as_far_as_it_goes)
{
    struct ends e = {.here = NULL};
    assert_int_equal(on_fiber(talk_inside, &e), 0);
    assert_int_equal(e.rc[0], -ETIMEDOUT);
    for (int i = 1; i < 3; i++)
        assert_int_equal(e.rc[i], 0);
    assert_memory_equal(e.bytes, "hi!", 3);
}

// One of the library's own locks, held by a thread; others of the loop stand in line for it.
struct own_lock {
    weft_mutex mu;
    weft_event taken;
    atomic_bool wanted;
};

static int hold(void *arg)
{
    struct own_lock *own = arg;
    wf_lock(&own->mu);
    weft_event_set(&own->taken);
    while (!atomic_load(&own->wanted))
        weft_yield();
    int rc = weft_sleep(soon()); // so that he who wants it has tried for long
    weft_unlock(&own->mu);
    return rc;
}

static int take(void *mu)
{
    wf_lock(mu);
    weft_unlock(mu);
    return 0;
}

static void take_there(void *arg)
{
    struct own_lock *own = arg;
    atomic_store(&own->wanted, true);
    (void)take(&own->mu);
}

static int take_inside(void *arg)
{
    struct own_lock *own = arg;
    weft_future *before[2];
    CHECK(weft_event_wait(&own->taken, WEFT_FOREVER) == 0);
    for (int i = 0; i < 2; i++)
        before[i] = weft_start(WEFT_FIBERS, run_body, &(struct body){take, &own->mu});
    weft_yield(); // they stand in line now
    weft_on_thread_stack(take_there, own);
    for (int i = 0; i < 2; i++)
        CHECK(before[i] && weft_join(&before[i], NULL, 0) == 0);
    return 0;
}

TEST(a_lock_of_the_librarys_own_is_waited_for_inside)
{
    struct own_lock own = {.wanted = false};
    weft_future *holder = weft_start(WEFT_THREADS, run_body, &(struct body){hold, &own});
    assert_non_null(holder);
    assert_int_equal(on_fiber(take_inside, &own), 0);
    assert_int_equal(weft_join(&holder, NULL, 0), 0);
}

// ---- on threads --------------------------------------------------------------------------

static void note_address(void *at)
{
    char local;
    keep_in_memory(&local);
    *(uintptr_t *)at = (uintptr_t)&local;
}

TEST(on_a_thread_it_is_a_call)
{
    uintptr_t there = 0, here = (uintptr_t)&there;
    weft_on_thread_stack(note_address, &there);
    assert_true(here - there < 64 << 10 || there - here < 64 << 10);
    int sum = 0;
    weft_future *t = weft_start(WEFT_THREADS, run_body, &(struct body){go_deep, &sum});
    assert_int_equal(weft_join(&t, NULL, 0), 0);
    assert_int_equal(sum, DEEP / 1024);
}

// ---- a child that is forked inside ------------------------------------------------------------

static void fork_there(void *pid)
{
    *(pid_t *)pid = fork();
}

static int fork_inside(void *status)
{
    pid_t pid = -1;
    weft_on_thread_stack(fork_there, &pid);
    if (pid == 0)
        _exit(42);
    return pid > 0 && waitpid(pid, status, 0) == pid ? 0 : -ECHILD;
}

TEST(a_child_that_is_forked_inside_goes_on_in_its_fiber)
{
    int status = 0;
    assert_int_equal(on_fiber(fork_inside, &status), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static int go_deep_in_child(void *status)
{
    pid_t pid = fork();
    if (pid == 0) {
        int sum = 0;
        weft_on_thread_stack(fill_deep, &sum);
        _exit(sum == DEEP / 1024 ? 42 : 1);
    }
    return pid > 0 && waitpid(pid, status, 0) == pid ? 0 : -ECHILD;
}

TEST(a_child_that_a_fiber_forked_goes_deep_too)
{
    int status = 0;
    assert_int_equal(on_fiber(go_deep_in_child, &status), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

// ---- misuse ------------------------------------------------------------------------------

static void nap_there(void *unused)
{
    (void)unused;
    (void)weft_sleep(weft_after_ms(60000)); // one that is over before it begins does not wait
}

static void yield_there(void *unused)
{
    (void)unused;
    weft_yield();
}

static void lock_there(void *mu)
{
    weft_lock(mu);
}

static int double_it(const int *n, int *twice)
{
    *twice = 2 * *n;
    return 0;
}
WEFT_TASK(double_it, int, int);

static void block_there(void *twice)
{
    (void)weft_block(double_it, (int *)twice, &(int){1});
}

static int sleep_inside(void *unused)
{
    weft_on_thread_stack(nap_there, unused);
    return 0;
}

static int yield_inside(void *unused)
{
    weft_on_thread_stack(yield_there, unused);
    return 0;
}

static int block_inside(void *unused)
{
    int twice = 0;
    (void)unused;
    weft_on_thread_stack(block_there, &twice);
    return 0;
}

static int lock_inside(void *mu)
{
    weft_lock(mu);
    weft_on_thread_stack(lock_there, mu);
    return 0;
}

static int play_sleep(void)
{
    return on_fiber(sleep_inside, NULL);
}

static int play_yield(void)
{
    return on_fiber(yield_inside, NULL);
}

static int play_block(void)
{
    return on_fiber(block_inside, NULL);
}

static int play_lock(void)
{
    weft_mutex mu = {0};
    return on_fiber(lock_inside, &mu);
}

TEST(whoever_waits_inside_aborts_with_a_line)
{
    expect_abort(play_sleep, "weft_sleep inside weft_on_thread_stack, where nothing may wait");
    expect_abort(play_yield, "weft_yield", "inside weft_on_thread_stack, where nothing may wait");
    expect_abort(play_block, "weft_block inside weft_on_thread_stack, where nothing may wait");
    expect_abort(play_lock, "inside weft_on_thread_stack, where nothing may wait");
}

static const struct scene scenes[] = {
    SCENE(play_sleep),
    SCENE(play_yield),
    SCENE(play_block),
    SCENE(play_lock),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fiber_of_64_kib_calls_what_needs_megabytes),
    cmocka_unit_test(it_is_on_the_threads_stack_and_back_on_its_own),
    cmocka_unit_test(it_is_in_the_fibers_task_with_its_errno_and_its_error),
    cmocka_unit_test(a_request_to_stop_is_seen_inside),
    cmocka_unit_test(a_call_inside_a_call_is_made_in_place),
    cmocka_unit_test(inside_others_are_started_and_woken_and_each_keeps_its_own_stack),
    cmocka_unit_test(who_waits_on_any_loop_or_thread_is_woken_from_inside),
    cmocka_unit_test(what_only_tries_may_be_called_inside),
    cmocka_unit_test(a_connection_is_read_and_written_inside_as_far_as_it_goes),
    cmocka_unit_test(a_lock_of_the_librarys_own_is_waited_for_inside),
    cmocka_unit_test(on_a_thread_it_is_a_call),
    cmocka_unit_test(a_child_that_is_forked_inside_goes_on_in_its_fiber),
    cmocka_unit_test(a_child_that_a_fiber_forked_goes_deep_too),
    cmocka_unit_test(whoever_waits_inside_aborts_with_a_line),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
