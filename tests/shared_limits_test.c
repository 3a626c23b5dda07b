// SPDX-License-Identifier: MIT
// shared_limits_test.c - where shared memory ends: in the children of a plain fork, where the
// system grants no memory or descriptor for it, and on kernels that cannot sleep on several words.
#include "fork_helpers.h"
#include "shared_board.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif

static int square(const int *n, int *out)
{
    *out = *n * *n;
    return 0;
}
WEFT_TASK(square, int, int);

static int processes_work(void)
{
    int out = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    CHECK(pool);
    for (int i = 0; i < 10; i++) {
        weft_future *f = weft_submit(pool, square, &i);
        CHECK(f && weft_join_as(&f, square, &out) == 0 && out == i * i);
    }
    weft_pool_close(&pool);
    return 0;
}

// ---- children of a plain fork ---------------------------------------------------------------

struct shop {
    struct board *board;
    weft_shared_queue *queue;
};

static struct shop shop_open(void)
{
    struct shop shop = {board_new(), weft_shared_queue_new(sizeof(int), 4)};
    assert_non_null(shop.queue);
    shop.board->total = 7;
    weft_shared_add(&shop.board->counter, 1);
    assert_int_equal(weft_shared_put(shop.queue, &(int){5}, WEFT_POLL), 0);
    return shop;
}

static void shop_close(struct shop *shop)
{
    int item = 0;
    assert_int_equal(weft_shared_lock(&shop->board->mu, much_later()), 0);
    assert_int_equal(shop->board->total, 7);
    weft_shared_unlock(&shop->board->mu);
    assert_int_equal(weft_shared_get(shop->queue, &item, WEFT_POLL), 0);
    assert_int_equal(item, 5);
    assert_int_equal(weft_shared_get(shop->queue, &item, WEFT_POLL), -ETIMEDOUT);
    weft_shared_queue_free(&shop->queue);
    weft_shared_free(&shop->board);
}

// The last call said so, and why.
static bool refused(int rc)
{
    bool told = weft_error_code() == -ENOTSUP && weft_error()[0] != '\0';
    (void)weft_fail(-EIO, "something else");
    return rc == -ENOTSUP && told;
}

static int use_as_a_stranger(void *arg)
{
    struct shop shop = *(struct shop *)arg;
    int item = 1;
    CHECK(refused(weft_shared_lock(&shop.board->mu, WEFT_POLL)));
    CHECK(refused(weft_shared_lock(&shop.board->mu, WEFT_FOREVER)));
    CHECK(refused(weft_shared_put(shop.queue, &item, WEFT_FOREVER)));
    CHECK(refused(weft_shared_get(shop.queue, &item, WEFT_FOREVER)));
    void *region = weft_shared(10);
    CHECK(!region && refused(-ENOTSUP));
    weft_shared_queue *queue = weft_shared_queue_new(4, 4);
    CHECK(!queue && refused(-ENOTSUP));
    CHECK(shop.board->total == 7);
    CHECK(weft_shared_queue_length(shop.queue) == 1);
    int64_t before = weft_shared_value(&shop.board->counter);
    CHECK(weft_shared_add(&shop.board->counter, 1) == before + 1);
    struct board *board = shop.board;
    weft_shared_queue_free(&shop.queue); // does nothing
    weft_shared_free(&shop.board);
    CHECK(!shop.queue && !shop.board && board->total == 7);
    return 0;
}

TEST(a_child_of_a_fork_sees_the_regions_and_counts_and_no_more)
{
    struct shop shop = shop_open();
    for (int i = 0; i < 5; i++)
        assert_int_equal(in_child(use_as_a_stranger, &shop), 0);
    assert_int_equal(weft_shared_value(&shop.board->counter), 6);
    shop_close(&shop);
}

TEST(so_it_is_while_a_task_of_the_parent_holds_the_lock)
{
    struct shop shop = shop_open();
    assert_int_equal(weft_shared_lock(&shop.board->mu, WEFT_POLL), 0);
    assert_int_equal(in_child(use_as_a_stranger, &shop), 0);
    weft_shared_unlock(&shop.board->mu);
    shop_close(&shop);
}

static int fork_in_a_worker(const struct shop *shop, int *status)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(use_as_a_stranger((void *)(uintptr_t)shop));
    CHECK(waitpid(pid, status, 0) == pid);
    CHECK(weft_shared_lock(&shop->board->mu, much_later()) == 0);
    weft_shared_unlock(&shop->board->mu);
    return 0;
}
WEFT_TASK(fork_in_a_worker, struct shop, int);

TEST(a_child_that_a_worker_forks_is_as_much_a_stranger)
{
    struct shop shop = shop_open();
    int status = -1;
    weft_future *f = weft_start(WEFT_PROCESSES, fork_in_a_worker, &shop);
    assert_int_equal(weft_join_as(&f, fork_in_a_worker, &status), 0);
    assert_int_equal(status, 0);
    shop_close(&shop);
}

