// SPDX-License-Identifier: MIT
// process_orphans_test.c - a program that is killed, or interrupted with all its processes,
// leaves nobody: not its ancestor, no worker, no zombie. This program uses no processes itself: it
// adopts the orphans of its scenes, and counts.
#include "process_helpers.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { WITHIN_MS = 100, TRIES = 20, STOPPED_MS = 10000 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// How many are left to us to bury until nobody is there. Who stays stopped is sent on, so that
// nobody outlives a test that fails, and is counted once more.
static int bury_orphans(void)
{
    int count = 0;
    siginfo_t orphan;
    int64_t began = now_ms();
    while (waitid(P_ALL, 0, &orphan, WEXITED | WSTOPPED | WNOWAIT | WNOHANG) == 0 &&
           (orphan.si_pid == 0 || orphan.si_code == CLD_STOPPED)) {
        if (orphan.si_pid != 0 && now_ms() - began > STOPPED_MS)
            count += kill(orphan.si_pid, SIGCONT) == 0;
        nap_ms(1);
    }
    pid_t pid;
    while ((pid = waitpid(-1, NULL, 0)) > 0 || errno == EINTR)
        count += pid > 0;
    return count;
}

// On a machine with more to do than it has cores the dying takes longer in that proportion.
static int64_t limit_ms(void)
{
    double load = 0, share;
    (void)getloadavg(&load, 1);
    share = load / weft_cores();
    return (int64_t)((double)WITHIN_MS * (share > 1 ? share : 1));
}

// One quick try is enough; that nobody stays counts each time, or waitpid does not return.
static void dies_with_all(const char *scene, int sig)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < TRIES && least > limit_ms(); i++) {
        struct ran ran;
        run_scene(scene, false, &ran);
        int64_t began = now_ms();
        bool dead = WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == sig;
        show_unless(dead && ran.out[0] == '\0' && ran.err[0] == '\0', scene, &ran);
        int count = bury_orphans();
        int64_t took = now_ms() - began;
        least = took < least ? took : least;
        assert_int_equal(count, 1); // the ancestor, which buried the workers
    }
    if (least > limit_ms())
        fail_msg("in %d tries they took %d ms or more", TRIES, (int)least);
}

static void say_nothing(const char *task, int code, const char *message, void *ctx)
{
    (void)task, (void)code, (void)message, (void)ctx;
}

static weft_pool *busy_pool(int workers)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = workers, .on_error = say_nothing);
    for (int i = 0; pool && i < workers; i++)
        (void)weft_spawn(pool, never_return, &(weft_none){0});
    return pool;
}

// Three workers of a pool and one for one task, all at work.
static weft_pool *busy_family(weft_future **alone)
{
    weft_pool *pool = busy_pool(3);
    *alone = weft_start(WEFT_PROCESSES, never_return, &(weft_none){0});
    struct weft_info infos[8];
    while (pool && *alone && weft_list(WEFT_PROCESSES, infos, 8) < 4)
        nap_ms(1);
    if (*alone)
        (void)await_begun(*alone);
    return pool;
}

static int scene_of_workers_at_work(void)
{
    weft_future *alone;
    (void)busy_family(&alone);
    raise(SIGKILL);
    return 0;
}

static int scene_of_workers_being_made(void)
{
    (void)busy_pool(8);
    raise(SIGKILL);
    return 0;
}

static int scene_of_a_stopped_worker(void)
{
    weft_future *f = weft_start(WEFT_PROCESSES, never_return, &(weft_none){0});
    if (f)
        kill(await_begun(f).pid, SIGSTOP);
    raise(SIGKILL);
    return 0;
}

// Ctrl+Z stops each process of the group; then its first is killed. Nobody but weft may send the
// others on: as the group stays what it was, the test's, the kernel does not.
static int scene_of_all_stopped(void)
{
    weft_future *alone;
    weft_pool *pool = busy_family(&alone);
    struct weft_info infos[4];
    if (!pool || !alone || weft_list(WEFT_PROCESSES, infos, 4) != 4)
        return 1;
    pid_t ancestor = ancestor_of(infos[0].pid);
    for (int i = 0; i < 4; i++)
        kill(infos[i].pid, SIGSTOP);
    kill(ancestor, SIGSTOP);
    for (int i = 0; i < 4; i++)
        while (state_of(infos[i].pid) != 'T')
            nap_ms(1);
    while (state_of(ancestor) != 'T')
        nap_ms(1);
    raise(SIGKILL);
    return 0;
}

// ---- a child that was forked while the ancestor was being started -----------------------------

static const char stops_at_first[] = "ORPHANS_STOP_AT_FIRST";

