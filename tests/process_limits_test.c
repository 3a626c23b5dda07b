// SPDX-License-Identifier: MIT
// process_limits_test.c - processes when the system refuses: no more processes, descriptors or
// memory, in the program, its ancestor or a worker. The errors are clear, and once there is room
// again, it goes on.
#include "process_helpers.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

static int squares_come(weft_pool *pool, int count)
{
    for (int i = 0; i < count; i++) {
        long out = 0;
        weft_future *f = pool ? weft_submit(pool, square, &i)
                              : weft_start(WEFT_PROCESSES, square, &i);
        CHECK(f);
        CHECK(weft_join_as(&f, square, &out) == 0);
        CHECK(out == (long)i * i);
    }
    return 0;
}

static pid_t any_worker(void)
{
    struct weft_info infos[8];
    return weft_list(WEFT_PROCESSES, infos, 8) > 0 ? infos[0].pid : -1;
}

// Of what soft limits there are; the hard one stays, so that it can be lifted again.
static int limit(pid_t pid, int resource, rlim_t soft, rlim_t *before)
{
    struct rlimit r;
    CHECK(prlimit(pid, (__rlimit_resource_t)resource, NULL, &r) == 0);
    if (before)
        *before = r.rlim_cur;
    r.rlim_cur = soft;
    CHECK(prlimit(pid, (__rlimit_resource_t)resource, &r, NULL) == 0);
    return 0;
}

// ---- no more processes ------------------------------------------------------------------------

enum { NO_ROOT = 77 };

// As a user of our own: root may have any number, and others' count is others'.
static int become_somebody(void)
{
    uid_t uid = 100000 + (uid_t)getpid();
    if (getuid() != 0 || setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
        setresuid(uid, uid, uid) < 0)
        return NO_ROOT;
    CHECK(prctl(PR_SET_DUMPABLE, 1) == 0); // as before; else /proc/self is root's
    return 0;
}

static int fails_with(weft_future *f, int code, const char *word)
{
    CHECK(f);
    CHECK(weft_join(&f, NULL, 0) == code);
    CHECK(strstr(weft_error(), word));
    return 0;
}

// The ancestor is here, and cannot fork.
static int use_without_forks(weft_pool *pool)
{
    CHECK(fails_with(weft_start(WEFT_PROCESSES, square, &(int){1}), -EAGAIN, "could not be made") ==
          0);
    weft_pool *other = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    CHECK(other || weft_error_code() == -EAGAIN);
    CHECK(!other || fails_with(weft_submit(other, square, &(int){1}), -EAGAIN,
                               "could not be made: Resource temporarily unavailable") == 0);
    weft_pool_close(&other);
    return squares_come(pool, 20);
}

// One of its two workers dies, and longer than a pool without any would wait there is no other.
static int lose_a_worker(weft_pool *pool)
{
    CHECK(kill(any_worker(), SIGKILL) == 0);
    for (int i = 0; i < 20; i++) {
        nap_ms(25);
        CHECK(squares_come(pool, 3) == 0);
    }
    CHECK(weft_list(WEFT_PROCESSES, NULL, 0) == 1);
    return 0;
}

// Two workers, and an ancestor that may make no other.
static int open_without_forks(weft_pool **pool, pid_t *ancestor, rlim_t *before)
{
    int rc = become_somebody();
    if (rc != 0)
        return rc;
    *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    CHECK(*pool && squares_come(*pool, 20) == 0 && weft_list(WEFT_PROCESSES, NULL, 0) == 2);
    *ancestor = ancestor_of(any_worker());
    CHECK(*ancestor > 0 && limit(*ancestor, RLIMIT_NPROC, 1, before) == 0);
    return 0;
}

static int scene_of_no_forks(void)
{
    weft_pool *pool;
    pid_t ancestor;
    rlim_t before;
    int rc = open_without_forks(&pool, &ancestor, &before);
    if (rc != 0)
        return rc;
    CHECK(use_without_forks(pool) == 0);
    CHECK(lose_a_worker(pool) == 0);
    CHECK(limit(ancestor, RLIMIT_NPROC, before, NULL) == 0);
    CHECK(eventually(weft_list(WEFT_PROCESSES, NULL, 0) == 2));
    CHECK(squares_come(pool, 20) == 0 && squares_come(NULL, 3) == 0);
    weft_pool_close(&pool);
    return 0;
}

