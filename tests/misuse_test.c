// SPDX-License-Identifier: MIT
// misuse_test.c - calls that no correct program makes: each ends it with one line that names the
// call and the reason. The misuse that needs a story has it in the test of its own kind; here are
// those that one line provokes.
#include "net_helpers.h"

#include "exec/future.h"

static weft_mutex mu; // free
static weft_cond cond;
static weft_rwlock rwlock;
static weft_recursive recursive;
static weft_waitgroup work;
static weft_future *itself;

static int square(const int *n, int *out)
{
    *out = *n * *n;
    return 0;
}
WEFT_TASK(square, int, int);

static int wait_for_itself(sem_t *const *go, weft_none *none)
{
    (void)none;
    sem_take(*go);
    return weft_wait(itself, WEFT_FOREVER);
}
WEFT_TASK(wait_for_itself, sem_t *, weft_none);

static int start_one_that_waits_for_itself(void)
{
    sem_t go, *arg = &go;
    sem_init(&go, 0, 0);
    itself = weft_start(WEFT_THREADS, wait_for_itself, &arg);
    weft_future *f = itself;
    sem_post(&go);
    return weft_join(&f, NULL, 0);
}

static int open_pool_of(int kind)
{
    weft_pool *pool = weft_pool_open((enum weft_kind)kind);
    return pool != NULL;
}

static int start_of(int kind)
{
    weft_future *f = weft_start((enum weft_kind)kind, square, &(int){1});
    return f != NULL;
}

static int map_nothing(void)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    int out[3];
    return weft_map(pool, WEFT_FOREVER, square, 3, out, (const int *)NULL);
}

// NULL, but not to the compiler, which refuses it (tests/headers/bad/submit_null.c).
// A sanitizer would tell of it first.
#define PASSES_NULL __attribute__((no_sanitize("undefined")))
static int *volatile nothing;
static void (*volatile no_function)(void *);

static weft_pool *some_pool(void)
{
    return weft_pool_open(WEFT_THREADS, .workers = 1);
}

PASSES_NULL static int submit_nothing(void)
{
    weft_future *f = weft_submit(some_pool(), square, nothing);
    return f != NULL;
}

PASSES_NULL static int start_nothing(enum weft_kind kind)
{
    weft_future *f = weft_start(kind, square, nothing);
    return f != NULL;
}

PASSES_NULL static int add_nothing(void)
{
    weft_group *group = weft_group_open(some_pool());
    return weft_group_add(group, 1, square, nothing);
}

// ---- a task that does not return ---------------------------------------------------------------

static int end_thread(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    pthread_exit(NULL);
}
WEFT_TASK(end_thread, weft_none, weft_none);

static int end_thread_here(void *arg)
{
    return end_thread(arg, arg);
}

static int start_one_that_ends(enum weft_kind kind)
{
    weft_future *f = weft_start(kind, end_thread, &(weft_none){0});
    return weft_join(&f, NULL, 0);
}

static int end_a_thread(void)
{
    return start_one_that_ends(WEFT_THREADS);
}

static int end_a_loop(void)
{
    return start_one_that_ends(WEFT_FIBERS);
}

// Who joins it may run it in place, and is the one that ends then.
static int end_a_worker(void)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *f = weft_submit(pool, end_thread, &(weft_none){0});
    return weft_join(&f, NULL, 0);
}

static int end_what_is_set_up(void)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = end_thread_here);
    return weft_sleep(weft_after_ms(10000)), pool != NULL;
}

static void *leave_main(void *arg)
{
    pthread_join(*(pthread_t *)arg, NULL);
    exit(weft_sleep(weft_after_ms(1)));
}

// None of a thread's own business: it may end as it likes, and main too.
static int end_main(void)
{
    static pthread_t self;
    pthread_t other;
    self = pthread_self();
    CHECK(weft_sleep(weft_after_ms(1)) == 0);
    CHECK(pthread_create(&other, NULL, leave_main, &self) == 0);
    pthread_exit(NULL);
}

// ---- what is gone ------------------------------------------------------------------------------

