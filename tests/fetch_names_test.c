// SPDX-License-Identifier: MIT
// fetch_names_test.c - programs/fetch/names.h: names to addresses, by a resolver that is the test's
// own (resolver.h), so that no network is needed.
#include "resolver.h"
#include "shortage.h"

#define await_asleep away_is_asleep // exec_helpers.h has one of that name
#include "contract.h"

#include "fetch/names.h"

// ---- a clock that can be ahead --------------------------------------------------------------

static _Thread_local int64_t ahead_ns;

weft_time real_now(void) __asm__("__real_weft_now");
weft_time wrapped_now(void) __asm__("__wrap_weft_now");
weft_time wrapped_now(void)
{
    return (weft_time){real_now().ns + ahead_ns};
}

// ---- who asks -------------------------------------------------------------------------------

static struct names *open_names(int at_once)
{
    struct names *n = names_open(at_once, AF_UNSPEC);
    assert_non_null(n);
    resolver.error = EAI_NONAME;
    resolver.silent = false;
    resolver.list = NULL;
    return n;
}

static int taken(void)
{
    return atomic_load(&resolver.taken);
}

struct question {
    struct names *n;
    const char *host;
    weft_time deadline;
    struct name_found found;
    int64_t lookup_ns; // 0: an hour
    weft_time begun;
};

static int finds(void *arg)
{
    struct question *q = arg;
    int64_t lookup_ns = q->lookup_ns ? q->lookup_ns : 3600 * (int64_t)1000000000;
    struct names_time time = {q->deadline, lookup_ns, WEFT_POLL};
    int rc = names_find(q->n, q->host, &time, &q->found);
    q->begun = time.begun;
    return rc;
}

// The code that the resolver gave.
static int code_of(struct names *n, const char *host)
{
    struct question q = {.n = n, .host = host, .deadline = much_later(), .found.code = 99};
    assert_int_equal(finds(&q), 0);
    assert_true((q.found.code == 0) == (q.found.length > 0));
    return q.found.code;
}

static void let_it_answer(void)
{
    sem_post(&resolver.answer);
    sem_take(&resolver.answered);
}

// ---- answers --------------------------------------------------------------------------------

TEST(addresses_come_as_text_and_in_order)
{
    struct names *n = open_names(2);
    static const char *const all[] = {"127.0.0.9", "::1", "2001:db8::7", "127.0.0.1"};
    for (size_t i = 0; i < COUNT(all); i++)
        resolver_adds(address_of(all[i], 80));
    struct question q = {.n = n, .host = "some.where", .deadline = much_later()};
    assert_int_equal(finds(&q), 0);
    assert_int_equal(q.found.code, 0);
    assert_int_equal(q.found.length, COUNT(all));
    for (size_t i = 0; i < COUNT(all); i++)
        assert_string_equal(q.found.addresses[i], all[i]);
    names_close(&n);
    assert_null(n);
}

TEST(of_many_addresses_the_first_are_taken)
{
    struct names *n = open_names(2);
    char number[16];
    for (int i = 0; i < NAMES_ADDRESSES + 9; i++) {
        snprintf(number, sizeof number, "127.0.0.%d", i + 1);
        resolver_adds(address_of(number, 80));
    }
    struct question q = {.n = n, .host = "some.where", .deadline = much_later()};
    assert_int_equal(finds(&q), 0);
    assert_int_equal(q.found.length, NAMES_ADDRESSES);
    assert_string_equal(q.found.addresses[NAMES_ADDRESSES - 1], "127.0.0.16");
    names_close(&n);
}

