// SPDX-License-Identifier: MIT
// engines_test.c - how loops wait for descriptors is chosen by what the kernel allows: refused
// io_uring, as containers do it, they wait by epoll, serve as ever, and say so once where they are
// asked to be strict. Where the library has no io_uring, or is told not to use it, there is nothing
// to refuse, and the tests are skipped. Refused later, when fibers wait by it, they abort. And by
// what a system call costs, where nobody has said what they are to wait by.
#include "bad_days.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#define __NR_io_uring_enter 426
#endif

// ---- scenes -------------------------------------------------------------------------------

// From here on this call fails so, on all threads.
static int refuse(int call, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = COUNT(code), .filter = code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static int refuse_io_uring(unsigned error)
{
    CHECK(refuse(__NR_io_uring_setup, error) == 0);
    CHECK(syscall(__NR_io_uring_setup, 1, NULL) == -1 && errno == (int)error);
    return 0;
}

// How long the call takes by which the library finds out what one costs. 0: no time, not even that
// of a look at the clock, which takes a sanitizer long on a slow machine.
static int64_t call_takes_ns;
static int calls_timed;

pid_t __wrap_getppid(void);
pid_t __wrap_getppid(void)
{
    calls_timed++;
    if (call_takes_ns == 0)
        return 1;
    weft_time begin = weft_now();
    while (weft_now().ns - begin.ns < call_takes_ns)
        ;
    return 1;
}

// The system has no watch left, for whatever is to be told by epoll.
static bool no_watches;

int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    if (!no_watches || what != EPOLL_CTL_ADD)
        return __real_epoll_ctl(epoll, what, fd, event);
    errno = ENOSPC;
    return -1;
}

static int rings(void)
{
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    for (struct dirent *d; all && (d = readdir(all));) {
        char target[64] = "";
        (void)!readlinkat(dirfd(all), d->d_name, target, sizeof target - 1);
        count += strcmp(target, "anon_inode:[io_uring]") == 0;
    }
    if (all)
        closedir(all);
    return count;
}

// Loops come and go.
static int serve_a_few(int *used)
{
    for (int i = 0; i < 3; i++) {
        struct server s;
        server_open(&s, echo_lines);
        assert_serves(&s);
        weft_conn *c = weft_connect(weft_listener_address(s.listener), much_later());
        char line[8];
        CHECK(c && weft_write(c, "again\n", 6, much_later()) == 0);
        CHECK(weft_read_line(c, line, sizeof line, much_later()) == 5);
        weft_conn_close(&c);
        *used = rings();
        server_close(&s);
    }
    return 0;
}

static int run_as_it_likes(void)
{
    int used = 0, rc = serve_a_few(&used);
    printf("%s\n", used > 0 ? "io_uring" : "epoll");
    return rc;
}

static int run_where_a_call_takes(int64_t ns)
{
    call_takes_ns = ns;
    CHECK(unsetenv("WEFT_IO") == 0);
    return run_as_it_likes();
}

static int run_with_dear_calls(void)
{
    return run_where_a_call_takes(2000);
}

static int run_with_cheap_calls(void)
{
    return run_where_a_call_takes(0);
}

static int set_most_descriptors(rlim_t most)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = most;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

// With `room` descriptors there is a pool or none, but no ring: by the next loop there may be.
static int run_after_a_shortage(void)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int room = 0; room < 3; room++) {
        int next = dup(STDERR_FILENO);
        CHECK(next >= 0 && close(next) == 0);
        CHECK(set_most_descriptors((rlim_t)(next + room)) == 0);
        weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
        CHECK(pool ? room == 2 : weft_error_code() == -EMFILE);
        CHECK(rings() == 0);
        weft_pool_close(&pool);
        CHECK(set_most_descriptors(limit.rlim_cur) == 0);
    }
    return run_with_dear_calls();
}

// There is nothing to wait by then, so there is no loop; and there is one once there are watches.
static int run_without_watches(void)
{
    CHECK(unsetenv("WEFT_IO") == 0);
    no_watches = true;
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    CHECK(!pool && weft_error_code() == -ENOSPC);
    no_watches = false;
    return run_as_it_likes();
}

static int run_refused(unsigned error)
{
    int used = 0, rc = refuse_io_uring(error);
    if (rc == 0)
        rc = serve_a_few(&used);
    CHECK(used == 0);
    return rc;
}

static int run_forbidden(void)
{
    return run_refused(EPERM);
}

// The filter may know none of the calls that only tell what one costs.
static int run_forbidden_by_itself(void)
{
    CHECK(unsetenv("WEFT_IO") == 0);
    int rc = run_refused(EPERM);
    CHECK(calls_timed == 0);
    return rc;
}

static int run_unknown(void)
{
    return run_refused(ENOSYS);
}

static int run_another_word(void)
{
    CHECK(setenv("WEFT_IO", "kqueue", 1) == 0);
    int used = 0;
    return serve_a_few(&used);
}

