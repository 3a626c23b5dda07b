// SPDX-License-Identifier: MIT
// process_test.c - weft_start(WEFT_PROCESSES): one task, in a process of its own.
#include "process_helpers.h"

#include <sys/prctl.h>

// ---- results -----------------------------------------------------------------------------

static void the_result_comes_back(void **state)
{
    (void)state;
    long out = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){7});
    assert_non_null(f);
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    assert_int_equal(out, 49);
}

static int fail_with(const int *code, weft_none *none)
{
    (void)none;
    return weft_fail(*code, "number %d, as asked", *code);
}
WEFT_TASK(fail_with, int, weft_none);

static int return_code(const int *code, weft_none *none)
{
    (void)none;
    return *code;
}
WEFT_TASK(return_code, int, weft_none);

static void a_failure_comes_back_with_its_message(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_PROCESSES, fail_with, &(int){-EDOM});
    struct weft_info info;
    assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
    weft_inspect(f, &info);
    assert_int_equal(info.exit_code, SANITIZED ? info.exit_code : 1);
    assert_int_equal(weft_join(&f, NULL, 0), -EDOM);
    assert_string_equal(weft_error(), "number -33, as asked");
    f = weft_start(WEFT_PROCESSES, return_code, &(int){-ENOENT});
    assert_int_equal(weft_join(&f, NULL, 0), -ENOENT);
    assert_string_equal(weft_error(), "return_code: No such file or directory");
}

struct large {
    unsigned char bytes[1 << 20];
};

static int turn_round(const struct large *in, struct large *out)
{
    for (size_t i = 0; i < sizeof in->bytes; i++)
        out->bytes[i] = in->bytes[sizeof in->bytes - 1 - i];
    return 0;
}
WEFT_TASK(turn_round, struct large, struct large);

static void an_argument_may_be_large(void **state)
{
    (void)state;
    static struct large in, out;
    for (size_t i = 0; i < sizeof in.bytes; i++)
        in.bytes[i] = (unsigned char)(i * 7);
    weft_future *f = weft_start(WEFT_PROCESSES, turn_round, &in);
    assert_int_equal(weft_join_as(&f, turn_round, &out), 0);
    for (size_t i = 0; i < sizeof in.bytes; i++)
        assert_int_equal(out.bytes[i], in.bytes[sizeof in.bytes - 1 - i]);
}

enum { COARSE = 1 << 16 }; // more than a page

struct coarse {
    _Alignas(COARSE) char text[COARSE];
};

static int look_where(const struct coarse *in, struct coarse *out)
{
    if ((uintptr_t)in % COARSE != 0 || (uintptr_t)out % COARSE != 0)
        return weft_fail(-EFAULT, "at %p and %p", (const void *)in, (void *)out);
    *out = *in;
    return 0;
}
WEFT_TASK(look_where, struct coarse, struct coarse);

static void an_argument_lies_where_its_type_wants_it(void **state)
{
    (void)state;
    static const struct coarse in = {.text = "here"};
    static struct coarse out;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    for (int i = 0; i < 8; i++) {
        weft_future *f = i % 2 == 0 ? weft_start(WEFT_PROCESSES, look_where, &in)
                                    : weft_submit(pool, look_where, &in);
        memset(&out, 0, sizeof out);
        assert_int_equal(weft_join_as(&f, look_where, &out), 0);
        assert_string_equal(out.text, "here");
    }
    weft_pool_close(&pool);
}

// ---- what a worker is --------------------------------------------------------------------

static int global = 1;

static int read_global(const weft_none *none, int *out)
{
    (void)none;
    *out = global++;
    return 0;
}
WEFT_TASK(read_global, weft_none, int);

static void globals_have_their_initial_values(void **state)
{
    (void)state;
    global = 100;
    for (int i = 0; i < 2; i++) {
        int out = 0;
        weft_future *f = weft_start(WEFT_PROCESSES, read_global, &(weft_none){0});
        assert_int_equal(weft_join_as(&f, read_global, &out), 0);
        assert_int_equal(out, 1);
    }
    assert_int_equal(global, 100);
}

struct self {
    pid_t pid, parent;
    char comm[16];
    int open; // descriptors beyond the standard ones
};

static int look_at_self(const weft_none *none, struct self *out)
{
    (void)none;
    out->pid = getpid();
    out->parent = getppid();
    (void)prctl(PR_GET_NAME, out->comm);
    for (int fd = 3; fd < 256; fd++)
        out->open += fcntl(fd, F_GETFD) >= 0;
    return 0;
}
WEFT_TASK(look_at_self, weft_none, struct self);

