// SPDX-License-Identifier: MIT
// task_names_test.c - who is running: names, ids, listings; who hears of a failure that nobody
// joins; and which signals reach a task's thread (none that is meant for the program).
#include "exec_helpers.h"

// ---- names and ids ---------------------------------------------------------------------

struct meeting {
    struct weft_info self;
    char comm[32];
    sem_t ready, go;
};

static void read_comm(int tid, char *comm, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    FILE *f = fopen(path, "re");
    if (!f || !fgets(comm, (int)size, f))
        snprintf(comm, size, "?");
    comm[strcspn(comm, "\n")] = '\0';
    if (f)
        fclose(f);
}

static int introduce(struct meeting *const *arg, weft_none *none)
{
    struct meeting *m = *arg;
    (void)none;
    weft_self(&m->self);
    read_comm(gettid(), m->comm, sizeof m->comm);
    sem_post(&m->ready);
    sem_take(&m->go);
    return 0;
}
WEFT_TASK(introduce, struct meeting *, weft_none);

static weft_future *meet(struct meeting *m, struct weft_start_options options)
{
    *m = (struct meeting){.comm = ""};
    sem_init(&m->ready, 0, 0);
    sem_init(&m->go, 0, 0);
    weft_future *f = weft_start_as(options, introduce, &m);
    assert_non_null(f);
    sem_take(&m->ready);
    return f;
}

static void part(struct meeting *m, weft_future **f)
{
    sem_post(&m->go);
    assert_int_equal(weft_join(f, NULL, 0), 0);
}

static void a_task_bears_the_name_it_was_given(void **state)
{
    (void)state;
    struct meeting m;
    char name[] = "first";
    weft_future *f = meet(&m, WEFT_WITH(.kind = WEFT_THREADS, .name = name));
    strcpy(name, "xxxxx"); // it was copied
    struct weft_info info;
    weft_inspect(f, &info);
    assert_string_equal(info.name, "first");
    assert_string_equal(m.self.name, "first");
    assert_string_equal(m.comm, "first"); // as ps -L and gdb show it
    part(&m, &f);
}

static void a_long_name_is_cut_to_31_bytes(void **state)
{
    (void)state;
    struct meeting m;
    const char *name = "0123456789abcdefghijklmnopqrstuvwxyz";
    weft_future *f = meet(&m, WEFT_WITH(.kind = WEFT_THREADS, .name = name));
    assert_int_equal(strlen(m.self.name), 31);
    assert_memory_equal(m.self.name, name, 31);
    assert_string_equal(m.comm, "0123456789abcde"); // the kernel keeps 15
    part(&m, &f);
}

static int number_in(const char *name)
{
    int n = 0, end = 0;
    if (sscanf(name, "Thread-%d (introduce)%n", &n, &end) != 1 || name[end] != '\0')
        fail_msg("%s is not Thread-N (introduce)", name);
    return n;
}

static void a_task_without_name_gets_a_number_and_its_functions_name(void **state)
{
    (void)state;
    struct meeting m, n;
    weft_future *f = meet(&m, WEFT_WITH(.kind = WEFT_THREADS));
    weft_future *g = meet(&n, WEFT_WITH(.kind = WEFT_THREADS));
    int first = number_in(m.self.name), second = number_in(n.self.name);
    assert_true(first >= 1);
    assert_int_equal(second, first + 1);
    assert_memory_equal(m.comm, m.self.name, strlen(m.comm));
    assert_int_equal(strlen(m.comm), 15);
    part(&m, &f);
    part(&n, &g);
}