// In the program's second start: before weft has caught it.
__attribute__((constructor(101))) static void stop_at_first(void)
{
    if (getenv(stops_at_first))
        raise(SIGSTOP);
}

// Holds what it was forked with. 0: the ancestor is gone, and was buried.
static int outlive(pid_t ancestor)
{
    enum { PATIENCE_MS = 10000 };
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        if (kill(ancestor, 0) < 0)
            return 0;
        nap_ms(1);
    }
    return 1;
}

static void *fork_meanwhile(void *none)
{
    siginfo_t ancestor;
    while (waitid(P_ALL, 0, &ancestor, WSTOPPED) < 0) // until it is there
        nap_ms(1);
    if (fork() == 0)
        _exit(outlive(ancestor.si_pid));
    kill(ancestor.si_pid, SIGCONT);
    return none;
}

static int scene_of_a_fork_meanwhile(void)
{
    pthread_t thread;
    CHECK(setenv(stops_at_first, "1", 1) == 0);
    CHECK(pthread_create(&thread, NULL, fork_meanwhile, NULL) == 0);
    CHECK(busy_pool(1));
    CHECK(pthread_join(thread, NULL) == 0);
    raise(SIGKILL);
    return 0;
}

static void a_child_that_was_forked_meanwhile_keeps_nobody_alive(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_a_fork_meanwhile", false, &ran);
    show_unless(WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == SIGKILL,
                "scene_of_a_fork_meanwhile", &ran);
    int count = 0, status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR) {
        count += pid > 0;
        assert_int_equal(status, 0);
    }
    assert_int_equal(count, 2); // the ancestor, and the child after it
}

// A group of its own, as a shell gives a program: the test is not in it.
static bool is_apart(void)
{
    return setpgid(0, 0) == 0 && getpgrp() == getpid();
}

// Ctrl+C: the terminal interrupts each process of the group.
static int scene_of_an_interrupt(void)
{
    weft_future *alone;
    return is_apart() && busy_family(&alone) ? kill(0, SIGINT) : 1;
}

static volatile sig_atomic_t interrupts;
static void note_interrupt(int sig)
{
    (void)sig;
    interrupts = interrupts + 1;
}

// The program says what it means: the tasks go on until they are asked to stop.
static int scene_of_an_interrupt_that_is_handled(void)
{
    const struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    if (!is_apart() || sigaction(SIGINT, &action, NULL) < 0)
        return 1;
    weft_future *alone;
    weft_pool *pool = busy_family(&alone);
    if (!pool || !alone || kill(0, SIGINT) < 0)
        return 1;
    long out = 0;
    weft_future *other = weft_start(WEFT_PROCESSES, square, &(int){3});
    CHECK(weft_join_as(&other, square, &out) == 0 && out == 9);
    CHECK(interrupts == 1 && !weft_done(alone) && weft_list(WEFT_PROCESSES, NULL, 0) == 4);
    CHECK(weft_kill(alone) == 0 && weft_join(&alone, NULL, 0) == -EOWNERDEAD);
    weft_pool_cancel(pool); // those that have not begun
    struct weft_info infos[4];
    size_t n = weft_list(WEFT_PROCESSES, infos, 4);
    for (size_t i = 0; i < n && i < 4; i++)
        kill(infos[i].pid, SIGKILL); // else the exit waits for their tasks
    return 0;
}

// A service manager asks each process to end, and the program wants to end what it has begun. To
// whom that means nothing goes on, and the others' deaths are told as what they are.
static int scene_of_a_request_to_end(void)
{
    static const int sigs[] = {SIGTERM, SIGUSR1, SIGALRM, SIGTSTP};
    weft_future *alone;
    if (!is_apart() || signal(SIGTERM, SIG_IGN) == SIG_ERR || !busy_family(&alone))
        return 1;
    pid_t ancestor = ancestor_of(await_begun(alone).pid);
    for (size_t i = 0; i < COUNT(sigs); i++)
        CHECK(kill(ancestor, sigs[i]) == 0);
    long out = 0;
    weft_future *other = weft_start(WEFT_PROCESSES, square, &(int){3});
    CHECK(weft_join_as(&other, square, &out) == 0 && out == 9);
    CHECK(!weft_done(alone) && ancestor_of(await_begun(alone).pid) == ancestor);
    CHECK(kill(0, SIGTERM) == 0);
    CHECK(weft_join(&alone, NULL, 0) == -EOWNERDEAD && strstr(weft_error(), "SIGTERM"));
    other = weft_start(WEFT_PROCESSES, square, &(int){4});
    CHECK(weft_join_as(&other, square, &out) == 0 && out == 16);
    CHECK(kill(ancestor, 0) == 0);
    _exit(0);
}

