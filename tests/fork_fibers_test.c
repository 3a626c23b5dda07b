// SPDX-License-Identifier: MIT
// fork_fibers_test.c - a plain fork of a program whose loops run fibers: by a thread, by a task on
// a thread, and by a fiber. The child finds locks free and queues empty, may start nothing, waits
// and talks by itself, and exits; it runs none of the parent's fibers, which notice nothing.
#include "bad_days.h"
#include "fork_tsan.h"

// ---- what the parent is in the middle of ---------------------------------------------------

enum { SLEEPERS = 50 };

static struct {
    weft_mutex mu; // held by a fiber
    weft_queue *queue, *full;
    weft_event event, release;
    weft_sem sem;
    weft_pool *pool;
    weft_future *holder, *getter, *waiter, *acquirer, *reader, *pooled, *sleepers[SLEEPERS], *busy;
    struct link link, other;
    atomic_int steps, stop; // of who never waits
    pid_t parent;
} s;

// Every fiber of the parent calls it where it goes on.
static int still_at_home(int rc)
{
    if (getpid() == s.parent)
        return rc;
    static const char line[] = "a fiber of the parent runs in the child\n";
    (void)!write(2, line, sizeof line - 1);
    _exit(90);
}

static int hold_mutex(const int *n, weft_none *none)
{
    (void)n, (void)none;
    weft_lock(&s.mu);
    int rc = weft_event_wait(&s.release, WEFT_FOREVER);
    weft_unlock(&s.mu);
    return still_at_home(rc);
}
WEFT_TASK(hold_mutex, int, weft_none);

static int get_one(const int *n, int *item)
{
    (void)n;
    return still_at_home(weft_get(s.queue, item, WEFT_FOREVER));
}
WEFT_TASK(get_one, int, int);

static int wait_for_event(const int *n, weft_none *none)
{
    (void)n, (void)none;
    return still_at_home(weft_event_wait(&s.event, WEFT_FOREVER));
}
WEFT_TASK(wait_for_event, int, weft_none);

static int acquire_one(const int *n, weft_none *none)
{
    (void)n, (void)none;
    return still_at_home(weft_acquire(&s.sem, much_later()));
}
WEFT_TASK(acquire_one, int, weft_none);

static int read_line(const int *n, weft_none *none)
{
    char line[16];
    (void)n, (void)none;
    return still_at_home((int)weft_read_line(s.other.ours, line, sizeof line, WEFT_FOREVER));
}
WEFT_TASK(read_line, int, weft_none);

// It wakes every few milliseconds, so that loops are awake when somebody forks.
static int sleep_again_and_again(const int *n, weft_none *none)
{
    (void)none;
    int rc;
    while ((rc = still_at_home(weft_sleep(weft_after_ms(1 + *n % 5)))) == 0 && !s.stop)
        continue;
    return rc;
}
WEFT_TASK(sleep_again_and_again, int, weft_none);

static int never_wait(const int *n, weft_none *none)
{
    (void)n, (void)none;
    for (; !s.stop; s.steps++) {
        weft_yield();
        (void)still_at_home(0);
    }
    return 0;
}
WEFT_TASK(never_wait, int, weft_none);

static void begin(void)
{
    memset(&s, 0, sizeof s);
    s.parent = getpid();
    s.queue = weft_queue_new(sizeof(int), .capacity = 2);
    s.full = weft_queue_new(sizeof(int), .capacity = 1);
    s.pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    s.link = link_up();
    s.other = link_up();
    assert_true(s.queue && s.full && s.pool && weft_put(s.full, &(int){1}, WEFT_POLL) == 0);
    s.holder = weft_start(WEFT_FIBERS, hold_mutex, &(int){0});
    s.getter = weft_start(WEFT_FIBERS, get_one, &(int){0});
    s.waiter = weft_start(WEFT_FIBERS, wait_for_event, &(int){0});
    s.acquirer = weft_start(WEFT_FIBERS, acquire_one, &(int){0});
    s.reader = weft_start(WEFT_FIBERS, read_line, &(int){0});
    s.pooled = weft_submit(s.pool, wait_for_event, &(int){0});
    for (int i = 0; i < SLEEPERS; i++)
        s.sleepers[i] = weft_start(WEFT_FIBERS, sleep_again_and_again, &i);
    s.busy = weft_start(WEFT_FIBERS, never_wait, &(int){0});
    assert_true(s.holder && s.getter && s.waiter && s.acquirer && s.reader && s.pooled && s.busy);
    assert_true(eventually(fibers_alive() >= SLEEPERS + 7 && s.steps > 0));
    assert_true(eventually(!weft_trylock(&s.mu) || (weft_unlock(&s.mu), false)));
}

