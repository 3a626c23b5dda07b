// SPDX-License-Identifier: MIT
// address_test.c - names: what the resolver answers, or does not. connect_test.c has hosts with
// several addresses.
#include "fork_tsan.h"
#include "resolver.h"

static const struct {
    int error, system_error, code;
} answers[] = {
    {EAI_NONAME, 0, -ENOENT},      {EAI_AGAIN, 0, -EAGAIN},
    {EAI_FAIL, 0, -ENOENT},        {EAI_MEMORY, 0, -ENOMEM},
    {EAI_FAMILY, 0, -ENOENT},      {EAI_SYSTEM, EMFILE, -EMFILE},
    {EAI_SYSTEM, ENFILE, -ENFILE}, {EAI_SYSTEM, EIO, -EIO},
    {EAI_SYSTEM, 0, -EAGAIN},                                    // not told
    {EAI_NONAME, EMFILE, -EMFILE}, {EAI_AGAIN, ENFILE, -ENFILE}, // glibc without a descriptor
};

static void what_the_resolver_says_is_the_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        resolver.error = answers[i].error;
        resolver.system_error = answers[i].system_error;
        assert_failed_with(weft_connect("some.where:80", much_later()), answers[i].code);
        assert_non_null(strstr(weft_error(), "some.where:80"));
        assert_failed_with(weft_listen("some.where:0"), answers[i].code);
        assert_non_null(strstr(weft_error(), "some.where:0"));
    }
    resolver.system_error = 0;
}

static void of_a_long_address_the_message_tells_why_not(void **state)
{
    (void)state;
    char text[300] = "unix:/";
    memset(text + 6, 'a', 200);
    assert_failed_with(weft_listen(text), -EINVAL);
    assert_non_null(strstr(weft_error(), "a socket's path has 1 to 107 bytes"));
    assert_failed_with(weft_connect(text + 5, much_later()), -EINVAL);
    assert_non_null(strstr(weft_error(), "not an address"));
    memcpy(text + 206, ":80", 4);
    resolver.error = EAI_NONAME;
    assert_failed_with(weft_connect(text + 6, much_later()), -ENOENT);
    assert_non_null(strstr(weft_error(), "name not known"));
}

// ---- a resolver that does not answer ---------------------------------------------------

static void fall_silent(void)
{
    resolver.error = EAI_NONAME;
    resolver.silent = true;
}

// Who gave up left the question behind: it ends by itself, and frees what it had.
static void break_silence(void)
{
    resolver.silent = false;
    sem_post(&resolver.answer);
    sem_take(&resolver.answered);
}