static void a_task_knows_itself_and_its_future_knows_it(void **state)
{
    (void)state;
    struct meeting m;
    weft_future *f = meet(&m, WEFT_WITH(.kind = WEFT_THREADS, .name = "self"));
    struct weft_info info;
    weft_inspect(f, &info);
    assert_int_equal(m.self.kind, WEFT_THREADS);
    assert_int_equal(m.self.pid, getpid());
    assert_true(m.self.tid > 0 && m.self.tid != gettid());
    assert_true(m.self.alive);
    assert_false(m.self.daemon);
    assert_true(m.self.id != 0);
    assert_int_equal(info.id, m.self.id);
    assert_int_equal(info.tid, m.self.tid);
    assert_int_equal(info.pid, m.self.pid);
    assert_true(info.alive);
    sem_post(&m.go);
    assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
    weft_inspect(f, &info);
    assert_false(info.alive);
    assert_int_equal(info.id, m.self.id);
    assert_string_equal(info.name, "self");
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static void a_daemon_says_that_it_is_one(void **state)
{
    (void)state;
    struct meeting m;
    weft_future *f = meet(&m, WEFT_WITH(.kind = WEFT_THREADS, .daemon = true));
    struct weft_info info;
    weft_inspect(f, &info);
    assert_true(m.self.daemon);
    assert_true(info.daemon);
    part(&m, &f);
}

static void the_first_thread_is_the_main_thread(void **state)
{
    (void)state;
    struct weft_info self, again;
    weft_self(&self);
    weft_self(&again);
    assert_string_equal(self.name, "MainThread");
    assert_int_equal(self.kind, WEFT_THREADS);
    assert_int_equal(self.pid, getpid());
    assert_int_equal(self.tid, gettid());
    assert_true(self.alive);
    assert_false(self.daemon);
    assert_true(self.id != 0);
    assert_int_equal(self.id, again.id);
}

static void *introduce_dummy(void *arg)
{
    weft_self(arg);
    return NULL;
}

static void a_thread_that_weft_did_not_start_is_a_dummy(void **state)
{
    (void)state;
    struct weft_info infos[2];
    pthread_t t;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&t, NULL, introduce_dummy, &infos[i]), 0);
        assert_int_equal(pthread_join(t, NULL), 0);
        int n = 0, end = 0;
        assert_int_equal(sscanf(infos[i].name, "Dummy-%d%n", &n, &end), 1);
        assert_int_equal(infos[i].name[end], '\0');
        assert_int_equal(infos[i].pid, getpid());
        assert_true(infos[i].tid != gettid());
    }
    assert_true(infos[0].id != infos[1].id);
    assert_string_not_equal(infos[0].name, infos[1].name);
}

static int own_id(const weft_none *none, int64_t *id)
{
    (void)none;
    struct weft_info self;
    weft_self(&self);
    *id = self.id;
    return 0;
}
WEFT_TASK(own_id, weft_none, int64_t);

static void ids_are_never_used_again(void **state)
{
    (void)state;
    int64_t ids[40];
    for (int i = 0; i < 40; i++) {
        weft_future *f = weft_start(WEFT_THREADS, own_id, &(weft_none){0});
        assert_int_equal(weft_join_as(&f, own_id, &ids[i]), 0);
        assert_true(ids[i] != 0);
        for (int j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
    }
}

// ---- listings --------------------------------------------------------------------------

static int times_listed(const char *name)
{
    static struct weft_info infos[300];
    size_t n = weft_list(WEFT_THREADS, infos, COUNT(infos));
    int count = 0;
    for (size_t i = 0; i < n && i < COUNT(infos); i++) {
        assert_true(infos[i].alive);
        assert_int_equal(infos[i].kind, WEFT_THREADS);
        assert_int_equal(infos[i].pid, getpid());
        count += strcmp(infos[i].name, name) == 0;
    }
    return count;
}

static void running_tasks_are_listed_by_name(void **state)
{
    (void)state;
    struct meeting m, n;
    struct weft_info self;
    weft_self(&self);
    weft_future *f = meet(&m, WEFT_WITH(.kind = WEFT_THREADS, .name = "listed one"));
    weft_future *g = meet(&n,
                          WEFT_WITH(.kind = WEFT_THREADS, .name = "listed two", .daemon = true));
    assert_int_equal(times_listed("listed one"), 1);
    assert_int_equal(times_listed("listed two"), 1);
    assert_int_equal(times_listed("MainThread"), 1);
    part(&m, &f);
    assert_int_equal(times_listed("listed one"), 0);
    part(&n, &g);
    assert_int_equal(times_listed("listed two"), 0);
}

static void a_short_list_tells_how_many_there_are(void **state)
{
    (void)state;
    struct meeting meetings[3];
    weft_future *futures[3];
    for (int i = 0; i < 3; i++)
        futures[i] = meet(&meetings[i], WEFT_WITH(.kind = WEFT_THREADS));
    struct weft_info infos[3] = {{.id = 0}, {.id = 0}, {.id = -77}};
    size_t all = weft_list(WEFT_THREADS, NULL, 0);
    assert_true(all >= 4); // with this thread
    assert_int_equal(weft_list(WEFT_THREADS, infos, 2), all);
    assert_true(infos[0].id != 0 && infos[1].id != 0 && infos[0].id != infos[1].id);
    assert_int_equal(infos[2].id, -77);
    assert_int_equal(weft_list(WEFT_FIBERS, infos, 2), 0);
    assert_int_equal(weft_list(WEFT_PROCESSES, infos, 2), 0);
    for (int i = 0; i < 3; i++)
        part(&meetings[i], &futures[i]);
}

static weft_event all_have_looked;
static weft_waitgroup arrived;

static int wait_by_name(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    weft_waitgroup_done(&arrived);
    return weft_event_wait(&all_have_looked, WEFT_FOREVER);
}
WEFT_TASK(wait_by_name, weft_none, weft_none);

// Of all that live, the one with this name, or NULL.
static const struct weft_info *find(const struct weft_info *infos, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(infos[i].name, name) == 0)
            return &infos[i];
    return NULL;
}