// Each goes on as if nothing had happened.
static void finish(void)
{
    int item = 0;
    assert_int_equal(weft_put(s.queue, &(int){42}, WEFT_POLL), 0);
    assert_int_equal(weft_join_as(&s.getter, get_one, &item), 0);
    assert_int_equal(item, 42);
    weft_event_set(&s.event);
    assert_int_equal(weft_join(&s.waiter, NULL, 0), 0);
    assert_int_equal(weft_join(&s.pooled, NULL, 0), 0);
    weft_release(&s.sem, 1);
    assert_int_equal(weft_join(&s.acquirer, NULL, 0), 0);
    raw_say(s.other.peer, "line\n");
    assert_int_equal(weft_join(&s.reader, NULL, 0), 4);
    assert_false(weft_trylock(&s.mu));
    weft_event_set(&s.release);
    assert_int_equal(weft_join(&s.holder, NULL, 0), 0);
    assert_true(weft_trylock(&s.mu));
    weft_unlock(&s.mu);
    s.stop = 1;
    for (int i = 0; i < SLEEPERS; i++)
        assert_int_equal(weft_join(&s.sleepers[i], NULL, 0), 0);
    assert_int_equal(weft_join(&s.busy, NULL, 0), 0);
    assert_int_equal(weft_get(s.full, &item, WEFT_POLL), 0); // the child's get took a copy's
    weft_pool_close(&s.pool);
    weft_queue_free(&s.queue);
    weft_queue_free(&s.full);
    link_down(&s.link);
    link_down(&s.other);
}

// ---- children ---------------------------------------------------------------------------------

static int find_all_free(void)
{
    int item = 0;
    CHECK(weft_trylock(&s.mu));
    CHECK(weft_lock_until(&s.mu, weft_after_ms(2)) == -ETIMEDOUT);
    weft_unlock(&s.mu);
    CHECK(weft_queue_length(s.queue) == 0 && weft_queue_length(s.full) == 0);
    CHECK(weft_put(s.queue, &(int){7}, WEFT_POLL) == 0); // nobody is there to take it
    CHECK(weft_queue_length(s.queue) == 1);
    CHECK(weft_get(s.queue, &item, WEFT_POLL) == 0 && item == 7);
    CHECK(weft_get(s.full, &item, WEFT_POLL) == -ETIMEDOUT);
    CHECK(weft_put(s.full, &item, WEFT_POLL) == 0);
    weft_release(&s.sem, 1);
    CHECK(weft_acquire(&s.sem, WEFT_POLL) == 0);
    weft_event_set(&s.event); // and wakes nobody
    weft_event_clear(&s.event);
    return 0;
}

static int start_nothing(void)
{
    CHECK(!weft_start(WEFT_FIBERS, wait_for_event, &(int){1}) && weft_error_code() == -ENOTSUP);
    CHECK(!weft_start(WEFT_THREADS, wait_for_event, &(int){1}) && weft_error_code() == -ENOTSUP);
    CHECK(!weft_pool_open(WEFT_FIBERS, .workers = 1) && weft_error_code() == -ENOTSUP);
    CHECK(!weft_submit(s.pool, wait_for_event, &(int){1}) && weft_error_code() == -ENOTSUP);
    CHECK(weft_wait(s.waiter, WEFT_POLL) == -ENOTSUP);
    weft_cancel(s.waiter); // harmless
    weft_future *f = s.getter;
    CHECK(weft_join(&f, NULL, 0) == -ENOTSUP);
    return 0;
}

static int wait_by_itself(void)
{
    CHECK(weft_check() == 0 && weft_sleep(weft_after_ms(2)) == 0);
    for (int i = 0; i < 100; i++)
        weft_yield();
    CHECK(weft_event_wait(&s.event, weft_after_ms(2)) == -ETIMEDOUT);
    int item;
    CHECK(weft_get(s.queue, &item, weft_after_ms(2)) == -ETIMEDOUT);
    return 0;
}

static int talk(void)
{
    char line[16];
    CHECK(weft_read_line(s.link.ours, line, sizeof line, much_later()) == 5);
    CHECK(weft_write(s.link.ours, "child\n", 6, much_later()) == 0);
    CHECK(weft_read_line(s.link.ours, line, sizeof line, weft_after_ms(2)) == -ETIMEDOUT);
    CHECK(weft_write(s.link.ours, "again\n", 6, much_later()) == 0); // the peer answers
    CHECK(weft_read_line(s.link.ours, line, sizeof line, much_later()) == 6);
    weft_listener *l = weft_listen("127.0.0.1:0");
    CHECK(l && !weft_accept(l, weft_after_ms(2)) && weft_error_code() == -ETIMEDOUT);
    weft_listener_close(&l);
    return 0;
}

static int do_everything(void)
{
    int rc = find_all_free();
    if (rc == 0)
        rc = start_nothing();
    if (rc == 0)
        rc = wait_by_itself();
    return rc == 0 ? talk() : rc;
}

static int just_leave(void)
{
    return 0;
}

static int wait_only(void)
{
    return wait_by_itself();
}

enum end { BY_UNDERSCORE_EXIT, BY_EXIT, BY_RETURN };

struct child {
    int (*play)(void);
    enum end end;
};