// The last worker goes, and no other comes: what is queued fails, and a new pool is as good as
// ever.
static int scene_of_the_last_worker(void)
{
    weft_pool *pool;
    pid_t ancestor;
    rlim_t before;
    int rc = open_without_forks(&pool, &ancestor, &before);
    if (rc != 0)
        return rc;
    CHECK(lose_a_worker(pool) == 0);
    CHECK(kill(any_worker(), SIGKILL) == 0);
    CHECK(eventually(weft_list(WEFT_PROCESSES, NULL, 0) == 0));
    CHECK(fails_with(weft_submit(pool, square, &(int){1}), -EAGAIN, "could not be made") == 0);
    CHECK(limit(ancestor, RLIMIT_NPROC, before, NULL) == 0);
    weft_pool_close(&pool);
    pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    CHECK(pool && squares_come(pool, 20) == 0);
    weft_pool_close(&pool);
    return 0;
}

// The program itself cannot have its first.
static int scene_of_no_ancestor(void)
{
    int rc = become_somebody();
    if (rc != 0)
        return rc;
    rlim_t before;
    CHECK(limit(0, RLIMIT_NPROC, 1, &before) == 0);
    CHECK(!weft_start(WEFT_PROCESSES, square, &(int){1}));
    CHECK(weft_error_code() == -EAGAIN);
    CHECK(strstr(weft_error(), "the program cannot be started once more: Resource temporarily"));
    CHECK(!weft_pool_open(WEFT_PROCESSES, .workers = 1));
    CHECK(weft_error_code() == -EAGAIN);
    CHECK(strstr(weft_error(), "the program cannot be started once more: Resource temporarily"));
    CHECK(limit(0, RLIMIT_NPROC, before, NULL) == 0);
    return squares_come(NULL, 3);
}

static void play_as_somebody(const char *scene)
{
    struct ran ran;
    run_scene(scene, false, &ran);
    if (WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == NO_ROOT) {
        print_message("%s: only root can become another user\n", scene);
        skip();
    }
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0, scene, &ran);
}

static void a_pool_outlives_a_time_without_forks(void **state)
{
    (void)state;
    play_as_somebody("scene_of_no_forks");
}

static void without_its_last_worker_a_pool_fails_its_tasks(void **state)
{
    (void)state;
    play_as_somebody("scene_of_the_last_worker");
}

static void without_an_ancestor_there_is_a_clear_error(void **state)
{
    (void)state;
    play_as_somebody("scene_of_no_ancestor");
}

// ---- no more descriptors ----------------------------------------------------------------------

static rlim_t next_descriptor(void)
{
    int next = dup(STDIN_FILENO);
    close(next);
    return (rlim_t)next;
}

static void without_descriptors_there_is_a_clear_error(void **state)
{
    (void)state;
    rlim_t before;
    assert_int_equal(squares_come(NULL, 1), 0); // the ancestor is there
    assert_int_equal(limit(0, RLIMIT_NOFILE, next_descriptor(), &before), 0);
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){1});
    int code = weft_error_code();
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    int pool_code = weft_error_code();
    assert_int_equal(limit(0, RLIMIT_NOFILE, before, NULL), 0);
    assert_null(f);
    assert_int_equal(code, -EMFILE);
    assert_null(pool);
    assert_int_equal(pool_code, -EMFILE);
    assert_int_equal(squares_come(NULL, 2), 0);
}

// Of one user no more are under way than a process may have open, unless he is root. An ancestor
// that is stopped takes none.
static int scene_of_many_under_way(void)
{
    enum { LIMIT = 100 };
    int rc = become_somebody();
    if (rc != 0)
        return rc;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    CHECK(pool && squares_come(pool, 1) == 0);
    pid_t ancestor = ancestor_of(any_worker());
    CHECK(limit(0, RLIMIT_NOFILE, LIMIT, NULL) == 0 && kill(ancestor, SIGSTOP) == 0);
    weft_future *all[LIMIT];
    int n = 0;
    while (n < LIMIT && (all[n] = weft_start(WEFT_PROCESSES, square, &n)))
        n++;
    int code = weft_error_code();
    bool is_said = strstr(weft_error(), "too many descriptors are under way") != NULL;
    CHECK(kill(ancestor, SIGCONT) == 0);
    CHECK(n > 0 && n < LIMIT && code == -EAGAIN && is_said);
    for (int i = 0; i < n; i++) {
        long out = 0;
        CHECK(weft_join_as(&all[i], square, &out) == 0 && out == (long)i * i);
    }
    CHECK(squares_come(NULL, 2) == 0 && squares_come(pool, 2) == 0);
    weft_pool_close(&pool);
    return 0;
}