// glibc says EAI_NONAME where it could not open its files. The next question has its own answer.
TEST(without_a_descriptor_no_name_is_unknown)
{
    static const int errors[] = {EMFILE, ENFILE};
    struct names *n = open_names(2);
    for (size_t i = 0; i < COUNT(errors); i++) {
        struct question q = {.n = n, .host = "some.where", .deadline = much_later()};
        resolver.error = EAI_NONAME;
        resolver.system_error = errors[i];
        assert_int_equal(finds(&q), 0);
        assert_int_equal(q.found.code, EAI_SYSTEM);
        assert_int_equal(q.found.error, errors[i]);
        assert_string_equal(names_why(&q.found), strerror(errors[i]));
        assert_int_equal(names_remembered(n), 0);
    }
    resolver.system_error = 0;
    assert_int_equal(code_of(n, "some.where"), EAI_NONAME);
    assert_int_equal(names_remembered(n), 1);
    names_close(&n);
}

TEST(a_number_needs_no_lookup)
{
    struct names *n = open_names(1);
    static const struct {
        const char *host, *address;
    } rows[] = {{"127.0.0.1", "127.0.0.1"},
                {"::1", "::1"},
                {"0:0::0:1", "::1"},
                {"127.1", "127.0.0.1"},
                {"1.2.3.4", "1.2.3.4"}};
    int before = taken();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct question q = {.n = n, .host = rows[i].host, .deadline = WEFT_POLL};
        assert_int_equal(finds(&q), 0);
        assert_int_equal(q.found.code, 0);
        assert_int_equal(q.found.length, 1);
        assert_string_equal(q.found.addresses[0], rows[i].address);
    }
    assert_int_equal(taken(), before);
    assert_int_equal(names_remembered(n), 0);
    static const char *const names[] = {"1.example", "example.7x", "7up", "a:b"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(code_of(n, names[i]), EAI_NONAME);
    assert_int_equal(taken(), before + (int)COUNT(names));
    names_close(&n);
}