// The status of a child that is forked here.
static int play_child(const struct child *child, int *status)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        die_after(10);
        int rc = child->play();
        if (child->end == BY_EXIT)
            exit(rc);
        if (child->end == BY_RETURN)
            return rc;
        _exit(rc);
    }
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return still_at_home(0);
}
WEFT_TASK(play_child, struct child, int);

// The peer of the child's conversation.
static void *answer(void *unused)
{
    char text[12];
    if (raw_receive(s.link.peer, text, 12) == 12)
        (void)send(s.link.peer, "answer\n", 7, MSG_NOSIGNAL);
    return unused;
}

enum by { BY_A_THREAD, BY_A_TASK_ON_A_THREAD, BY_A_FIBER, BY_A_POOLS_FIBER, WAYS };
static const char *const ways[] = {"a thread", "a task on a thread", "a fiber", "a pool's fiber"};

static int fork_by(enum by by, const struct child *child)
{
    int status = -1, rc;
    if (by == BY_A_THREAD) {
        rc = play_child(child, &status);
    } else {
        weft_future *f = by == BY_A_POOLS_FIBER
                             ? weft_submit(s.pool, play_child, child)
                             : weft_start(by == BY_A_FIBER ? WEFT_FIBERS : WEFT_THREADS, play_child,
                                          child);
        assert_non_null(f);
        rc = weft_join_as(&f, play_child, &status);
    }
    assert_int_equal(rc, 0);
    return status;
}

static void try_children(enum by by, int (*play)(void), bool talks)
{
    for (enum end end = BY_UNDERSCORE_EXIT; end <= BY_EXIT; end++) {
        if (end == BY_EXIT && SANITIZED)
            continue; // what only other stacks hold would count as leaked
        pthread_t peer;
        begin();
        raw_say(s.link.peer, "hello\n");
        if (talks)
            assert_int_equal(pthread_create(&peer, NULL, answer, NULL), 0);
        int status = fork_by(by, &(struct child){play, end});
        if (status != 0)
            fail_msg("forked by %s: %#x", ways[by], (unsigned)status);
        if (talks)
            pthread_join(peer, NULL);
        finish();
    }
}

static void a_child_that_only_leaves_leaves(void **state)
{
    (void)state;
    for (enum by by = 0; by < WAYS; by++)
        try_children(by, just_leave, false);
}

static void a_child_finds_everything_free_and_starts_nothing(void **state)
{
    (void)state;
    for (enum by by = 0; by < WAYS; by++) {
        try_children(by, find_all_free, false);
        try_children(by, start_nothing, false);
    }
}

static void a_child_waits_by_itself(void **state)
{
    (void)state;
    for (enum by by = 0; by < WAYS; by++)
        try_children(by, wait_only, false);
}

static void a_child_talks_on_its_connections(void **state)
{
    (void)state;
    for (enum by by = 0; by < WAYS; by++)
        try_children(by, do_everything, true);
}

// Its task is over, and with it the only thread of the child: none of the parent's fibers goes on.
static void a_child_may_return_from_its_task(void **state)
{
    (void)state;
    for (enum by by = BY_A_TASK_ON_A_THREAD; by < WAYS; by++) {
        if (SANITIZED)
            continue; // as above
        begin();
        int status = fork_by(by, &(struct child){wait_only, BY_RETURN});
        if (status != 0)
            fail_msg("forked by %s: %#x", ways[by], (unsigned)status);
        finish();
    }
}

// ---- another program --------------------------------------------------------------------------

static int run_count_descriptors(void)
{
    printf("%d\n", open_descriptors());
    return 0;
}

static int execute(void)
{
    char self[] = "test", option[] = "--scene", name[] = "run_count_descriptors";
    execv("/proc/self/exe", (char *[]){self, option, name, NULL});
    return 91;
}

// As many as it has when it is run alone: none of ours.
static void what_is_executed_inherits_no_descriptor(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("run_count_descriptors", false, &ran);
    int out = memfd_create("stdout", MFD_CLOEXEC), kept = dup(1);
    for (enum by by = 0; by < WAYS; by++) {
        char said[64] = "";
        begin();
        assert_true(ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0);
        fflush(NULL);
        dup2(out, 1);
        fcntl(kept, F_SETFD, FD_CLOEXEC);
        int status = fork_by(by, &(struct child){execute, BY_UNDERSCORE_EXIT});
        dup2(kept, 1);
        assert_int_equal(status, 0);
        assert_true(pread(out, said, sizeof said - 1, 0) > 0);
        assert_string_equal(said, ran.out);
        finish();
    }
    close(kept);
    close(out);
}

static const struct scene scenes[] = {SCENE(run_count_descriptors)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_child_that_only_leaves_leaves),
    cmocka_unit_test(a_child_finds_everything_free_and_starts_nothing),
    cmocka_unit_test(a_child_waits_by_itself),
    cmocka_unit_test(a_child_talks_on_its_connections),
    cmocka_unit_test(a_child_may_return_from_its_task),
    cmocka_unit_test(what_is_executed_inherits_no_descriptor),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
