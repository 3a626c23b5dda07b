// SPDX-License-Identifier: MIT
// exit_test.c - what happens to tasks when the program exits. Each test executes this program
// again as one scene, and looks at its output and status.
#include "net_helpers.h"

// What the program says goes to its standard output in one piece, whoever says it.
static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(99);
}

static int speak_late(const char *const *text, weft_none *none)
{
    (void)none;
    int rc = weft_sleep(weft_after_ms(50)); // long after main has returned, most of the time
    say(*text);
    return rc;
}
WEFT_TASK(speak_late, const char *, weft_none);

// Futures that nobody joins stay reachable, so that no leak is reported that is none.
static weft_future *kept[8];
static weft_future *volatile kept_grandchild; // written only, which a compiler may leave out
static weft_pool *kept_pool;
static int kept_count;

static int keep(weft_future *f)
{
    kept[kept_count++] = f;
    return f ? 0 : 1;
}

static int start(const char *text)
{
    return keep(weft_start(WEFT_THREADS, speak_late, &text));
}

// ---- tasks that were started -----------------------------------------------------------

static int run_return_from_main(void)
{
    return start("task\n");
}

static int run_exit_with_status(void)
{
    if (start("task\n") != 0)
        return 1;
    exit(7);
}

static int exit_early(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    exit(5);
}
WEFT_TASK(exit_early, weft_none, weft_none);

static int run_exit_from_a_task(void)
{
    if (start("another\n") != 0)
        return 1;
    if (keep(weft_start(WEFT_THREADS, exit_early, &(weft_none){0})) != 0)
        return 1;
    pause();
    return 1;
}

static int run_exit_from_a_pool(void)
{
    weft_pool *pool = kept_pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    if (start("another\n") != 0 || weft_spawn(pool, exit_early, &(weft_none){0}) != 0)
        return 1;
    pause();
    return 1;
}

static int start_another(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    const char *text = "grandchild\n";
    int rc = weft_sleep(weft_after_ms(30));
    say("child\n");
    kept_grandchild = weft_start(WEFT_THREADS, speak_late, &text);
    return kept_grandchild ? rc : weft_error_code();
}
WEFT_TASK(start_another, weft_none, weft_none);

static int run_task_that_starts_a_task(void)
{
    return keep(weft_start(WEFT_THREADS, start_another, &(weft_none){0}));
}

static int print_late(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    int rc = weft_sleep(weft_after_ms(50));
    printf("through stdio"); // flushed by exit, which comes later
    return rc;
}
WEFT_TASK(print_late, weft_none, weft_none);

static int run_stdio(void)
{
    return keep(weft_start(WEFT_THREADS, print_late, &(weft_none){0}));
}

static int run_open_pool(void)
{
    weft_pool *pool = kept_pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    const char *texts[] = {"1\n", "2\n", "3\n"};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (weft_spawn(pool, speak_late, &texts[i]) != 0)
            return 1;
    return 0; // with a pool that is not closed, and tasks in its queue
}

static int run_idle_pool(void)
{
    kept_pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    return kept_pool ? 0 : 1;
}

static int run_dropped(void)
{
    const char *text = "dropped\n";
    weft_future *f = weft_start(WEFT_THREADS, speak_late, &text);
    weft_drop(&f); // cancelled, but still a task that was started
    return 0;
}

static int fail_late(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    int rc = weft_sleep(weft_after_ms(30));
    return rc < 0 ? rc : weft_fail(-ENOLCK, "lost the key");
}
WEFT_TASK(fail_late, weft_none, weft_none);

static int run_failure_in_an_open_pool(void)
{
    weft_pool *pool = kept_pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    return weft_spawn(pool, fail_late, &(weft_none){0}) == 0 ? 0 : 1;
}

static void the_program_waits_for_its_tasks(void **state)
{
    (void)state;
    assert_ends("return_from_main", 0, "task\n");
    assert_ends("exit_with_status", 7, "task\n");
    assert_ends("task_that_starts_a_task", 0, "child\ngrandchild\n");
    assert_ends("stdio", 0, "through stdio");
}

static void but_not_for_the_task_that_called_exit(void **state)
{
    (void)state;
    assert_ends("exit_from_a_task", 5, "another\n");
    assert_ends("exit_from_a_pool", 5, "another\n");
}