static weft_future *gone_of(enum weft_kind kind)
{
    static weft_pool *pool; // nobody closes it: the call aborts
    pool = weft_pool_open(kind, .workers = 1);
    weft_future *f = weft_submit(pool, square, &(int){3}), *copy = f;
    const volatile uint32_t *mark = &f->fork_; // is written over when its worker lets go of it, too
    uint32_t alive = *mark;
    return weft_join(&f, NULL, 0) == 0 && eventually(*mark != alive) ? copy : NULL;
}

static int join_again(enum weft_kind kind)
{
    weft_future *gone = gone_of(kind);
    return weft_join(&gone, NULL, 0);
}

static int drop_what_was_joined(void)
{
    weft_future *gone = gone_of(WEFT_THREADS);
    weft_drop(&gone);
    return 0;
}

static int new_queue_in_order(int order)
{
    weft_queue *q = weft_queue_new(sizeof(int), .order = (enum weft_order)order);
    return q != NULL;
}

static int lock_too_often(void)
{
    weft_recursive_lock(&recursive);
    recursive.depth_ = UINT32_MAX; // nobody has the time to count so far
    weft_recursive_lock(&recursive);
    return 0;
}

static int add_too_much(void)
{
    weft_waitgroup_add(&work, UINT32_MAX);
    weft_waitgroup_add(&work, 1);
    return 0;
}

static weft_conn *connection(void)
{
    return link_up().ours;
}

static char byte;
static int number;
static weft_end end;

static void *unlock_to_read(void *none)
{
    weft_read_unlock(&rwlock);
    return none;
}

static int unlock_anothers_read_lock(void)
{
    pthread_t thread;
    weft_read_lock(&rwlock);
    if (pthread_create(&thread, NULL, unlock_to_read, NULL) == 0)
        (void)pthread_join(thread, NULL);
    return 0;
}