// Until the kernel refuses more.
static int put_many_under_way(int ends[2])
{
    enum { AT_ONCE = 100 };
    int fds[AT_ONCE];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    for (int i = 0; i < AT_ONCE; i++)
        fds[i] = ends[0];
    char byte = 0, control[CMSG_SPACE(sizeof fds)] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds)};
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    while (sendmsg(ends[0], &message, MSG_DONTWAIT) == 1)
        continue;
    CHECK(errno == ETOOMANYREFS);
    return 0;
}

// Nobody waits for its task, and its worker, which has nothing else to do, tells nothing.
static int scene_of_a_task_behind_many(void)
{
    int rc = become_somebody(), many[2];
    if (rc != 0)
        return rc;
    weft_end ours, theirs;
    char byte;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    CHECK(pool && squares_come(pool, 1) == 0);
    nap_ms(1500); // the pool looks once a second while somebody waits, and once after that
    CHECK(limit(0, RLIMIT_NOFILE, 200, NULL) == 0 && put_many_under_way(many) == 0);
    CHECK(weft_pipe(&ours, &theirs) == 0);
    CHECK(weft_spawn(pool, bear_end, &(struct bearer){theirs}) == 0);
    CHECK(weft_recv(ours, &byte, 1, weft_after_ms(50)) == -ETIMEDOUT);
    CHECK(close(many[0]) == 0 && close(many[1]) == 0);
    CHECK(weft_recv(ours, &byte, 1, much_later()) == -EPIPE);
    weft_end_close(&ours);
    weft_pool_close(&pool);
    return 0;
}

static void a_task_that_cannot_be_sent_yet_is_sent_later(void **state)
{
    (void)state;
    play_as_somebody("scene_of_a_task_behind_many");
}

static void who_has_too_many_under_way_is_told(void **state)
{
    (void)state;
    play_as_somebody("scene_of_many_under_way");
}

struct large {
    char bytes[4096];
};

static int first_byte(const struct large *arg, char *out)
{
    *out = arg->bytes[0];
    return 0;
}
WEFT_TASK(first_byte, struct large, char);

// In the middle: what needs none goes on, what needs one says so, and a worker that dies is
// replaced as soon as that can be.
static void a_pool_outlives_a_time_without_descriptors(void **state)
{
    (void)state;
    rlim_t before;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    assert_int_equal(squares_come(pool, 20), 0);
    assert_int_equal(weft_list(WEFT_PROCESSES, NULL, 0), 2);
    assert_int_equal(limit(0, RLIMIT_NOFILE, next_descriptor(), &before), 0);
    int few = squares_come(pool, 20);
    weft_future *f = weft_submit(pool, first_byte, &(struct large){.bytes = "x"});
    int code = f ? weft_join(&f, NULL, 0) : weft_error_code();
    bool is_said = strstr(weft_error(), "first_byte") != NULL;
    kill(any_worker(), SIGKILL);
    nap_ms(400); // ten tries
    int fewer = squares_come(pool, 20);
    assert_int_equal(limit(0, RLIMIT_NOFILE, before, NULL), 0);
    assert_int_equal(few, 0);
    assert_int_equal(code, -EMFILE);
    assert_true(is_said);
    assert_int_equal(fewer, 0);
    assert_true(eventually(weft_list(WEFT_PROCESSES, NULL, 0) == 2));
    char out = 0;
    f = weft_submit(pool, first_byte, &(struct large){.bytes = "x"});
    assert_int_equal(weft_join_as(&f, first_byte, &out), 0);
    assert_int_equal(out, 'x');
    weft_pool_close(&pool);
}

static void an_ancestor_without_descriptors_says_so(void **state)
{
    (void)state;
    rlim_t before;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_int_equal(squares_come(pool, 1), 0);
    pid_t ancestor = ancestor_of(any_worker());
    assert_true(ancestor > 0);
    assert_int_equal(limit(ancestor, RLIMIT_NOFILE, 4, &before), 0);
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){1});
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), -EMFILE);
    assert_non_null(strstr(weft_error(), "could not be made"));
    assert_int_equal(squares_come(pool, 5), 0);
    assert_int_equal(limit(ancestor, RLIMIT_NOFILE, before, NULL), 0);
    assert_int_equal(squares_come(NULL, 3), 0);
    weft_pool_close(&pool);
}