static void fibers_are_listed_by_their_names(void **state)
{
    (void)state;
    weft_future *named, *other;
    weft_waitgroup_add(&arrived, 2);
    named = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "client-7", .daemon = true),
                          wait_by_name, &(weft_none){0});
    other = weft_start(WEFT_FIBERS, wait_by_name, &(weft_none){0});
    assert_int_equal(weft_waitgroup_wait(&arrived, WEFT_FOREVER), 0);
    struct weft_info infos[4];
    assert_int_equal(weft_list(WEFT_FIBERS, infos, COUNT(infos)), 2);
    const struct weft_info *seven = find(infos, 2, "client-7");
    const struct weft_info *first = find(infos, 2, "Fiber-1 (wait_by_name)");
    assert_true(seven && first);
    assert_true(seven->kind == WEFT_FIBERS && first->kind == WEFT_FIBERS);
    assert_true(seven->alive && seven->daemon && first->alive && !first->daemon);
    assert_true(seven->id != first->id && seven->pid == getpid() && seven->tid != 0);
    weft_event_set(&all_have_looked);
    assert_int_equal(weft_join(&named, NULL, 0), 0);
    assert_int_equal(weft_join(&other, NULL, 0), 0);
    assert_int_equal(weft_list(WEFT_FIBERS, NULL, 0), 0);
}

static void a_task_of_a_pool_is_listed_while_it_runs(void **state)
{
    (void)state;
    struct meeting m = {.comm = ""}, *arg = &m;
    sem_init(&m.ready, 0, 0);
    sem_init(&m.go, 0, 0);
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1, .name = "crew");
    weft_future *f = weft_submit(pool, introduce, &arg);
    sem_take(&m.ready);
    struct weft_info infos[100], info;
    size_t n = weft_list(WEFT_THREADS, infos, COUNT(infos));
    assert_true(n <= COUNT(infos));
    int found = 0;
    for (size_t i = 0; i < n; i++)
        found += infos[i].id == m.self.id;
    assert_int_equal(found, 1);
    weft_inspect(f, &info);
    assert_int_equal(info.id, m.self.id);
    assert_int_equal(info.tid, m.self.tid);
    assert_int_equal(strncmp(m.comm, "crew-", 5), 0);
    part(&m, &f);
    weft_pool_close(&pool);
}

// ---- failures that nobody joins --------------------------------------------------------

struct heard {
    sem_t told;
    int code, times;
    char task[64], message[WEFT_ERROR_MAX];
    struct weft_info by;
};

static void hear(const char *task, int code, const char *message, void *ctx)
{
    struct heard *h = ctx;
    h->code = code;
    h->times++;
    snprintf(h->task, sizeof h->task, "%s", task);
    snprintf(h->message, sizeof h->message, "%s", message);
    weft_self(&h->by);
    sem_post(&h->told);
}

struct doom {
    struct hold *hold;
    int code;
    atomic_int tid;
};

static int fail_later(struct doom *const *arg, weft_none *none)
{
    struct doom *doom = *arg;
    (void)none;
    atomic_store(&doom->tid, gettid());
    sem_post(&doom->hold->started);
    sem_take(&doom->hold->release);
    return doom->code < 0 ? weft_fail(doom->code, "the bridge is out") : 0;
}
WEFT_TASK(fail_later, struct doom *, weft_none);