static void it_waits_for_the_tasks_of_a_pool_left_open(void **state)
{
    (void)state;
    assert_ends("open_pool", 0, "1\n2\n3\n");
    assert_ends("idle_pool", 0, "");
}

static bool has_ended_well(const struct ran *ran)
{
    return WIFEXITED(ran->status) && WEXITSTATUS(ran->status) == 0 && ran->err[0] == '\0';
}

static void a_dropped_task_is_waited_for_until_it_noticed(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("dropped", false, &ran); // it may have ended before it began
    bool either = strcmp(ran.out, "") == 0 || strcmp(ran.out, "dropped\n") == 0;
    show_unless(either && has_ended_well(&ran), "dropped", &ran);
}

static void nobody_waits_at_a_quick_exit(void **state)
{
    (void)state;
    assert_ends("quick_exit", 3, "");
}

static void a_failure_after_main_is_still_told(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("failure_in_an_open_pool", false, &ran);
    bool told = is_one_line(ran.err) && has_all(ran.err, WORDS_("fail_late", "lost the key"));
    show_unless(told, "failure_in_an_open_pool", &ran);
}

// ---- exit by the program's own functions in a pool --------------------------------------

static void exit_when_told(const char *task, int code, const char *message, void *ctx)
{
    (void)task, (void)code, (void)message, (void)ctx;
    exit(9);
}

static int exit_at_once(void *ctx)
{
    (void)ctx;
    exit(9);
}

static int fail_late_to_start(void *ctx)
{
    (void)ctx;
    nap_ms(30);
    return -ENOLCK;
}

// Three tasks on one worker: whoever calls exit is the only one who could go on with them.
static int run_three(weft_pool *pool)
{
    kept_pool = pool;
    for (int i = 0; pool && i < 3; i++)
        if (weft_spawn(pool, fail_late, &(weft_none){0}) != 0)
            return 1;
    if (pool)
        pause();
    return 1;
}

static int run_exit_from_on_start(void)
{
    return run_three(weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = exit_at_once));
}

static int run_exit_when_on_start_failed(void)
{
    return run_three(weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = fail_late_to_start,
                                    .on_error = exit_when_told));
}

static int run_exit_when_a_task_failed(void)
{
    return run_three(weft_pool_open(WEFT_THREADS, .workers = 1, .on_error = exit_when_told));
}

static int run_exit_when_a_process_failed(void)
{
    return run_three(weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_error = exit_when_told));
}

static int run_exit_when_a_dropped_process_failed(void)
{
    weft_on_unobserved(exit_when_told, NULL);
    weft_future *f = weft_start(WEFT_PROCESSES, exit_early, &(weft_none){0});
    if (!f)
        return 1;
    weft_drop(&f);
    pause();
    return 1;
}

static void on_start_and_who_is_told_of_failures_may_end_the_program(void **state)
{
    (void)state;
    assert_ends("exit_from_on_start", 9, "");
    assert_ends("exit_when_on_start_failed", 9, "");
    assert_ends("exit_when_a_task_failed", 9, "");
    assert_ends("exit_when_a_process_failed", 9, "");
    assert_ends("exit_when_a_dropped_process_failed", 9, "");
}

// ---- what is left behind ---------------------------------------------------------------

static int nothing(const weft_none *in, weft_none *out)
{
    (void)in, (void)out;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

static int as_little(const weft_none *in, weft_none *out)
{
    return nothing(in, out);
}
WEFT_TASK(as_little, weft_none, weft_none);

static int run_leaky(void)
{
    weft_future *futures[4];
    for (size_t i = 0; i < COUNT(futures); i++)
        futures[i] = weft_start(WEFT_THREADS, nothing, &(weft_none){0});
    weft_drop(&futures[0]);
    weft_future *other = weft_start(WEFT_THREADS, as_little, &(weft_none){0});
    return other ? weft_join(&futures[1], NULL, 0) : 1; // and three are forgotten
}

static int run_leaky_once(void)
{
    return weft_start(WEFT_THREADS, nothing, &(weft_none){0}) ? 0 : 1;
}

static void under_check_futures_that_nobody_joined_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *scene, *told;
    } leaks[] = {{"leaky", "weft: 3 futures were neither joined nor dropped: 1 of as_little, "
                           "2 of nothing\n"},
                 {"leaky_once", "weft: 1 future was neither joined nor dropped: 1 of nothing\n"}};
    if (UNDER_ASAN)
        skip(); // which tells itself, and ends the program with a status of its own
    for (size_t i = 0; i < COUNT(leaks); i++) {
        struct ran ran;
        assert_ends(leaks[i].scene, 0, "");
        run_scene(leaks[i].scene, true, &ran);
        bool told = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 &&
                    strcmp(ran.err, leaks[i].told) == 0;
        show_unless(told, leaks[i].scene, &ran);
    }
}

