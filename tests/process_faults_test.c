// SPDX-License-Identifier: MIT
// process_faults_test.c - processes on bad days: killed at random, their parent killed, their
// ancestor killed, and no descriptor left.
#include "process_helpers.h"

// ---- killed at random ------------------------------------------------------------------------

static void kill_one_of(unsigned *seed)
{
    struct weft_info infos[8];
    size_t n = weft_list(WEFT_PROCESSES, infos, 8);
    if (n > 0)
        (void)kill(infos[(*seed = *seed * 1103515245 + 12345) / 65536 % n].pid, SIGKILL);
}

static void every_future_ends_while_workers_are_killed(void **state)
{
    (void)state;
    enum { N = 400, ROUNDS = 200, EVERY = 50 };
    static weft_future *futures[N];
    unsigned seed = 7;
    long died = 0, done = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 3);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            assert_non_null(futures[i] = weft_submit(pool, square, &i));
            if (i % EVERY == 0 && round % 4 == 0)
                kill_one_of(&seed);
        }
        for (int i = 0; i < N; i++) {
            long out = -1;
            int rc = weft_join_as(&futures[i], square, &out);
            assert_true(rc == -EOWNERDEAD || (rc == 0 && out == (long)i * i));
            died += rc < 0;
            done += rc == 0;
        }
    }
    weft_pool_close(&pool);
    assert_int_equal(died + done, (long)N * ROUNDS);
    assert_true(done > died);
}

// ---- a parent that is killed leaves nobody ----------------------------------------------------

static int scene_of_a_parent(void)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    weft_future *alone = weft_start(WEFT_PROCESSES, never_return, &(weft_none){0});
    struct weft_info infos[8];
    size_t n = 0;
    weft_future *f = weft_submit(pool, never_return, &(weft_none){0});
    while (n < 3 && alone && f) {
        n = weft_list(WEFT_PROCESSES, infos, 8);
        nap_ms(1);
    }
    for (size_t i = 0; i < n; i++)
        printf("%d ", (int)infos[i].pid);
    fflush(stdout);
    raise(SIGKILL);
    return 0;
}

static void a_parent_that_is_killed_leaves_nobody(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_a_parent", false, &ran);
    assert_true(WIFSIGNALED(ran.status));
    int pids[3] = {0};
    assert_int_equal(sscanf(ran.out, "%d %d %d", &pids[0], &pids[1], &pids[2]), 3);
    for (int i = 0; i < 3; i++)
        assert_true(goes(pids[i]));
}

// ---- the ancestor is killed --------------------------------------------------------------------

static pid_t ancestor_of(pid_t pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    return (pid_t)strtol(strrchr(line, ')') + 4, NULL, 10);
}

static void without_its_ancestor_a_program_makes_another(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    weft_future *running = weft_submit(pool, never_return, &(weft_none){0});
    struct weft_info info = await_begun(running);
    pid_t ancestor = ancestor_of(info.pid);
    assert_true(ancestor > 1 && ancestor != getpid());
    assert_int_equal(kill(ancestor, SIGKILL), 0);
    assert_int_equal(weft_join(&running, NULL, 0), -EOWNERDEAD);
    for (int i = 0; i < 50; i++) {
        long out = 0;
        weft_future *f = weft_submit(pool, square, &i);
        assert_int_equal(weft_join_as(&f, square, &out), 0);
        assert_int_equal(out, (long)i * i);
    }
    assert_true(goes(ancestor) && goes(info.pid));
    weft_pool_close(&pool);
}

// ---- nothing is left over ----------------------------------------------------------------------

static long lines_of(const char *path)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    long count = 0;
    for (int c = fgetc(f); c != EOF; c = fgetc(f))
        count += c == '\n';
    fclose(f);
    return count;
}

static void use_a_pool(int i)
{
    long out = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_non_null(pool);
    weft_future *f = weft_submit(pool, square, &i);
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    weft_pool_close(&pool);
}

static void pools_leave_nothing(void **state)
{
    (void)state;
    enum { POOLS = SANITIZED ? 20 : 200 };
    for (int i = 0; i < 5; i++)
        use_a_pool(i);
    int open_before = open_descriptors();
    long maps_before = lines_of("/proc/self/maps");
    for (int i = 0; i < POOLS; i++)
        use_a_pool(i);
    assert_int_equal(open_descriptors(), open_before);
    assert_true(lines_of("/proc/self/maps") <= maps_before + 8); // the allocator's own
    assert_int_equal(weft_list(WEFT_PROCESSES, NULL, 0), 0);
}

static void without_descriptors_there_is_a_clear_error(void **state)
{
    (void)state;
    use_a_pool(1); // the ancestor is there
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int next = dup(STDIN_FILENO);
    close(next);
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){1});
    int code = weft_error_code();
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    int pool_code = weft_error_code();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(f);
    assert_int_equal(code, -EMFILE);
    assert_null(pool);
    assert_int_equal(pool_code, -EMFILE);
    use_a_pool(2);
}

static const struct scene scenes[] = {SCENE(scene_of_a_parent)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_future_ends_while_workers_are_killed),
    cmocka_unit_test(a_parent_that_is_killed_leaves_nobody),
    cmocka_unit_test(without_its_ancestor_a_program_makes_another),
    cmocka_unit_test(pools_leave_nothing),
    cmocka_unit_test(without_descriptors_there_is_a_clear_error),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