// Starts the task, drops it while it runs, and lets it end. Nothing orders the end of a dropped
// task before what follows, so each has its own place in memory.
static void drop_one_that_ends_with(int code)
{
    static struct doom dooms[8];
    static struct hold holds[8];
    static size_t next;
    struct doom *doom = &dooms[next];
    doom->hold = &holds[next++];
    doom->code = code;
    hold_init(doom->hold);
    weft_future *f = weft_start(WEFT_THREADS, fail_later, &doom);
    sem_take(&doom->hold->started);
    weft_drop(&f);
    sem_post(&doom->hold->release);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", atomic_load(&doom->tid));
    while (access(path, F_OK) == 0)
        nap_ms(1);
}

static void a_failure_that_nobody_joins_is_told_to_the_hook(void **state)
{
    (void)state;
    struct heard h = {.code = 0};
    sem_init(&h.told, 0, 0);
    weft_on_unobserved(hear, &h);
    drop_one_that_ends_with(-EHOSTUNREACH);
    sem_take(&h.told);
    weft_on_unobserved(NULL, NULL);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.code, -EHOSTUNREACH);
    assert_string_equal(h.message, "the bridge is out");
    assert_non_null(strstr(h.task, "fail_later"));
    assert_non_null(strstr(h.by.name, "fail_later")); // it is called in the failed task
}

static void success_cancellation_and_joined_failures_are_not_told(void **state)
{
    (void)state;
    struct heard h = {.code = 0};
    sem_init(&h.told, 0, 0);
    weft_on_unobserved(hear, &h);
    drop_one_that_ends_with(0);
    drop_one_that_ends_with(-ECANCELED);
    struct hold hold_;
    hold_init(&hold_);
    sem_post(&hold_.release);
    struct doom doom = {&hold_, -EIO, 0}, *arg = &doom;
    weft_future *f = weft_start(WEFT_THREADS, fail_later, &arg);
    assert_int_equal(weft_join(&f, NULL, 0), -EIO);
    weft_on_unobserved(NULL, NULL);
    assert_int_equal(h.times, 0);
}

static int drop_failure(void)
{
    drop_one_that_ends_with(-EHOSTUNREACH);
    return 0;
}

static int drop_cancelled(void)
{
    drop_one_that_ends_with(-ECANCELED);
    return 0;
}

static int drop_ended_failure(void)
{
    struct hold hold_;
    sem_init(&hold_.started, 0, 0);
    sem_init(&hold_.release, 0, 1);
    struct doom doom = {&hold_, -EHOSTUNREACH, 0}, *arg = &doom;
    weft_future *f = weft_start(WEFT_THREADS, fail_later, &arg);
    int rc = weft_wait(f, much_later());
    weft_drop(&f);
    return rc;
}

static int hook_and_no_hook(void)
{
    struct heard h = {.code = 0};
    sem_init(&h.told, 0, 0);
    weft_on_unobserved(hear, &h);
    drop_one_that_ends_with(-EIO);
    sem_take(&h.told);
    weft_on_unobserved(NULL, NULL);
    drop_one_that_ends_with(-EHOSTUNREACH);
    return h.times;
}

static void assert_tells_once(const char *scene, int status)
{
    struct ran ran;
    run_scene(scene, false, &ran);
    bool good = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == status &&
                is_one_line(ran.err) && has_all(ran.err, WORDS_("fail_later", "the bridge is out"));
    show_unless(good, scene, &ran);
}

static void without_a_hook_a_failure_is_one_line_on_stderr(void **state)
{
    (void)state;
    assert_tells_once("drop_failure", 0);
    assert_tells_once("hook_and_no_hook", 1);
    assert_ends("drop_cancelled", 0, "");
}

static void a_failure_dropped_after_its_end_is_told_too(void **state)
{
    (void)state;
    assert_tells_once("drop_ended_failure", 0);
}

static int inspect_null(void)
{
    struct weft_info info;
    weft_inspect(NULL, &info);
    return 0;
}

static void inspecting_no_future_aborts(void **state)
{
    (void)state;
    assert_aborts("inspect_null", "weft_inspect", "");
}