static void it_is_another_process_and_has_little_of_ours(void **state)
{
    (void)state;
    int extra = open("/dev/null", O_RDONLY); // not closed by exec
    struct self out = {0};
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .name = "looker"),
                                   look_at_self, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, look_at_self, &out), 0);
    assert_true(out.pid > 0 && out.pid != getpid() && out.parent != getpid());
    assert_string_equal(out.comm, "looker");
    assert_true(out.open <= 3); // its socket, the bell, and the place of the arena
    close(extra);
}

static int speak(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    printf("spoken once"); // without a newline: the stream is flushed for it
    return 0;
}
WEFT_TASK(speak, weft_none, weft_none);

static int scene_of_output(void)
{
    printf("before, ");
    fflush(stdout);
    weft_future *f = weft_start(WEFT_PROCESSES, speak, &(weft_none){0});
    if (!f || weft_join(&f, NULL, 0) != 0)
        return 1;
    printf(", after");
    return 0;
}

static void output_comes_before_the_result_and_once(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_output", false, &ran);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "before, spoken once, after");
}

static int mains(void)
{
    FILE *log = fopen(getenv("WEFT_TEST_MAINS"), "a");
    if (log) {
        fputs("main\n", log);
        fclose(log);
    }
    return log ? 0 : 1;
}

static int scene_of_mains(void)
{
    if (mains() != 0)
        return 1;
    for (int i = 0; i < 3; i++) {
        long out;
        weft_future *f = weft_start(WEFT_PROCESSES, square, &i);
        if (!f || weft_join_as(&f, square, &out) != 0)
            return 1;
    }
    return 0;
}

static void main_never_runs_twice(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-mains-XXXXXX", text[64] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    setenv("WEFT_TEST_MAINS", path, 1);
    struct ran ran;
    run_scene("scene_of_mains", false, &ran);
    unsetenv("WEFT_TEST_MAINS");
    unlink(path);
    assert_int_equal(ran.status, 0);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, "main\n");
    close(fd);
}

// ---- who is there ------------------------------------------------------------------------

static int sleep_long(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(sleep_long, weft_none, weft_none);

static void read_name(pid_t pid, char name[16])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "re");
    assert_true(f && fgets(name, 16, f));
    name[strcspn(name, "\n")] = '\0';
    fclose(f);
}

static void its_ancestor_has_a_name(void **state)
{
    (void)state;
    char name[16];
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .name = "sleeper"), sleep_long,
                                   &(weft_none){0});
    read_name(ancestor_of(await_begun(f).pid), name);
    assert_string_equal(name, "weft-ancestor");
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
}

static void it_is_listed_and_described(void **state)
{
    (void)state;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .name = "sleeper"), sleep_long,
                                   &(weft_none){0});
    struct weft_info infos[4], info = await_begun(f);
    assert_string_equal(info.name, "sleeper");
    assert_int_equal(info.kind, WEFT_PROCESSES);
    assert_true(info.alive && info.pid > 0 && info.pid != getpid());
    assert_int_equal(weft_list(WEFT_PROCESSES, infos, 4), 1);
    assert_int_equal(infos[0].pid, info.pid);
    assert_string_equal(infos[0].name, "sleeper");
    assert_int_equal(infos[0].id, info.id);
    weft_cancel(f);
    assert_int_equal(weft_wait(f, much_later()), 0);
    weft_inspect(f, &info);
    assert_false(info.alive);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_int_equal(weft_list(WEFT_PROCESSES, infos, 4), 0);
}

static int tell_self(const weft_none *none, struct weft_info *out)
{
    (void)none;
    weft_self(out);
    return 0;
}
WEFT_TASK(tell_self, weft_none, struct weft_info);

// On both sides it is the same one.
static struct weft_info self_of(weft_future *f)
{
    struct weft_info here, there = {.id = 0};
    assert_non_null(f);
    assert_int_equal(weft_wait(f, much_later()), 0);
    weft_inspect(f, &here);
    assert_int_equal(weft_join_as(&f, tell_self, &there), 0);
    assert_int_equal(there.kind, WEFT_PROCESSES);
    assert_int_equal(there.id, here.id);
    assert_int_equal(there.daemon, here.daemon);
    assert_true(there.alive && there.pid != getpid() && there.pid == there.tid);
    assert_true(here.pid == there.pid || here.pid == 0);
    assert_false(here.alive);
    return here;
}

static void a_task_knows_itself_as_the_program_knows_it(void **state)
{
    (void)state;
    enum { N = 3 };
    struct weft_info infos[2 * N];
    weft_pool *pool = pool_of(2);
    for (int i = 0; i < N; i++) {
        bool daemon = i == 1;
        infos[2 * i] = self_of(weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .daemon = daemon),
                                             tell_self, &(weft_none){0}));
        assert_int_equal(infos[2 * i].daemon, daemon);
        assert_true(infos[2 * i].pid > 0); // it has ended, and is still known
        infos[2 * i + 1] = self_of(weft_submit(pool, tell_self, &(weft_none){0}));
    }
    for (int i = 0; i < 2 * N; i++)
        for (int k = 0; k < i; k++)
            assert_true(infos[i].id != infos[k].id);
    weft_pool_close(&pool);
}