static void a_deadline_ends_the_wait_for_a_name(void **state)
{
    (void)state;
    fall_silent();
    weft_time deadline = weft_after_ms(20);
    assert_failed_with(weft_connect("some.where:80", deadline), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    assert_non_null(strstr(weft_error(), "some.where:80"));
    sem_take(&resolver.asked);
    break_silence();
}

static int call_listen(struct call *c)
{
    weft_listener *l = weft_listen(c->address);
    if (!l)
        return weft_error_code();
    weft_listener_close(&l);
    return 0;
}

static void a_request_to_stop_ends_the_wait_for_a_name(void **state)
{
    (void)state;
    static int (*const calls[])(struct call *) = {call_connect, call_listen};
    for (size_t i = 0; i < COUNT(calls); i++) {
        fall_silent();
        struct call call = {.run = calls[i], .address = "some.where:0", .deadline = WEFT_FOREVER};
        weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
        sem_take(&resolver.asked);
        assert_false(weft_done(f));
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
        assert_non_null(strstr(weft_error(), "some.where:0"));
        break_silence();
    }
}

// ---- many names ------------------------------------------------------------------------

enum { AT_ONCE = 16 };

struct asker {
    struct call call;
    weft_future *future;
};

static void ask(struct asker *a, const char *address)
{
    a->call = (struct call){.run = call_connect, .deadline = WEFT_FOREVER};
    snprintf(a->call.address, sizeof a->call.address, "%s", address);
    a->future = weft_start(WEFT_THREADS, in_call, &(struct call *){&a->call});
    assert_non_null(a->future);
}

// Every slot is taken by a name that nobody answers for.
static void take_all_slots(struct asker askers[AT_ONCE])
{
    for (int i = 0; i < AT_ONCE; i++)
        ask(&askers[i], "dead.where:80");
    for (int i = 0; i < AT_ONCE; i++)
        sem_take(&resolver.asked);
}

static void give_slots_back(struct asker askers[], int n)
{
    for (int i = 0; i < n; i++)
        sem_post(&resolver.answer);
    for (int i = 0; i < n; i++) {
        sem_take(&resolver.answered);
        assert_int_equal(weft_join(&askers[i].future, NULL, 0), -ENOENT);
    }
}

static void a_dead_name_delays_no_live_one(void **state)
{
    (void)state;
    struct asker dead;
    ask(&dead, "dead.where:80");
    sem_take(&resolver.asked);
    resolver.error = EAI_FAIL;
    assert_failed_with(weft_connect("some.where:80", WEFT_FOREVER), -ENOENT);
    sem_post(&resolver.answer);
    sem_take(&resolver.answered);
    assert_int_equal(weft_join(&dead.future, NULL, 0), -ENOENT);
}

static void no_more_than_sixteen_names_are_looked_up_at_once(void **state)
{
    (void)state;
    struct asker askers[2 * AT_ONCE];
    take_all_slots(askers);
    for (int i = AT_ONCE; i < 2 * AT_ONCE; i++) {
        ask(&askers[i], "dead.too:80");
        await_asleep(&askers[i].call.spot);
    }
    give_slots_back(askers, 2 * AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++)
        sem_take(&resolver.asked);
    assert_int_equal(atomic_load(&resolver.most), AT_ONCE);
}

static void who_waits_for_a_slot_obeys_his_deadline_and_the_request_to_stop(void **state)
{
    (void)state;
    struct asker askers[AT_ONCE], stopped;
    take_all_slots(askers);
    resolver.error = EAI_FAIL;
    weft_time deadline = weft_after_ms(20);
    assert_failed_with(weft_connect("some.where:80", WEFT_POLL), -ETIMEDOUT);
    assert_failed_with(weft_connect("some.where:80", deadline), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    assert_non_null(strstr(weft_error(), "some.where:80"));
    ask(&stopped, "some.where:80");
    await_asleep(&stopped.call.spot);
    weft_cancel(stopped.future);
    assert_int_equal(weft_join(&stopped.future, NULL, 0), -ECANCELED);
    give_slots_back(askers, AT_ONCE);
    assert_failed_with(weft_connect("some.where:80", WEFT_FOREVER), -ENOENT); // a slot is free
}

static int read_a_file(const weft_none *none, int *first)
{
    (void)none;
    FILE *f = fopen("/proc/self/status", "re");
    *first = f ? fgetc(f) : -1;
    if (f)
        fclose(f);
    return f ? 0 : -errno;
}
WEFT_TASK(read_a_file, weft_none, int);

static int read_on_the_side(const weft_none *none, int *first)
{
    return weft_block(read_a_file, first, none);
}
WEFT_TASK(read_on_the_side, weft_none, int);

static void names_that_nobody_answers_for_starve_no_files(void **state)
{
    (void)state;
    struct asker askers[AT_ONCE];
    int first = 0;
    take_all_slots(askers);
    weft_future *f = weft_start(WEFT_FIBERS, read_on_the_side, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, read_on_the_side, &first), 0);
    assert_int_equal(first, 'N'); // "Name:"
    give_slots_back(askers, AT_ONCE);
}

static int run_end_while_asking(void)
{
    weft_conn *c = weft_connect("dead.where:80", weft_after_ms(20));
    return c || weft_error_code() != -ETIMEDOUT;
}

static void the_end_of_the_program_does_not_wait_for_a_name(void **state)
{
    (void)state;
    assert_ends("end_while_asking", 0, "");
}

static const struct scene scenes[] = {{"end_while_asking", run_end_while_asking}};

// There are no tasks in the child of a fork: the resolver is asked in place.
static void the_child_of_a_fork_looks_names_up_itself(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, in_call,
                                &(struct call *){&(struct call){.run = call_listen}});
    (void)weft_join(&f, NULL, 0); // "" is no address, but a task was started
    resolver.error = EAI_AGAIN;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(10);
        weft_conn *c = weft_connect("some.where:80", much_later());
        _exit(c || weft_error_code() != -EAGAIN);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_the_resolver_says_is_the_error),
    cmocka_unit_test(of_a_long_address_the_message_tells_why_not),
    cmocka_unit_test(a_deadline_ends_the_wait_for_a_name),
    cmocka_unit_test(a_request_to_stop_ends_the_wait_for_a_name),
    cmocka_unit_test(a_dead_name_delays_no_live_one),
    cmocka_unit_test(no_more_than_sixteen_names_are_looked_up_at_once),
    cmocka_unit_test(who_waits_for_a_slot_obeys_his_deadline_and_the_request_to_stop),
    cmocka_unit_test(names_that_nobody_answers_for_starve_no_files),
    cmocka_unit_test(the_end_of_the_program_does_not_wait_for_a_name),
    cmocka_unit_test(the_child_of_a_fork_looks_names_up_itself),
};

int main(int argc, char **argv)
{
    prepare_resolver();
    if (is_scene(argc, argv))
        return play_scene(argv[2], scenes, COUNT(scenes));
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