// ---- daemons ---------------------------------------------------------------------------

static struct spot daemon_spot;

static int sleep_until_cancelled(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    arrive(&daemon_spot);
    int rc = weft_sleep(WEFT_FOREVER);
    say(rc == -ECANCELED ? "cancelled\n" : "woken\n");
    return rc;
}
WEFT_TASK(sleep_until_cancelled, weft_none, weft_none);

static int hang_for_ever(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    arrive(&daemon_spot);
    for (;;)
        pause(); // where weft cannot reach it
    return 0;
}
WEFT_TASK(hang_for_ever, weft_none, weft_none);

// Hears of the end, computes until it is lost, then calls weft again.
static atomic_bool is_lost;

static int linger(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    arrive(&daemon_spot);
    (void)weft_sleep(WEFT_FOREVER);
    while (!atomic_load(&is_lost))
        continue;
    say("computed\n");
    (void)weft_check();
    say("too late\n");
    return 0;
}
WEFT_TASK(linger, weft_none, weft_none);

#define START_DAEMON(fn) \
    (keep(weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .daemon = true), fn, &(weft_none){0})) == 0)

static int run_quick_exit(void)
{
    if (keep(weft_start(WEFT_THREADS, sleep_until_cancelled, &(weft_none){0})) != 0)
        return 1;
    await_asleep(&daemon_spot);
    _exit(3);
}

static int run_sleeping_daemon(void)
{
    if (!START_DAEMON(sleep_until_cancelled))
        return 1;
    await_asleep(&daemon_spot);
    return 4;
}

static int run_daemon_and_task(void)
{
    if (!START_DAEMON(sleep_until_cancelled))
        return 1;
    await_asleep(&daemon_spot);
    return start("task\n"); // is waited for first, while the daemon may still work
}

static int run_hanging_daemon(void)
{
    if (!START_DAEMON(hang_for_ever))
        return 1;
    await_asleep(&daemon_spot);
    return 6;
}

static void keep_alive(void)
{
    atomic_store(&is_lost, true);
    await_asleep(&daemon_spot);
}

static int run_lingering_daemon(void)
{
    // Registered before weft's own handler, and so run after it.
    if (atexit(keep_alive) != 0 || !START_DAEMON(linger))
        return 1;
    await_asleep(&daemon_spot);
    return 0;
}

static int exit_as_daemon(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    exit(8);
}
WEFT_TASK(exit_as_daemon, weft_none, weft_none);

static int run_daemon_that_exits(void)
{
    if (start("task\n") != 0 || !START_DAEMON(exit_as_daemon))
        return 1;
    pause();
    return 1;
}

// One that gets no core in the 100 ms that it has is lost before it hears of the end, and says only
// what it says `unheard`: then once more.
static void assert_hears(const char *name, int status, const char *unheard, const char *out)
{
    struct ran ran;
    int tries = 0;
    do
        run_scene(name, false, &ran);
    while (strcmp(ran.out, unheard) == 0 && ++tries < 10);
    bool good = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == status &&
                strcmp(ran.out, out) == 0 && ran.err[0] == '\0';
    show_unless(good, name, &ran);
}

static void a_daemon_is_cancelled_and_may_say_goodbye(void **state)
{
    (void)state;
    assert_hears("sleeping_daemon", 4, "", "cancelled\n");
    assert_hears("daemon_and_task", 0, "task\n", "task\ncancelled\n");
}

static void a_daemon_that_does_not_listen_is_left_behind(void **state)
{
    (void)state;
    assert_ends("hanging_daemon", 6, "");
}

static void a_daemon_that_comes_too_late_is_parked(void **state)
{
    (void)state;
    assert_hears("lingering_daemon", 0, "", "computed\n");
}

static void a_daemon_may_end_the_program(void **state)
{
    (void)state;
    assert_ends("daemon_that_exits", 8, "task\n");
}

// ---- calls of weft in handlers of atexit -----------------------------------------------