// What it says | the call.
#define MISUSES(X) \
    X(01, "weft_lock(NULL)", weft_lock(NULL)) \
    X(02, "weft_lock_until(NULL)", weft_lock_until(NULL, WEFT_POLL)) \
    X(03, "weft_trylock(NULL)", weft_trylock(NULL)) \
    X(04, "weft_unlock(NULL)", weft_unlock(NULL)) \
    X(05, "weft_recursive_lock(NULL)", weft_recursive_lock(NULL)) \
    X(06, "weft_recursive_lock_until(NULL)", weft_recursive_lock_until(NULL, WEFT_POLL)) \
    X(07, "weft_recursive_unlock(NULL)", weft_recursive_unlock(NULL)) \
    X(08, "weft_recursive_depth(NULL)", weft_recursive_depth(NULL)) \
    X(09, "locked too often", lock_too_often()) \
    X(10, "weft_cond_wait: the condition or the mutex is NULL", \
      weft_cond_wait(NULL, &mu, WEFT_POLL)) \
    X(11, "weft_cond_wait: the condition or the mutex is NULL", \
      weft_cond_wait(&cond, NULL, WEFT_POLL)) \
    X(12, "no predicate", weft_cond_wait_for(&cond, &mu, NULL, NULL, WEFT_POLL)) \
    X(13, "weft_cond_signal(NULL)", weft_cond_signal(NULL)) \
    X(14, "weft_cond_broadcast(NULL)", weft_cond_broadcast(NULL)) \
    X(15, "weft_read_lock(NULL)", weft_read_lock(NULL)) \
    X(16, "weft_read_unlock(NULL)", weft_read_unlock(NULL)) \
    X(17, "weft_write_lock(NULL)", weft_write_lock(NULL)) \
    X(18, "weft_write_unlock(NULL)", weft_write_unlock(NULL)) \
    X(19, "weft_acquire(NULL)", weft_acquire(NULL, WEFT_POLL)) \
    X(20, "weft_release(NULL)", weft_release(NULL, 1)) \
    X(21, "weft_event_set(NULL)", weft_event_set(NULL)) \
    X(22, "weft_event_clear(NULL)", weft_event_clear(NULL)) \
    X(23, "weft_event_is_set(NULL)", weft_event_is_set(NULL)) \
    X(24, "weft_event_wait(NULL)", weft_event_wait(NULL, WEFT_POLL)) \
    X(25, "weft_waitgroup_add(NULL)", weft_waitgroup_add(NULL, 1)) \
    X(26, "weft_waitgroup_done(NULL)", weft_waitgroup_done(NULL)) \
    X(27, "weft_waitgroup_wait(NULL)", weft_waitgroup_wait(NULL, WEFT_POLL)) \
    X(28, "the count is too large", add_too_much()) \
    X(29, "weft_barrier_wait(NULL)", weft_barrier_wait(NULL, WEFT_POLL)) \
    X(30, "weft_barrier_abort(NULL)", weft_barrier_abort(NULL)) \
    X(31, "weft_barrier_reset(NULL)", weft_barrier_reset(NULL)) \
    X(32, "weft_once_do: the once or the function is NULL", weft_once_do(NULL, NULL, NULL)) \
    X(33, "weft_queue_free(NULL)", weft_queue_free(NULL)) \
    X(34, "weft_local_get(NULL)", weft_local_get(NULL)) \
    X(35, "weft_local_set(NULL)", weft_local_set(NULL, NULL)) \
    X(36, "weft_wait_signal(NULL)", weft_wait_signal(NULL, WEFT_POLL)) \
    X(37, "weft_wait(NULL)", weft_wait(NULL, WEFT_POLL)) \
    X(38, "waits for itself", start_one_that_waits_for_itself()) \
    X(39, "weft_join(NULL)", weft_join(NULL, NULL, 0)) \
    X(40, "weft_kill(NULL)", weft_kill(NULL)) \
    X(41, "weft_drop(NULL)", weft_drop(NULL)) \
    X(42, "weft_group_add: the group is NULL", weft_group_add(NULL, 1, square, &(int){1})) \
    X(43, "weft_group_cancel(NULL)", weft_group_cancel(NULL)) \
    X(44, "weft_group_close(NULL)", weft_group_close(NULL)) \
    X(45, "weft_self(NULL)", weft_self(NULL)) \
    X(46, "weft_list(NULL)", weft_list(WEFT_THREADS, NULL, 3)) \
    X(47, "weft_map: 3 items of NULL", map_nothing()) \
    X(48, "weft_pool_open: there is no kind 7", open_pool_of(7)) \
    X(49, "weft_start: there is no kind -1", start_of(-1)) \
    X(50, "weft_pool_cancel(NULL)", weft_pool_cancel(NULL)) \
    X(51, "weft_pool_close(NULL)", weft_pool_close(NULL)) \
    X(52, "weft_conn_close(NULL)", weft_conn_close(NULL)) \
    X(53, "no room for even a byte", weft_read(connection(), &byte, 0, WEFT_POLL)) \
    X(54, "no room for even a byte", weft_read(connection(), NULL, 9, WEFT_POLL)) \
    X(55, "no room for even a NUL", weft_read_line(connection(), &byte, 0, WEFT_POLL)) \
    X(56, "NULL, 5)", weft_write(connection(), NULL, 5, WEFT_POLL)) \
    X(57, "NULL, 5)", weft_post(connection(), NULL, 5)) \
    X(58, "weft_post_limit(NULL)", weft_post_limit(NULL, 1)) \
    X(59, "weft_peer(NULL)", weft_peer(NULL)) \
    X(60, "weft_conn_local(NULL)", weft_conn_local(NULL)) \
    X(61, "weft_conn_fd(NULL)", weft_conn_fd(NULL)) \
    X(62, "weft_listener_address(NULL)", weft_listener_address(NULL)) \
    X(63, "weft_listener_close(NULL)", weft_listener_close(NULL)) \
    X(64, "weft_inspect: the future or the info is NULL", weft_inspect(NULL, NULL)) \
    X(65, "weft_post_queued(NULL)", weft_post_queued(NULL)) \
    X(66, "weft_post_expect(NULL)", weft_post_expect(NULL, 1)) \
    X(67, "weft_list: there is no kind 7", weft_list((enum weft_kind)7, NULL, 0)) \
    X(68, "weft_queue_new: there is no order 3", new_queue_in_order(3)) \
    X(69, "the two ends need two variables", weft_pipe(&end, &end)) \
    X(81, "weft_submit: the argument of square is NULL", submit_nothing()) \
    X(82, "weft_spawn: the argument of square is NULL", weft_spawn(some_pool(), square, nothing)) \
    X(83, "weft_group_add: the argument of square is NULL", add_nothing()) \
    X(84, "weft_start: the argument of square is NULL", start_nothing(WEFT_THREADS)) \
    X(85, "weft_start: the argument of square is NULL", start_nothing(WEFT_PROCESSES)) \
    X(86, "weft_block: the argument of square is NULL", weft_block(square, &number, nothing)) \
    X(87, "weft_block: no room for the result of square", weft_block(square, nothing, &number)) \
    X(88, "weft_on_thread_stack(NULL)", weft_on_thread_stack(no_function, NULL))