// ---- what is refused --------------------------------------------------------------------------

static int make_one(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    char *r = weft_shared(10);
    if (!r)
        return weft_fail(weft_error_code(), "in a worker: %s", weft_error());
    weft_shared_free(&r);
    return 0;
}
WEFT_TASK(make_one, weft_none, weft_none);

static int workers_get(int expected)
{
    weft_future *f = weft_start(WEFT_PROCESSES, make_one, &(weft_none){0});
    CHECK(f && weft_join(&f, NULL, 0) == expected);
    CHECK(expected == 0 || strstr(weft_error(), "in a worker: weft_shared: "));
    return 0;
}

static int is_refused(int code)
{
    for (int i = 0; i < 3; i++) {
        void *r = weft_shared(10);
        CHECK(!r && weft_error_code() == code && strstr(weft_error(), "weft_shared: "));
    }
    return 0;
}

// Processes that are made meanwhile do all else; and since they are there it stays so.
static int is_refused_for_good(int code)
{
    CHECK(is_refused(code) == 0);
    CHECK(processes_work() == 0);
    CHECK(is_refused(-ENOTSUP) == 0);
    return workers_get(-ENOTSUP);
}

static int is_to_be_had(void)
{
    char *r = weft_shared(10);
    CHECK(r);
    weft_shared_free(&r);
    CHECK(processes_work() == 0);
    return workers_get(0);
}

static int scene_of_small_files(void)
{
    struct rlimit limit = {16 << 20, 16 << 20};
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    return is_refused_for_good(-ENOMEM);
}

static int scene_of_middling_files(void)
{
    struct rlimit limit = {200 << 20, 200 << 20};
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    char *r = weft_shared(1 << 20);
    CHECK(r);
    weft_shared_free(&r);
    r = weft_shared(300 << 20);
    CHECK(!r && weft_error_code() == -ENOMEM);
    CHECK(processes_work() == 0);
    return workers_get(0);
}

static int scene_of_few_addresses(void)
{
    struct rlimit before, limit;
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    limit = before;
    limit.rlim_cur = 60 << 20;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHECK(is_refused(-ENOMEM) == 0);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    return is_to_be_had();
}

static int scene_of_addresses_for_a_small_one(void)
{
    struct rlimit limit = {1u << 30, 1u << 30};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    char *r = weft_shared(1 << 20);
    CHECK(r);
    weft_shared_free(&r);
    CHECK(processes_work() == 0);
    return workers_get(0);
}

// Of shared memory, in the program.
static long kilobytes_held(void)
{
    char line[128];
    long held = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && held < 0 && fgets(line, sizeof line, status))
        if (strncmp(line, "RssShmem:", 9) == 0)
            held = strtol(line + 9, NULL, 10);
    if (status)
        (void)fclose(status);
    return held;
}

// The limit bounds what it takes if this is broken.
static int scene_of_memory_that_stays(void)
{
    struct rlimit limit = {1u << 30, 1u << 30};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    if (mlockall(MCL_FUTURE) < 0)
        return 0;
    void *probe = mmap(NULL, 512 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED)
        return munlockall(); // not for this user
    CHECK(munmap(probe, 512 << 20) == 0);
    char *r = weft_shared(1 << 20);
    CHECK(r);
    long held = kilobytes_held();
    CHECK(held >= 1 << 10 && held < 10 << 10);
    weft_shared_free(&r);
    CHECK(processes_work() == 0);
    return workers_get(0);
}