// The fiber sleeps when its loop's ring is taken from it, and is to sleep again.
static int sleep_twice(const weft_none *none, weft_none *result)
{
    (void)none, (void)result;
    return weft_sleep(weft_after_ms(200)) < 0 ? -1 : weft_sleep(weft_after_ms(100));
}
WEFT_TASK(sleep_twice, weft_none, weft_none);

static int run_forbidden_later(void)
{
    weft_future *f = weft_start(WEFT_FIBERS, sleep_twice, &(weft_none){0});
    CHECK(f && weft_sleep(weft_after_ms(20)) == 0);
    CHECK(refuse(__NR_io_uring_enter, EPERM) == 0);
    return weft_join(&f, NULL, 0);
}

// As daemon() once was written: everything but the standard ones.
static int run_closed_later(void)
{
    weft_future *f = weft_start(WEFT_FIBERS, sleep_twice, &(weft_none){0});
    CHECK(f && weft_sleep(weft_after_ms(20)) == 0);
    closefrom(3);
    return weft_join(&f, NULL, 0);
}

static int run_closed_later_with_epoll(void)
{
    CHECK(setenv("WEFT_IO", "epoll", 1) == 0);
    return run_closed_later();
}

// ---- tests --------------------------------------------------------------------------------

static bool takes_io_uring(const char *scene)
{
    struct ran ran;
    run_scene(scene, false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 && ran.err[0] == '\0', scene,
                &ran);
    return strcmp(ran.out, "io_uring\n") == 0;
}

static bool uses_io_uring(void)
{
    return takes_io_uring("run_as_it_likes");
}

static void by_itself_it_takes_io_uring_where_calls_are_dear(void **state)
{
    (void)state;
    assert_false(takes_io_uring("run_with_cheap_calls"));
    if (!uses_io_uring())
        skip();
    assert_true(takes_io_uring("run_with_dear_calls"));
}

static void a_ring_that_was_lacking_once_is_asked_for_again(void **state)
{
    (void)state;
    if (!takes_io_uring("run_with_dear_calls"))
        skip();
    assert_true(takes_io_uring("run_after_a_shortage"));
}

static void an_engine_that_cannot_be_had_is_no_loop(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("run_without_watches", false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0, "run_without_watches", &ran);
}

static void expect_words(const char *scene, const char *words)
{
    char line[160];
    struct ran ran;
    snprintf(line, sizeof line, "weft: io_uring is not available (%s): fibers wait by epoll\n",
             words);
    run_scene(scene, true, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 &&
                    strcmp(ran.err, line) == 0 && ran.out[0] == '\0',
                scene, &ran);
    assert_ends(scene, 0, ""); // and silently otherwise
}

static void refused_by_a_filter_it_falls_back_and_says_so_once(void **state)
{
    (void)state;
    if (!uses_io_uring())
        skip();
    expect_words("run_forbidden", "Operation not permitted");
    expect_words("run_forbidden_by_itself", "Operation not permitted");
}

static void a_kernel_without_it_is_as_good(void **state)
{
    (void)state;
    if (!uses_io_uring())
        skip();
    expect_words("run_unknown", "Function not implemented");
}

// Whatever the library is built with.
static void refused_or_not_it_serves(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("run_forbidden", false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0, "run_forbidden", &ran);
}

static void another_word_than_an_engines_aborts(void **state)
{
    (void)state;
    assert_aborts("run_another_word", "WEFT_IO=kqueue", "neither uring nor epoll");
}

static void refused_when_fibers_wait_by_it_it_aborts(void **state)
{
    (void)state;
    assert_aborts("run_closed_later_with_epoll", "epoll, by which fibers wait",
                  "Bad file descriptor");
    if (!uses_io_uring())
        skip();
    assert_aborts("run_forbidden_later", "io_uring, by which fibers wait",
                  "Operation not permitted");
    assert_aborts("run_closed_later", "eventfd, by which fibers wait", "Bad file descriptor");
}

static const struct scene scenes[] = {
    SCENE(run_another_word),        SCENE(run_as_it_likes),
    SCENE(run_closed_later),        SCENE(run_closed_later_with_epoll),
    SCENE(run_forbidden),           SCENE(run_forbidden_later),
    SCENE(run_forbidden_by_itself), SCENE(run_unknown),
    SCENE(run_with_cheap_calls),    SCENE(run_with_dear_calls),
    SCENE(run_without_watches),     SCENE(run_after_a_shortage),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(by_itself_it_takes_io_uring_where_calls_are_dear),
    cmocka_unit_test(a_ring_that_was_lacking_once_is_asked_for_again),
    cmocka_unit_test(an_engine_that_cannot_be_had_is_no_loop),
    cmocka_unit_test(refused_or_not_it_serves),
    cmocka_unit_test(refused_by_a_filter_it_falls_back_and_says_so_once),
    cmocka_unit_test(a_kernel_without_it_is_as_good),
    cmocka_unit_test(another_word_than_an_engines_aborts),
    cmocka_unit_test(refused_when_fibers_wait_by_it_it_aborts),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