// These look at what was freed, which a sanitizer tells first.
#define USES_OF_WHAT_IS_GONE(X) \
    X(71, "weft_join: the future was joined or dropped before", join_again(WEFT_THREADS)) \
    X(72, "weft_join: the future was joined or dropped before", join_again(WEFT_PROCESSES)) \
    X(73, "weft_wait: the future was joined or dropped before", \
      weft_wait(gone_of(WEFT_THREADS), WEFT_POLL)) \
    X(74, "weft_cancel: the future was joined or dropped before", \
      weft_cancel(gone_of(WEFT_THREADS))) \
    X(75, "weft_drop: the future was joined or dropped before", drop_what_was_joined()) \
    X(76, "weft_kill: the future was joined or dropped before", weft_kill(gone_of(WEFT_PROCESSES)))

#define PLAY(number, says, call) \
    PASSES_NULL static int misuse_##number(void) \
    { \
        (void)(call); \
        return 0; \
    }
MISUSES(PLAY)
USES_OF_WHAT_IS_GONE(PLAY)

#define SCENE_OF(number, says, call) {#number, misuse_##number},
#define SAYS(number, says, call) says,
// clang-format off
static const struct scene scenes[] = {MISUSES(SCENE_OF) USES_OF_WHAT_IS_GONE(SCENE_OF)
    SCENE(unlock_anothers_read_lock), SCENE(end_a_thread), SCENE(end_a_loop), SCENE(end_a_worker),
    SCENE(end_what_is_set_up), SCENE(end_main)};
static const char *const says[] = {MISUSES(SAYS) USES_OF_WHAT_IS_GONE(SAYS)};
// clang-format on

static void each_ends_the_program_with_one_line(void **state)
{
    (void)state;
    const char *const of_what_is_gone[] = {USES_OF_WHAT_IS_GONE(SAYS)};
    size_t count = COUNT(says) - (SANITIZED ? COUNT(of_what_is_gone) : 0);
    for (size_t i = 0; i < count; i++)
        scene_aborts(scenes[i].name, false, WORDS_("weft: weft_", says[i]));
}

static void under_check_also_giving_back_what_only_others_hold(void **state)
{
    (void)state;
    assert_ends("unlock_anothers_read_lock", 0, ""); // unchecked, a count is a count
    expect_checked_abort(unlock_anothers_read_lock, "weft_read_unlock", "held by others only");
}

static void a_task_that_ends_its_thread_ends_the_program_with_one_line(void **state)
{
    (void)state;
    scene_aborts("end_a_thread", false, WORDS_("(end_thread) has ended its thread"));
    if (!SANITIZED) // which says that it does not know the stack
        scene_aborts("end_a_loop", false, WORDS_("(end_thread) has ended its thread"));
    scene_aborts("end_a_worker", false, WORDS_("end_thread has ended its thread"));
    scene_aborts("end_what_is_set_up", false, WORDS_("on_start", "weft-1 has ended"));
    if (!UNDER_TSAN) // which looks in vain for the thread that was the first
        assert_ends("end_main", 0, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_ends_the_program_with_one_line),
    cmocka_unit_test(a_task_that_ends_its_thread_ends_the_program_with_one_line),
    cmocka_unit_test(under_check_also_giving_back_what_only_others_hold),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