TEST(what_there_is_and_is_not_is_remembered_and_silence_is_not)
{
    static const struct {
        int code;
        bool remembered;
    } rows[] = {{0, true},          {EAI_NONAME, true}, {EAI_NODATA, true},
                {EAI_AGAIN, false}, {EAI_FAIL, false},  {EAI_SYSTEM, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct names *n = open_names(1);
        if (rows[i].code == 0)
            resolver_adds(address_of("127.0.0.1", 80));
        resolver.error = rows[i].code;
        int before = taken();
        assert_int_equal(code_of(n, "Some.where"), rows[i].code);
        resolver.list = NULL; // it was freed
        resolver.error = rows[i].remembered ? EAI_FAIL : EAI_NONAME;
        int expected = rows[i].remembered ? rows[i].code : EAI_NONAME;
        assert_int_equal(code_of(n, "some.WHERE"), expected);
        assert_int_equal(taken(), before + (rows[i].remembered ? 1 : 2));
        assert_int_equal(names_remembered(n), 1);
        names_close(&n);
    }
}

TEST(without_memory_in_the_resolver_there_is_no_answer)
{
    struct names *n = open_names(1);
    struct question q = {.n = n, .host = "some.where", .deadline = much_later()};
    resolver.error = EAI_MEMORY;
    assert_int_equal(finds(&q), -ENOMEM);
    assert_string_equal(weft_error(), "out of memory");
    names_close(&n);
}

TEST(an_answer_is_good_for_a_minute)
{
    struct names *n = open_names(1);
    int before = taken();
    assert_int_equal(code_of(n, "some.where"), EAI_NONAME);
    resolver.error = EAI_AGAIN;
    ahead_ns = 59 * (int64_t)1000000000;
    int after_59 = code_of(n, "some.where");
    ahead_ns = 3600 * (int64_t)1000000000;
    int after_hour = code_of(n, "some.where");
    ahead_ns = 0;
    assert_int_equal(after_59, EAI_NONAME);
    assert_int_equal(after_hour, EAI_AGAIN);
    assert_int_equal(taken(), before + 2);
    names_close(&n);
}

TEST(the_oldest_answers_are_forgotten)
{
    struct names *n = open_names(2);
    char host[32];
    for (int i = 0; i < NAMES_REMEMBERED + 50; i++) {
        snprintf(host, sizeof host, "host-%d.test", i);
        assert_int_equal(code_of(n, host), EAI_NONAME);
        assert_true(names_remembered(n) <= NAMES_REMEMBERED);
    }
    int before = taken();
    assert_int_equal(code_of(n, "host-50.test"), EAI_NONAME);
    assert_int_equal(taken(), before);
    assert_int_equal(code_of(n, "host-0.test"), EAI_NONAME);
    assert_int_equal(taken(), before + 1);
    names_close(&n);
}

TEST(what_is_too_long_for_a_name_is_none)
{
    struct names *n = open_names(1);
    char host[300] = "";
    memset(host, 'a', sizeof host - 1);
    int before = taken();
    assert_int_equal(code_of(n, host), EAI_NONAME);
    assert_int_equal(taken(), before);
    host[255] = '\0';
    assert_int_equal(code_of(n, host), EAI_NONAME);
    assert_int_equal(taken(), before + 1);
    names_close(&n);
}

// ---- many -----------------------------------------------------------------------------------

TEST(a_name_is_asked_for_once_however_many_wait)
{
    struct names *n = open_names(4);
    struct question questions[6];
    struct away crowd[6];
    int before = taken();
    for (int i = 0; i < 6; i++) {
        questions[i] = (struct question){
            .n = n, .host = i % 2 ? "dead-one" : "dead-ONE", .deadline = WEFT_FOREVER};
        go(&crowd[i], IN_TASK, finds, &questions[i]);
    }
    sem_take(&resolver.asked);
    await_all_asleep(crowd, COUNT(crowd));
    let_it_answer();
    all_back_with(0, crowd, COUNT(crowd));
    for (int i = 0; i < 6; i++)
        assert_int_equal(questions[i].found.code, EAI_NONAME);
    assert_int_equal(taken(), before + 1);
    names_close(&n);
}

static int find_many(void *arg)
{
    struct question *q = arg, mine = *q;
    char host[32];
    for (int i = 0; i < 60; i++) {
        snprintf(host, sizeof host, "host-%d.test", i * 7919 % 40);
        mine.host = host;
        CHECK(finds(&mine) == 0 && mine.found.code == EAI_NONAME);
    }
    return 0;
}

TEST(no_more_are_asked_at_once_than_was_said)
{
    struct names *n = open_names(3);
    struct question q = {.n = n, .deadline = WEFT_FOREVER};
    struct away crowd[20];
    weft_time begin = weft_now();
    int before = taken();
    atomic_store(&resolver.most, 0);
    go_all(crowd, COUNT(crowd), find_many, &q);
    all_back_with(0, crowd, COUNT(crowd));
    bool slow = weft_now().ns - begin.ns > 900000000; // then one may have counted as left waiting
    assert_true(slow || atomic_load(&resolver.most) <= 3);
    assert_int_equal(taken(), before + 40);
    names_close(&n);
}

// ---- servers that do not answer -------------------------------------------------------------

// Somebody asks for it and gives up, but not before the resolver was asked.
static int ask_in_vain(struct names *n, const char *host)
{
    int rc = -ETIMEDOUT;
    while (rc == -ETIMEDOUT && sem_trywait(&resolver.asked) < 0) {
        struct question q = {.n = n, .host = host, .deadline = soon()};
        rc = finds(&q);
        if (rc == -ETIMEDOUT && weft_now().ns < q.deadline.ns)
            return -EPROTO; // too soon
    }
    return rc;
}

static const char *const dead[] = {"dead-1", "dead-2", "dead-3"};

TEST(dead_names_delay_nobody)
{
    struct names *n = open_names(1);
    struct question questions[3];
    struct away crowd[3];
    for (int i = 0; i < 3; i++) {
        questions[i] = (struct question){.n = n, .host = dead[i], .deadline = WEFT_FOREVER};
        go(&crowd[i], IN_TASK, finds, &questions[i]);
        sem_take(&resolver.asked); // each after the one before has become slow
    }
    assert_int_equal(code_of(n, "living"), EAI_NONAME);
    for (int i = 0; i < 3; i++) {
        weft_cancel(crowd[i].task);
        assert_int_equal(back(&crowd[i]), -ECANCELED);
    }
    for (int i = 0; i < 3; i++)
        let_it_answer();
    assert_true(eventually(threads_named("names") == 1)); // the others are not needed any more
    assert_int_equal(code_of(n, "dead-2"), EAI_NONAME);   // it was remembered, though nobody waited
    names_close(&n);
    assert_true(eventually(threads_named("names") == 0));
}

TEST(a_deadline_and_a_request_to_stop_end_the_wait)
{
    struct names *n = open_names(1);
    struct question q = {.n = n, .host = "dead-1", .deadline = WEFT_FOREVER};
    assert_int_equal(ask_in_vain(n, "dead-1"), -ETIMEDOUT);
    assert_int_equal(cancel_while_waiting(finds, &q), -ECANCELED);
    assert_int_equal(cancel_before(finds, &q), -ECANCELED);
    let_it_answer();
    assert_int_equal(code_of(n, "dead-1"), EAI_NONAME);
    assert_int_equal(cancel_before(finds, &q), -ECANCELED);
    names_close(&n);
}

TEST(what_nobody_wants_any_more_is_not_asked_for)
{
    struct names *n = open_names(1);
    struct question first = {.n = n, .host = "dead-1", .deadline = WEFT_FOREVER};
    struct away a;
    go(&a, IN_TASK, finds, &first);
    sem_take(&resolver.asked);
    int before = taken();
    for (int i = 0; i < 20; i++) { // in line: the thread is with the first
        struct question q = {.n = n, .host = i % 2 ? "b" : "c", .deadline = weft_after_ms(1)};
        int rc = finds(&q);
        assert_true(rc == -ETIMEDOUT || taken() > before); // on a busy machine a second is over
    }
    let_it_answer();
    assert_int_equal(back(&a), 0);
    assert_int_equal(code_of(n, "d"), EAI_NONAME); // the thread is through its queue
    assert_true(taken() == before + 1 || names_remembered(n) > 2);
    names_close(&n);
}

TEST(it_is_closed_while_a_server_does_not_answer)
{
    struct names *n = open_names(2);
    assert_int_equal(ask_in_vain(n, "dead-1"), -ETIMEDOUT);
    assert_int_equal(code_of(n, "living"), EAI_NONAME);
    names_close(&n);
    names_close(&n);
    assert_true(eventually(threads_named("names") == 1));
    let_it_answer(); // under a sanitizer it is seen that nothing is lost, or used too late
    assert_true(eventually(threads_named("names") == 0));
}

TEST(the_time_of_a_lookup_does_not_pass_while_it_stands_in_line)
{
    struct names *n = open_names(1);
    struct question first = {.n = n, .host = "dead-1", .deadline = WEFT_FOREVER};
    struct question second = {
        .n = n, .host = "dead-2", .deadline = WEFT_FOREVER, .lookup_ns = 1000000};
    struct away a, b;
    go(&a, IN_TASK, finds, &first);
    sem_take(&resolver.asked);
    weft_time begin = weft_now();
    go(&b, IN_TASK, finds, &second);
    nap_ms(20);
    let_it_answer();
    assert_int_equal(back(&b), -ETIMEDOUT);
    assert_int_equal(sem_trywait(&resolver.asked), 0); // not before it was asked for
    assert_true(second.begun.ns > begin.ns + 20 * 1000000);
    let_it_answer();
    assert_int_equal(back(&a), 0);
    names_close(&n);
}

TEST(in_line_there_is_an_end_too)
{
    struct names *n = open_names(1);
    struct question first = {.n = n, .host = "dead-1", .deadline = WEFT_FOREVER};
    struct question second = {.n = n, .host = "b", .deadline = soon()};
    struct away a;
    go(&a, IN_TASK, finds, &first);
    sem_take(&resolver.asked);
    int before = taken();
    int rc = finds(&second);
    assert_true(rc == -ETIMEDOUT || taken() > before); // on a busy machine a second is over
    assert_true(rc == 0 || second.begun.ns >= second.deadline.ns);
    let_it_answer();
    assert_int_equal(back(&a), 0);
    names_close(&n);
}

static int end_while_a_name_is_looked_up(void)
{
    prepare_resolver();
    struct names *n = names_open(2, AF_UNSPEC);
    return ask_in_vain(n, "dead-1") == -ETIMEDOUT ? 0 : 1; // and it is not closed
}

TEST(the_program_ends_while_a_server_does_not_answer)
{
    expect_clean_end(end_while_a_name_is_looked_up);
}

// ---- without memory, without threads --------------------------------------------------------

TEST(without_memory_or_threads_it_says_so_and_nothing_is_lost)
{
    static const struct shortage shortages[] = {{.of = MEMORY, .error = ENOMEM},
                                                {.of = THREADS, .error = EAGAIN}};
    for (size_t i = 0; i < COUNT(shortages); i++) {
        struct names *n = open_names(1);
        int refused, failed = 0;
        do {
            struct question q = {.n = n, .host = "some.where", .deadline = much_later()};
            shortage = shortages[i];
            shortage.spared = failed;
            int rc = finds(&q);
            refused = end_shortage();
            if (rc == 0)
                break;
            assert_true(refused > 0);
            assert_true(rc == -ENOMEM || rc == -EAGAIN);
            assert_int_equal(names_remembered(n), 0);
            failed++;
        } while (failed < 50);
        assert_true(failed > 0 && failed < 50);
        names_close(&n);
    }
    shortage = shortages[0];
    struct names *n = names_open(1, AF_UNSPEC);
    (void)end_shortage();
    assert_null(n);
    names_close(&n);
}

static const struct scene scenes[] = {
    SCENE(end_while_a_name_is_looked_up),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(addresses_come_as_text_and_in_order),
    cmocka_unit_test(of_many_addresses_the_first_are_taken),
    cmocka_unit_test(without_a_descriptor_no_name_is_unknown),
    cmocka_unit_test(a_number_needs_no_lookup),
    cmocka_unit_test(what_there_is_and_is_not_is_remembered_and_silence_is_not),
    cmocka_unit_test(without_memory_in_the_resolver_there_is_no_answer),
    cmocka_unit_test(an_answer_is_good_for_a_minute),
    cmocka_unit_test(the_oldest_answers_are_forgotten),
    cmocka_unit_test(what_is_too_long_for_a_name_is_none),
    cmocka_unit_test(a_name_is_asked_for_once_however_many_wait),
    cmocka_unit_test(no_more_are_asked_at_once_than_was_said),
    cmocka_unit_test(dead_names_delay_nobody),
    cmocka_unit_test(a_deadline_and_a_request_to_stop_end_the_wait),
    cmocka_unit_test(what_nobody_wants_any_more_is_not_asked_for),
    cmocka_unit_test(the_time_of_a_lookup_does_not_pass_while_it_stands_in_line),
    cmocka_unit_test(in_line_there_is_an_end_too),
    cmocka_unit_test(it_is_closed_while_a_server_does_not_answer),
    cmocka_unit_test(the_program_ends_while_a_server_does_not_answer),
    cmocka_unit_test(without_memory_or_threads_it_says_so_and_nothing_is_lost),
};

int main(int argc, char **argv)
{
    if (is_scene(argc, argv))
        return play_scene(argv[2], scenes, COUNT(scenes));
    prepare_resolver();
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