// What the kernel does for whoever changes its user, which takes a right that the tests lack.
static int change_user(void *ctx)
{
    (void)ctx;
    return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

static int scene_of_another_user(void)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_start = change_user);
    weft_future *f = weft_submit(pool, never_return, &(weft_none){0});
    pid_t worker = await_begun(f).pid, ancestor = ancestor_of(worker);
    CHECK(ancestor > 0 && kill(ancestor, SIGKILL) == 0);
    CHECK(weft_join(&f, NULL, 0) == -EOWNERDEAD);
    bool ended = goes(worker);
    if (!ended)
        kill(worker, SIGKILL);
    weft_pool_close(&pool);
    return ended ? 0 : 1;
}

// As a filter of system calls does that was written without these two.
static int refuse_to_tell(void *ctx)
{
    (void)ctx;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = COUNT(code), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static int scene_of_a_worker_behind_a_filter(void)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_start = refuse_to_tell);
    weft_future *f = weft_submit(pool, square, &(int){3});
    long out = 0;
    CHECK(weft_join_as(&f, square, &out) == 0 && out == 9);
    weft_pool_close(&pool);
    return 0;
}

static void a_program_that_is_killed_leaves_nobody(void **state)
{
    (void)state;
    dies_with_all("scene_of_workers_at_work", SIGKILL);
}

static void nor_does_one_that_is_interrupted_with_all_its_processes(void **state)
{
    (void)state;
    dies_with_all("scene_of_an_interrupt", SIGINT);
}

static void what_an_interrupt_means_the_program_says(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_an_interrupt_that_is_handled", false, &ran);
    show_unless(ran.status == 0 && ran.out[0] == '\0' && ran.err[0] == '\0',
                "scene_of_an_interrupt_that_is_handled", &ran);
    assert_int_equal(bury_orphans(), 0);
}

static void a_request_to_end_is_the_programs_too(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_a_request_to_end", false, &ran);
    show_unless(ran.status == 0 && ran.out[0] == '\0' && ran.err[0] == '\0',
                "scene_of_a_request_to_end", &ran);
    (void)bury_orphans();
}

static void a_worker_ends_with_its_ancestor_also_as_another_user(void **state)
{
    (void)state;
    assert_ends("scene_of_another_user", 0, "");
    (void)bury_orphans();
}

static void one_that_cannot_ask_for_its_ancestor_works(void **state)
{
    (void)state;
    if (UNDER_ASAN) // whose look for leaks asks for a parent itself
        skip();
    assert_ends("scene_of_a_worker_behind_a_filter", 0, "");
}

static void nor_while_workers_are_being_made(void **state)
{
    (void)state;
    dies_with_all("scene_of_workers_being_made", SIGKILL);
}

static void nor_one_that_is_stopped(void **state)
{
    (void)state;
    dies_with_all("scene_of_a_stopped_worker", SIGKILL);
}

static void nor_one_that_is_stopped_with_all_its_processes(void **state)
{
    (void)state;
    dies_with_all("scene_of_all_stopped", SIGKILL);
}

static const struct scene scenes[] = {
    SCENE(scene_of_workers_at_work),  SCENE(scene_of_workers_being_made),
    SCENE(scene_of_a_stopped_worker), SCENE(scene_of_all_stopped),
    SCENE(scene_of_an_interrupt),     SCENE(scene_of_an_interrupt_that_is_handled),
    SCENE(scene_of_a_fork_meanwhile), SCENE(scene_of_a_request_to_end),
    SCENE(scene_of_another_user),     SCENE(scene_of_a_worker_behind_a_filter),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_program_that_is_killed_leaves_nobody),
    cmocka_unit_test(nor_while_workers_are_being_made),
    cmocka_unit_test(nor_one_that_is_stopped),
    cmocka_unit_test(nor_one_that_is_stopped_with_all_its_processes),
    cmocka_unit_test(nor_does_one_that_is_interrupted_with_all_its_processes),
    cmocka_unit_test(what_an_interrupt_means_the_program_says),
    cmocka_unit_test(a_request_to_end_is_the_programs_too),
    cmocka_unit_test(a_worker_ends_with_its_ancestor_also_as_another_user),
    cmocka_unit_test(one_that_cannot_ask_for_its_ancestor_works),
    cmocka_unit_test(a_child_that_was_forked_meanwhile_keeps_nobody_alive),
};

static int adopt(void **state)
{
    (void)state;
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int main(int argc, char **argv)
{
    if (is_scene(argc, argv))
        return play_scene(argv[2], scenes, COUNT(scenes));
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, adopt, NULL));
}