static int limit_worker(const rlim_t *soft, rlim_t *before)
{
    return limit(0, RLIMIT_NOFILE, *soft, before) == 0 ? 0 : -errno;
}
WEFT_TASK(limit_worker, rlim_t, rlim_t);

static int give_end(weft_pool *pool)
{
    weft_end ours, theirs;
    char byte;
    assert_int_equal(weft_pipe(&ours, &theirs), 0);
    weft_future *f = weft_submit(pool, bear_end, &(struct bearer){theirs});
    assert_non_null(f);
    assert_int_equal(weft_recv(ours, &byte, 1, much_later()), -EPIPE); // closed in any case
    weft_end_close(&ours);
    return weft_join(&f, NULL, 0);
}

static void a_worker_without_descriptors_fails_who_brings_some(void **state)
{
    (void)state;
    rlim_t before = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit(pool, limit_worker, &(rlim_t){3});
    assert_int_equal(weft_join_as(&f, limit_worker, &before), 0);
    assert_int_equal(give_end(pool), -EMFILE);
    assert_non_null(strstr(weft_error(), "bear_end: its descriptors did not arrive"));
    assert_int_equal(squares_come(pool, 5), 0);
    f = weft_submit(pool, limit_worker, &before);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(give_end(pool), 0);
    weft_pool_close(&pool);
}

// ---- no more memory ---------------------------------------------------------------------------

static int use_much_memory(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    if (limit(0, RLIMIT_AS, 1u << 20, NULL) != 0)
        return -errno;
    void *volatile block = malloc(256u << 20);
    if (!block)
        return weft_fail(-ENOMEM, "no memory for a block");
    free(block);
    return 0;
}
WEFT_TASK(use_much_memory, weft_none, weft_none);

static void a_worker_without_memory_harms_nobody_else(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    static struct large in;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit(pool, use_much_memory, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), -ENOMEM);
    assert_string_equal(weft_error(), "no memory for a block");
    f = weft_submit(pool, first_byte, &in); // the worker is to map it
    assert_int_equal(weft_join(&f, NULL, 0), -ENOMEM);
    assert_string_equal(weft_error(), "first_byte: no memory for its argument");
    assert_int_equal(squares_come(pool, 5), 0); // these need none
    kill(any_worker(), SIGKILL);                // as the kernel does when there is no memory at all
    assert_int_equal(squares_come(NULL, 2), 0);
    f = weft_submit(pool, first_byte, &in);
    int rc = weft_join(&f, NULL, 0);
    if (rc != -EOWNERDEAD) // it had begun
        assert_int_equal(rc, 0);
    weft_pool_close(&pool);
}

// ---- the stack --------------------------------------------------------------------------------

// Takes 1 KiB and some for each step.
__attribute__((noinline)) static long dive_by(long steps)
{
    volatile char space[1024];
    keep_in_memory(space);
    space[0] = 1;
    return steps == 0 ? space[0] : dive_by(steps - 1) + space[0];
}

static int dive(const long *steps, long *out)
{
    *out = dive_by(*steps) - 1;
    return 0;
}
WEFT_TASK(dive, long, long);

enum { DEEP = 20 << 10 }; // more than the 8 MiB that are usual

static int dive_in(weft_pool *pool, size_t stack_size)
{
    long out = 0, steps = DEEP;
    weft_future *f = pool ? weft_submit(pool, dive, &steps)
                          : weft_start_as(
                                WEFT_WITH(.kind = WEFT_PROCESSES, .stack_size = stack_size), dive,
                                &steps);
    CHECK(f);
    int rc = weft_join_as(&f, dive, &out);
    CHECK(rc < 0 || out == DEEP);
    return rc;
}

static int scene_of_stacks(void)
{
    rlim_t before;
    CHECK(limit(0, RLIMIT_STACK, 8 << 20, &before) == 0);
    for (int i = 0; i < 3; i++) // the last one may be the spare
        CHECK(dive_in(NULL, 100 << 20) == 0);
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .stack_size = 64 << 20);
    CHECK(pool && dive_in(pool, 0) == 0 && dive_in(pool, 0) == 0);
    weft_pool_close(&pool);
    CHECK(SANITIZED || dive_in(NULL, 0) == -EOWNERDEAD);
    CHECK(SANITIZED || strstr(weft_error(), "SIGSEGV"));
    CHECK(squares_come(NULL, 1) == 0);
    return 0;
}