static int scene_of_no_descriptor(void)
{
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    int next = dup(STDIN_FILENO);
    close(next);
    none.rlim_cur = (rlim_t)next;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK(is_refused(-EMFILE) == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    return is_to_be_had();
}

static int scene_of_no_descriptor_later(void)
{
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    char *r = weft_shared(10), *more;
    CHECK(r && processes_work() == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK(more = weft_shared(1 << 20));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    weft_shared_free(&more);
    weft_shared_free(&r);
    return 0;
}

TEST(what_the_system_refuses_is_a_clear_error_and_processes_go_on)
{
    expect_clean_end(scene_of_small_files);
    expect_clean_end(scene_of_no_descriptor);
    expect_clean_end(scene_of_no_descriptor_later);
}

TEST(within_limits_the_arena_is_smaller)
{
    expect_clean_end(scene_of_middling_files);
    if (SANITIZED)
        skip(); // limits on addresses mean nothing
    expect_clean_end(scene_of_few_addresses);
    expect_clean_end(scene_of_addresses_for_a_small_one);
}

TEST(a_program_that_keeps_its_memory_resident_keeps_only_what_it_took)
{
    if (SANITIZED)
        skip(); // their own memory could not be had
    expect_clean_end(scene_of_memory_that_stays);
}

// ---- a kernel that cannot sleep on several words ------------------------------------------------

// From here on, also in workers.
static int refuse_futex_waitv(unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_futex_waitv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = COUNT(code), .filter = code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    CHECK(syscall(__NR_futex_waitv, NULL, 0, 0, NULL, 0) == -1 && errno == (int)error);
    return 0;
}

enum { ROUNDS = 20 }; // each waits for a look, which comes every few milliseconds

struct link {
    weft_shared_queue *in, *out;
};

static int echo(const struct link *link, weft_none *none)
{
    (void)none;
    int item, rc;
    while ((rc = weft_shared_get(link->in, &item, much_later())) == 0)
        CHECK(weft_shared_put(link->out, &item, much_later()) == 0);
    return rc == -EPIPE ? 0 : rc;
}
WEFT_TASK(echo, struct link, weft_none);

static int talk(enum weft_kind kind)
{
    struct link link = {weft_shared_queue_new(sizeof(int), 1),
                        weft_shared_queue_new(sizeof(int), 1)};
    CHECK(link.in && link.out);
    weft_future *f = weft_start(kind, echo, &link);
    CHECK(f);
    for (int i = 0, item = -1; i < ROUNDS; i++) {
        CHECK(weft_shared_put(link.in, &i, much_later()) == 0);
        CHECK(weft_shared_get(link.out, &item, much_later()) == 0 && item == i);
    }
    CHECK(weft_shared_get(link.out, &(int){0}, soon()) == -ETIMEDOUT);
    weft_shared_queue_close(link.in);
    CHECK(weft_join(&f, NULL, 0) == 0);
    weft_shared_queue_free(&link.in);
    weft_shared_queue_free(&link.out);
    return 0;
}

static int die_holding(struct board *const *board, weft_none *none)
{
    (void)none;
    CHECK(weft_shared_lock(&(*board)->mu, WEFT_FOREVER) == 0);
    weft_shared_event_set(&(*board)->event);
    (void)weft_shared_acquire(&(*board)->sem, much_later());
    raise(SIGKILL);
    return 0;
}
WEFT_TASK(die_holding, struct board *, weft_none);

static int hear_of_a_death(void)
{
    struct board *b = weft_shared(sizeof *b);
    CHECK(b);
    weft_future *f = weft_start(WEFT_PROCESSES, die_holding, &b);
    CHECK(f && weft_shared_event_wait(&b->event, much_later()) == 0);
    CHECK(weft_shared_lock(&b->mu, soon()) == -ETIMEDOUT);
    weft_shared_release(&b->sem, 1);
    CHECK(weft_shared_lock(&b->mu, much_later()) == -EOWNERDEAD);
    weft_shared_unlock(&b->mu);
    CHECK(weft_join(&f, NULL, 0) == -EOWNERDEAD);
    weft_shared_free(&b);
    return 0;
}

static int play_all(void)
{
    CHECK(talk(WEFT_PROCESSES) == 0);
    CHECK(talk(WEFT_THREADS) == 0);
    CHECK(talk(WEFT_FIBERS) == 0);
    return hear_of_a_death();
}

static int scene_of_an_old_kernel(void)
{
    CHECK(refuse_futex_waitv(ENOSYS) == 0);
    return play_all();
}

static int scene_of_a_filter(void)
{
    CHECK(refuse_futex_waitv(EPERM) == 0);
    return play_all();
}

TEST(where_nobody_sleeps_on_several_words_all_works_as_well)
{
    assert_int_equal(play_all(), 0); // without it
    expect_clean_end(scene_of_an_old_kernel);
    expect_clean_end(scene_of_a_filter);
}

static const struct scene scenes[] = {
    SCENE(scene_of_small_files),
    SCENE(scene_of_middling_files),
    SCENE(scene_of_few_addresses),
    SCENE(scene_of_addresses_for_a_small_one),
    SCENE(scene_of_memory_that_stays),
    SCENE(scene_of_no_descriptor),
    SCENE(scene_of_no_descriptor_later),
    SCENE(scene_of_an_old_kernel),
    SCENE(scene_of_a_filter),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_child_of_a_fork_sees_the_regions_and_counts_and_no_more),
    cmocka_unit_test(so_it_is_while_a_task_of_the_parent_holds_the_lock),
    cmocka_unit_test(a_child_that_a_worker_forks_is_as_much_a_stranger),
    cmocka_unit_test(what_the_system_refuses_is_a_clear_error_and_processes_go_on),
    cmocka_unit_test(within_limits_the_arena_is_smaller),
    cmocka_unit_test(a_program_that_keeps_its_memory_resident_keeps_only_what_it_took),
    cmocka_unit_test(where_nobody_sleeps_on_several_words_all_works_as_well),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