static void use_weft_late(void)
{
    weft_future *f = weft_start(WEFT_THREADS, print_late, &(weft_none){0});
    int rc = f ? weft_join(&f, NULL, 0) : weft_error_code();
    say(rc == 0 ? "worked\n" : "refused\n"); // either will do, hanging will not
}

static int run_handler_that_uses_weft(void)
{
    if (atexit(use_weft_late) != 0)
        return 1;
    return start("task\n");
}

static void a_handler_that_uses_weft_does_not_hang(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("handler_that_uses_weft", false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0, "handler_that_uses_weft",
                &ran);
}

// ---- what was posted last -----------------------------------------------------------

static struct link farewell;

static void say_what_came(void)
{
    char buf[16] = "";
    if (recv(farewell.peer, buf, sizeof buf - 1, MSG_DONTWAIT) >= 0)
        say(buf);
}

static int post_and_exit(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    exit(weft_post(farewell.ours, "bye", 3));
}
WEFT_TASK(post_and_exit, weft_none, weft_none);

static int run_post_and_exit(void)
{
    CHECK(atexit(say_what_came) == 0); // called after weft's own
    farewell = link_up();
    weft_future *f = weft_start(KIND, post_and_exit, &(weft_none){0});
    return weft_join(&f, NULL, 0);
}

static void what_was_posted_before_an_exit_is_sent(void **state)
{
    (void)state;
    if (!getenv("WEFT_FAULT")) // what the socket does not take is not waited for
        assert_ends("post_and_exit", 0, "bye");
}

static const struct scene scenes[] = {
    {"post_and_exit", run_post_and_exit},
    {"leaky", run_leaky},
    {"leaky_once", run_leaky_once},
    {"return_from_main", run_return_from_main},
    {"exit_with_status", run_exit_with_status},
    {"exit_from_a_task", run_exit_from_a_task},
    {"exit_from_a_pool", run_exit_from_a_pool},
    {"task_that_starts_a_task", run_task_that_starts_a_task},
    {"stdio", run_stdio},
    {"open_pool", run_open_pool},
    {"idle_pool", run_idle_pool},
    {"dropped", run_dropped},
    {"quick_exit", run_quick_exit},
    {"failure_in_an_open_pool", run_failure_in_an_open_pool},
    {"exit_from_on_start", run_exit_from_on_start},
    {"exit_when_on_start_failed", run_exit_when_on_start_failed},
    {"exit_when_a_task_failed", run_exit_when_a_task_failed},
    {"exit_when_a_process_failed", run_exit_when_a_process_failed},
    {"exit_when_a_dropped_process_failed", run_exit_when_a_dropped_process_failed},
    {"sleeping_daemon", run_sleeping_daemon},
    {"daemon_and_task", run_daemon_and_task},
    {"hanging_daemon", run_hanging_daemon},
    {"lingering_daemon", run_lingering_daemon},
    {"daemon_that_exits", run_daemon_that_exits},
    {"handler_that_uses_weft", run_handler_that_uses_weft},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_program_waits_for_its_tasks),
    cmocka_unit_test(but_not_for_the_task_that_called_exit),
    cmocka_unit_test(it_waits_for_the_tasks_of_a_pool_left_open),
    cmocka_unit_test(a_dropped_task_is_waited_for_until_it_noticed),
    cmocka_unit_test(nobody_waits_at_a_quick_exit),
    cmocka_unit_test(a_failure_after_main_is_still_told),
    cmocka_unit_test(on_start_and_who_is_told_of_failures_may_end_the_program),
    cmocka_unit_test(under_check_futures_that_nobody_joined_are_told),
    cmocka_unit_test(a_daemon_is_cancelled_and_may_say_goodbye),
    cmocka_unit_test(a_daemon_that_does_not_listen_is_left_behind),
    cmocka_unit_test(a_daemon_that_comes_too_late_is_parked),
    cmocka_unit_test(a_daemon_may_end_the_program),
    cmocka_unit_test(a_handler_that_uses_weft_does_not_hang),
    cmocka_unit_test(what_was_posted_before_an_exit_is_sent),
};

int main(int argc, char **argv)
{
    if (is_scene(argc, argv))
        return play_scene(argv[2], scenes, COUNT(scenes));
    unsetenv("WEFT_CHECK"); // which would report the futures that are left behind here on purpose
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