// ---- signals ---------------------------------------------------------------------------

// The signals that threads of weft block, as a mask like SigBlk: all but those that a thread
// raises itself by what it does.
static uint64_t asynchronous(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,
                                  SIGTERM, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
                                  SIGIO,   SIGPROF, SIGPWR,  SIGWINCH};
    uint64_t mask = 0;
    for (size_t i = 0; i < COUNT(signals); i++)
        mask |= UINT64_C(1) << (signals[i] - 1);
    return mask | UINT64_C(1) << SIGRTMIN; // the signal after it
}

static int read_blocked(const weft_none *none, uint64_t *mask)
{
    (void)none;
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", gettid());
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    *mask = 0;
    while (fgets(line, sizeof line, f))
        (void)sscanf(line, "SigBlk: %" SCNx64, mask);
    fclose(f);
    return 0;
}
WEFT_TASK(read_blocked, weft_none, uint64_t);

static void assert_asynchronous_blocked(uint64_t mask)
{
    assert_int_equal(mask & asynchronous(), asynchronous());
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (size_t i = 0; i < COUNT(faults); i++)
        assert_int_equal(mask & UINT64_C(1) << (faults[i] - 1), 0);
}

static int ready_to_go(void *ctx)
{
    (void)ctx;
    return 0;
}

static void threads_of_weft_block_all_asynchronous_signals(void **state)
{
    (void)state;
    uint64_t own = 0, own_after = 0, mask = 0;
    assert_int_equal(read_blocked(&(weft_none){0}, &own), 0);
    weft_future *f = weft_start(WEFT_THREADS, read_blocked, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, read_blocked, &mask), 0);
    assert_asynchronous_blocked(mask);
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = ready_to_go);
    f = weft_submit(pool, read_blocked, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, read_blocked, &mask), 0);
    assert_asynchronous_blocked(mask);
    weft_pool_close(&pool);
    assert_int_equal(read_blocked(&(weft_none){0}, &own_after), 0);
    assert_int_equal(own, own_after); // starting threads left this one's mask as it was
}

static int look_at_oneself(void *info)
{
    weft_self(info);
    return 0;
}

static void a_worker_without_a_task_goes_by_its_own_name(void **state)
{
    (void)state;
    struct weft_info info = {.id = -1};
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "own",
                                     .on_start = look_at_oneself, .ctx = &info);
    weft_pool_close(&pool);
    assert_string_equal(info.name, "own-1");
    assert_int_equal(info.id, 0);
}

static const struct scene scenes[] = {
    {"drop_failure", drop_failure},         {"drop_cancelled", drop_cancelled},
    {"hook_and_no_hook", hook_and_no_hook}, {"drop_ended_failure", drop_ended_failure},
    {"inspect_null", inspect_null},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_task_bears_the_name_it_was_given),
    cmocka_unit_test(a_long_name_is_cut_to_31_bytes),
    cmocka_unit_test(a_task_without_name_gets_a_number_and_its_functions_name),
    cmocka_unit_test(a_task_knows_itself_and_its_future_knows_it),
    cmocka_unit_test(a_daemon_says_that_it_is_one),
    cmocka_unit_test(the_first_thread_is_the_main_thread),
    cmocka_unit_test(a_thread_that_weft_did_not_start_is_a_dummy),
    cmocka_unit_test(ids_are_never_used_again),
    cmocka_unit_test(running_tasks_are_listed_by_name),
    cmocka_unit_test(a_short_list_tells_how_many_there_are),
    cmocka_unit_test(fibers_are_listed_by_their_names),
    cmocka_unit_test(a_task_of_a_pool_is_listed_while_it_runs),
    cmocka_unit_test(a_worker_without_a_task_goes_by_its_own_name),
    cmocka_unit_test(a_failure_that_nobody_joins_is_told_to_the_hook),
    cmocka_unit_test(success_cancellation_and_joined_failures_are_not_told),
    cmocka_unit_test(without_a_hook_a_failure_is_one_line_on_stderr),
    cmocka_unit_test(a_failure_dropped_after_its_end_is_told_too),
    cmocka_unit_test(inspecting_no_future_aborts),
    cmocka_unit_test(threads_of_weft_block_all_asynchronous_signals),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