static void a_stack_is_as_large_as_asked_for(void **state)
{
    (void)state;
    assert_ends("scene_of_stacks", 0, "");
}

static void a_stack_that_none_can_have_is_refused(void **state)
{
    (void)state;
    size_t much = (size_t)1 << 46; // beyond all addresses, whatever the limits
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .stack_size = much), square,
                                   &(int){1});
    struct rlimit stack;
    assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
    if (stack.rlim_cur == RLIM_INFINITY)
        skip(); // then it is not weft that refuses
    assert_failed_with(f, -EINVAL);
    assert_non_null(strstr(weft_error(), "a stack of 70368744177664 bytes: at most"));
    assert_failed_with(weft_pool_open(WEFT_PROCESSES, .stack_size = much), -EINVAL);
    assert_int_equal(squares_come(NULL, 1), 0);
}

// ---- signals ------------------------------------------------------------------------------------

static void note_signal(int sig)
{
    (void)sig;
}

// While it starts its processes, its thread is interrupted some hundred times.
static int scene_of_signals(void)
{
    const struct sigaction action = {.sa_handler = note_signal}; // without SA_RESTART
    const struct itimerval often = {{0, 500}, {0, 500}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    return squares_come(NULL, 3);
}

static void a_program_that_gets_signals_has_processes(void **state)
{
    (void)state;
    assert_ends("scene_of_signals", 0, "");
}

// ---- no standard streams -----------------------------------------------------------------------

// Which of the three are /dev/null, as bits; those that are closed, in a result of -EBADF.
static int look_at_streams(const weft_none *none, int *nothing)
{
    (void)none;
    struct stat null, stream;
    if (stat("/dev/null", &null) < 0)
        return -errno;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fstat(fd, &stream) < 0)
            return -errno;
        *nothing |= (S_ISCHR(stream.st_mode) && stream.st_rdev == null.st_rdev) << fd;
    }
    return 0;
}
WEFT_TASK(look_at_streams, weft_none, int);

static int streams_of_a_worker(void)
{
    int nothing;
    weft_future *f = weft_start(WEFT_PROCESSES, look_at_streams, &(weft_none){0});
    return f && weft_join_as(&f, look_at_streams, &nothing) == 0 ? nothing : 100;
}

static int scene_without_input(void)
{
    close(STDIN_FILENO);
    return streams_of_a_worker();
}

static int scene_without_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        close(fd);
    return streams_of_a_worker();
}

// And not a descriptor of weft's, which would have taken the place.
static void a_stream_that_the_program_has_closed_is_nothing_in_a_worker(void **state)
{
    (void)state;
    assert_ends("scene_without_input", 1, "");
    assert_ends("scene_without_streams", 7, "");
}

static const struct scene scenes[] = {
    SCENE(scene_of_stacks),      SCENE(scene_of_no_forks),       SCENE(scene_of_the_last_worker),
    SCENE(scene_of_no_ancestor), SCENE(scene_of_many_under_way), SCENE(scene_of_a_task_behind_many),
    SCENE(scene_without_input),  SCENE(scene_without_streams),   SCENE(scene_of_signals),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_program_that_gets_signals_has_processes),
    cmocka_unit_test(a_pool_outlives_a_time_without_forks),
    cmocka_unit_test(without_its_last_worker_a_pool_fails_its_tasks),
    cmocka_unit_test(without_an_ancestor_there_is_a_clear_error),
    cmocka_unit_test(without_descriptors_there_is_a_clear_error),
    cmocka_unit_test(who_has_too_many_under_way_is_told),
    cmocka_unit_test(a_task_that_cannot_be_sent_yet_is_sent_later),
    cmocka_unit_test(a_pool_outlives_a_time_without_descriptors),
    cmocka_unit_test(an_ancestor_without_descriptors_says_so),
    cmocka_unit_test(a_worker_without_descriptors_fails_who_brings_some),
    cmocka_unit_test(a_worker_without_memory_harms_nobody_else),
    cmocka_unit_test(a_stack_is_as_large_as_asked_for),
    cmocka_unit_test(a_stack_that_none_can_have_is_refused),
    cmocka_unit_test(a_stream_that_the_program_has_closed_is_nothing_in_a_worker),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