static int count_itself(const weft_none *none, int *out)
{
    (void)none;
    struct weft_info infos[4];
    *out = (int)weft_list(WEFT_PROCESSES, infos, 4) + 10 * (int)weft_list(WEFT_THREADS, infos, 4);
    return 0;
}
WEFT_TASK(count_itself, weft_none, int);

static void a_worker_lists_what_it_has_started_itself(void **state)
{
    (void)state;
    int out = -1;
    weft_future *f = weft_start(WEFT_PROCESSES, count_itself, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, count_itself, &out), 0);
    assert_int_equal(out, 0);
}

// ---- stopped, and killed -----------------------------------------------------------------

static int compute_until_asked(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    int rc;
    while ((rc = weft_check()) == 0)
        continue;
    return rc;
}
WEFT_TASK(compute_until_asked, weft_none, weft_none);

static void a_request_to_stop_reaches_who_sleeps_and_who_computes(void **state)
{
    (void)state;
    // A thread sanitizer holds a signal back from who computes and calls nothing that it knows.
    for (int late = 0; late < (UNDER_TSAN ? 0 : 2); late++) {
        weft_future *sleeps = weft_start(WEFT_PROCESSES, sleep_long, &(weft_none){0});
        weft_future *computes = weft_start(WEFT_PROCESSES, compute_until_asked, &(weft_none){0});
        if (late)
            (void)await_begun(computes), nap_ms(20);
        weft_cancel(sleeps);
        weft_cancel(computes);
        assert_int_equal(weft_join(&sleeps, NULL, 0), -ECANCELED);
        assert_int_equal(weft_join(&computes, NULL, 0), -ECANCELED);
    }
}

static void a_request_to_stop_reaches_who_sleeps(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_PROCESSES, sleep_long, &(weft_none){0});
    (void)await_begun(f);
    nap_ms(20);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
}

static void one_that_is_killed_fails_alone(void **state)
{
    (void)state;
    long out = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, sleep_long, &(weft_none){0});
    weft_future *other = weft_start(WEFT_PROCESSES, square, &(int){3});
    assert_int_equal(weft_kill(f), 0);
    assert_int_equal(weft_wait(f, much_later()), 0);
    struct weft_info info;
    weft_inspect(f, &info);
    assert_int_equal(info.exit_code, -SIGKILL);
    assert_int_equal(weft_kill(f), 0); // ended long ago
    assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
    assert_non_null(strstr(weft_error(), "SIGKILL"));
    assert_non_null(strstr(weft_error(), "(sleep_long)"));
    assert_int_equal(weft_join_as(&other, square, &out), 0);
    assert_int_equal(out, 9);
}

static void each_way_to_die_is_named(void **state)
{
    (void)state;
    for (int how = 0; how < DEATHS; how++) {
        weft_future *f = weft_start(WEFT_PROCESSES, die, &how);
        assert_non_null(f);
        assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
        assert_death_is_named(how);
    }
}

// ---- descriptors travel ------------------------------------------------------------------

struct stream {
    weft_end out;
    int count;
};

static int count_up(const struct stream *stream, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_end_close) weft_end out = stream->out;
    for (int i = 0; i < stream->count; i++) {
        int rc = weft_send(out, &i, sizeof i, WEFT_FOREVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}
WEFT_TASK(count_up, struct stream, weft_none, .ends = {WEFT_END(struct stream, out)});

static void an_end_of_a_pipe_moves_with_the_task(void **state)
{
    (void)state;
    weft_end ours;
    struct stream stream = {.count = 1000};
    assert_int_equal(weft_pipe(&ours, &stream.out), 0);
    weft_future *f = weft_start(WEFT_PROCESSES, count_up, &stream);
    assert_non_null(f);
    int got, count = 0;
    while (weft_recv(ours, &got, sizeof got, much_later()) == sizeof got)
        assert_int_equal(got, count++);
    assert_int_equal(weft_error_code(), -EPIPE); // no copy of its end is left open
    assert_int_equal(count, 1000);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_end_close(&ours);
}

// ---- what does not travel ----------------------------------------------------------------

struct letter {
    long number; // behind an int there would be four bytes that may hold anything
    const char *text;
};

static int read_letter(const struct letter *letter, weft_none *none)
{
    (void)none;
    return (int)letter->number;
}
WEFT_TASK(read_letter, struct letter, weft_none);

static int read_note(const struct letter *letter, weft_none *none)
{
    (void)none;
    return (int)letter->number;
}
WEFT_TASK(read_note, struct letter, weft_none);

static int send_letter(const char *text)
{
    weft_future *f = weft_start(WEFT_PROCESSES, read_letter, &(struct letter){1, text});
    return f ? weft_join(&f, NULL, 0) : -1;
}

static int scene_of_a_pointer(void)
{
    return send_letter("hello") == 1 && send_letter("hello again") == 1 ? 0 : 1;
}

static int scene_of_a_heap(void)
{
    char *text = strdup("hello");
    int rc = send_letter(text);
    free(text);
    return rc == 1 ? 0 : 1;
}

static int scene_of_a_stack(void)
{
    char text[8] = "hello";
    return send_letter(text) == 1 ? 0 : 1;
}

static int scene_of_two_letters(void)
{
    weft_future *f = weft_start(WEFT_PROCESSES, read_note, &(struct letter){1, "hello"});
    return send_letter("hello") == 1 && weft_join(&f, NULL, 0) == 1 ? 0 : 1;
}

// It goes on, for the check may be wrong; and without it nothing is said.
static void says_of_a_pointer(const char *scene, const char *of)
{
    struct ran ran;
    run_scene(scene, false, &ran);
    show_unless(ran.status == 0 && ran.err[0] == '\0', scene, &ran);
    run_scene(scene, true, &ran);
    bool is_said = has_all(ran.err, WORDS_("weft: read_letter: byte 8 of its argument holds", of));
    show_unless(ran.status == 0 && is_one_line(ran.err) && is_said, scene, &ran);
}

static void a_pointer_in_an_argument_is_told_of_once_under_check(void **state)
{
    (void)state;
    says_of_a_pointer("scene_of_a_pointer", "in the code or data of");
    if (!SANITIZED) { // whose heap and stacks are elsewhere
        says_of_a_pointer("scene_of_a_heap", "in the heap of");
        says_of_a_pointer("scene_of_a_stack", "in a stack of");
    }
    struct ran ran;
    run_scene("scene_of_two_letters", true, &ran);
    show_unless(ran.status == 0 && has_all(ran.err, WORDS_("read_letter: byte 8", "read_note: b")),
                "scene_of_two_letters", &ran);
}

// ---- at exit -----------------------------------------------------------------------------

static int write_late(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    nap_ms(100);
    printf("late");
    return 0;
}
WEFT_TASK(write_late, weft_none, weft_none);

static int scene_of_waiting(void)
{
    weft_future *f = weft_start(WEFT_PROCESSES, write_late, &(weft_none){0});
    weft_drop(&f); // asks it to stop, which it does not notice
    return 0;
}

static int scene_of_daemon(void)
{
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .daemon = true), sleep_long,
                                   &(weft_none){0});
    printf("%d", (int)await_begun(f).pid);
    weft_drop(&f);
    return 0;
}

static void the_program_waits_for_it_unless_it_is_a_daemon(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_waiting", false, &ran);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "late");
    run_scene("scene_of_daemon", false, &ran);
    assert_int_equal(ran.status, 0);
    assert_true(is_gone((pid_t)atoi(ran.out)));
    assert_string_equal(ran.err, "");
}

static const struct scene scenes[] = {
    SCENE(scene_of_output),  SCENE(scene_of_mains),   SCENE(scene_of_a_pointer),
    SCENE(scene_of_a_heap),  SCENE(scene_of_a_stack), SCENE(scene_of_two_letters),
    SCENE(scene_of_waiting), SCENE(scene_of_daemon),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_result_comes_back),
    cmocka_unit_test(a_failure_comes_back_with_its_message),
    cmocka_unit_test(an_argument_may_be_large),
    cmocka_unit_test(an_argument_lies_where_its_type_wants_it),
    cmocka_unit_test(globals_have_their_initial_values),
    cmocka_unit_test(it_is_another_process_and_has_little_of_ours),
    cmocka_unit_test(output_comes_before_the_result_and_once),
    cmocka_unit_test(main_never_runs_twice),
    cmocka_unit_test(its_ancestor_has_a_name),
    cmocka_unit_test(it_is_listed_and_described),
    cmocka_unit_test(a_task_knows_itself_as_the_program_knows_it),
    cmocka_unit_test(a_worker_lists_what_it_has_started_itself),
    cmocka_unit_test(a_request_to_stop_reaches_who_sleeps_and_who_computes),
    cmocka_unit_test(a_request_to_stop_reaches_who_sleeps),
    cmocka_unit_test(one_that_is_killed_fails_alone),
    cmocka_unit_test(each_way_to_die_is_named),
    cmocka_unit_test(an_end_of_a_pipe_moves_with_the_task),
    cmocka_unit_test(a_pointer_in_an_argument_is_told_of_once_under_check),
    cmocka_unit_test(the_program_waits_for_it_unless_it_is_a_daemon),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
