// SPDX-License-Identifier: MIT
// net_deadline_test.c - each call on a socket, waiting for what does not come: its deadline ends
// it, so does a request to stop, and so does the close of what it waits on.
#include "deaf.h"

// Everything that the calls need to wait for ever: a peer that neither reads nor writes, a queue
// that is full, a listener that nobody connects to, and one that accepts nobody.
struct silence {
    struct link link;
    weft_listener *listener;
    struct deaf deaf; // fd < 0: not needed
};

static void fall_silent(struct silence *s)
{
    *s = (struct silence){.link = link_up(), .listener = weft_listen("127.0.0.1:0")};
    assert_non_null(s->listener);
    s->deaf.fd = -1;
}

static void break_silence(struct silence *s)
{
    link_down(&s->link);
    weft_listener_close(&s->listener);
    if (s->deaf.fd >= 0)
        end_deaf(&s->deaf);
}

static const struct {
    const char *name;
    int (*run)(struct call *);
    bool needs_queue; // a full output queue, without which there is nothing to wait for
    bool needs_deaf;
} waits[] = {
    {"weft_read", call_read, false, false},
    {"weft_read_line", call_read_line, false, false},
    {"weft_write", call_write, false, false},
    {"weft_flush", call_flush, true, false},
    {"weft_shutdown", call_shutdown, true, false},
    {"weft_accept", call_accept, false, false},
    {"weft_connect", call_connect, false, true},
    {"weft_wait_readable", call_wait_readable, false, false},
};

static struct call prepare(size_t i, struct silence *s, weft_time deadline)
{
    fall_silent(s);
    if (waits[i].needs_deaf)
        go_deaf(&s->deaf);
    if (waits[i].needs_queue)
        (void)post_until_full(s->link.ours, 1 << 16);
    struct call call = {
        .run = waits[i].run, .conn = s->link.ours, .listener = s->listener, .deadline = deadline};
    snprintf(call.address, sizeof call.address, "%s", s->deaf.address);
    return call;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), less = strlen(end);
    return size >= less && strcmp(text + size - less, end) == 0;
}

static void assert_says(const char *text, const char *end, int code)
{
    bool lost = false;
#ifdef WEFT_TESTS_FAULTS_H // there was no memory for the words: then those of the code are there
    lost = ends_with(text, strerror(-code));
#else
    (void)code;
#endif
    if (!lost && !ends_with(text, end))
        fail_msg("\"%s\" does not end with \"%s\"", text, end);
}

static void a_deadline_ends_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(waits); i++) {
        for (int polling = 0; polling < 2; polling++) {
            struct silence s;
            struct call call = prepare(i, &s, polling ? WEFT_POLL : weft_after_ms(20));
            int rc = call.run(&call);
            if (rc != -ETIMEDOUT)
                fail_msg("%s gave %d", waits[i].name, rc);
            assert_says(weft_error(), ": the deadline passed", -ETIMEDOUT);
            assert_true(polling || weft_now().ns >= call.deadline.ns);
            break_silence(&s);
        }
    }
}

static void a_request_to_stop_ends_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(waits); i++) {
        struct silence s;
        struct call call = prepare(i, &s, WEFT_FOREVER), *arg = &call;
        weft_future *f = weft_start(WEFT_THREADS, in_call, &arg);
        await_asleep(&call.spot);
        assert_false(weft_done(f));
        weft_cancel(f);
        int rc = weft_join(&f, NULL, 0);
        if (rc != -ECANCELED)
            fail_msg("%s gave %d", waits[i].name, rc);
        assert_says(weft_error(), ": cancelled", -ECANCELED);
        break_silence(&s);
    }
}

static void the_tasks_own_deadline_ends_every_call(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    for (size_t i = 0; i < COUNT(waits); i++) {
        struct silence s;
        struct call call = prepare(i, &s, WEFT_FOREVER), *arg = &call;
        for (int ms = 20; atomic_load(&call.spot.tid) == 0; ms *= 2) { // until it began in time
            weft_future *f = weft_submit_until(pool, weft_after_ms(ms), in_call, &arg);
            assert_int_equal(weft_wait(f, much_later()), 0);
            int rc = weft_join(&f, NULL, 0);
            if (rc != -ETIMEDOUT)
                fail_msg("%s gave %d", waits[i].name, rc);
        }
        assert_says(weft_error(), ": the deadline passed", -ETIMEDOUT);
        break_silence(&s);
    }
    weft_pool_close(&pool);
}

static void a_close_ends_every_call_but_connecting(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(waits); i++) {
        if (waits[i].run == call_connect)
            continue; // nobody has it yet
        struct silence s;
        struct call call = prepare(i, &s, i % 2 ? WEFT_FOREVER : much_later()), *arg = &call;
        weft_future *f = weft_start(WEFT_THREADS, in_call, &arg);
        await_asleep(&call.spot);
        if (waits[i].run == call_accept)
            weft_listener_close(&s.listener);
        else
            weft_conn_close(&s.link.ours);
        int rc = weft_join(&f, NULL, 0);
        if (rc != -EPIPE)
            fail_msg("%s gave %d", waits[i].name, rc);
        break_silence(&s);
    }
}

static void a_close_ends_reader_and_writer_at_once(void **state)
{
    (void)state;
    struct silence s;
    struct call writing = prepare(2, &s, WEFT_FOREVER), reading = writing;
    reading.run = call_read;
    weft_future *w = weft_start(WEFT_THREADS, in_call, &(struct call *){&writing});
    weft_future *r = weft_start(WEFT_THREADS, in_call, &(struct call *){&reading});
    await_asleep(&writing.spot);
    await_asleep(&reading.spot);
    weft_conn_close(&s.link.ours);
    assert_int_equal(weft_join(&r, NULL, 0), -EPIPE);
    assert_int_equal(weft_join(&w, NULL, 0), -EPIPE);
    break_silence(&s);
}

// ---- what is left afterwards -----------------------------------------------------------

static void an_interrupted_read_had_no_effect(void **state)
{
    (void)state;
    struct silence s;
    struct call call = prepare(0, &s, WEFT_FOREVER), *arg = &call;
    char buf[8];
    assert_int_equal(weft_read(s.link.ours, buf, sizeof buf, weft_after_ms(3)), -ETIMEDOUT);
    weft_future *f = weft_start(WEFT_THREADS, in_call, &arg);
    await_asleep(&call.spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    raw_say(s.link.peer, "late");
    assert_int_equal(read_arrived(4, s.link.ours, buf, sizeof buf, WEFT_FOREVER), 4);
    assert_int_equal(weft_write(s.link.ours, "fine", 4, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(s.link.peer, buf, 4), 4);
    break_silence(&s);
}

static void an_interrupted_accept_leaves_the_connection_in_the_queue(void **state)
{
    (void)state;
    struct silence s;
    struct call call = prepare(5, &s, WEFT_FOREVER), *arg = &call;
    weft_future *f = weft_start(WEFT_THREADS, in_call, &arg);
    await_asleep(&call.spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    int peer = raw_connect(port_of(weft_listener_address(s.listener)));
    weft_conn *c = weft_accept(s.listener, WEFT_POLL);
    assert_non_null(c);
    weft_conn_close(&c);
    close(peer);
    break_silence(&s);
}

static void after_an_interrupted_write_a_connection_can_only_be_closed(void **state)
{
    (void)state;
    char byte;
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        struct silence s;
        struct call call = prepare(2, &s, cancelled ? WEFT_FOREVER : weft_after_ms(5));
        struct call *arg = &call;
        weft_future *f = weft_start(WEFT_THREADS, in_call, &arg);
        if (cancelled) {
            await_asleep(&call.spot);
            weft_cancel(f);
        }
        assert_int_equal(weft_join(&f, NULL, 0), cancelled ? -ECANCELED : -ETIMEDOUT);
        raw_say(s.link.peer, "x");
        assert_int_equal(weft_read(s.link.ours, &byte, 1, WEFT_FOREVER), -EPIPE);
        assert_int_equal(weft_read_line(s.link.ours, &byte, 1, WEFT_FOREVER), -EPIPE);
        assert_int_equal(weft_write(s.link.ours, "x", 1, WEFT_FOREVER), -EPIPE);
        assert_true(weft_post(s.link.ours, "x", 1) < 0);
        break_silence(&s);
    }
}

static void an_interrupted_flush_can_go_on(void **state)
{
    (void)state;
    struct link link = link_up();
    weft_post_limit(link.ours, 100000);
    uint32_t taken = 0;
    int rc = 0;
    while (rc == 0) { // the full socket took more after a while, and so all: not for ever
        taken = post_on(link.ours, 10000, taken);
        rc = weft_flush(link.ours, weft_after_ms(3));
    }
    assert_int_equal(rc, -ETIMEDOUT);
    struct call call = {.run = call_flush, .conn = link.ours, .deadline = WEFT_FOREVER};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    raw_receive_records(link.peer, taken, 10000);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_true(nothing_to_receive(link.peer));
    link_down(&link);
}

static void what_is_ready_comes_though_the_deadline_has_passed(void **state)
{
    (void)state;
    struct silence s;
    char buf[8];
    fall_silent(&s);
    raw_say(s.link.peer, "ab\nc");
    assert_int_equal(poll(&(struct pollfd){weft_conn_fd(s.link.ours), POLLIN, 0}, 1, -1), 1);
    assert_int_equal(weft_read_line(s.link.ours, buf, sizeof buf, WEFT_POLL), 2);
    assert_int_equal(weft_read(s.link.ours, buf, sizeof buf, WEFT_POLL), 1);
    assert_int_equal(weft_write(s.link.ours, "x", 1, WEFT_POLL), 0);
    assert_int_equal(weft_flush(s.link.ours, WEFT_POLL), 0);
    int peer = raw_connect(port_of(weft_listener_address(s.listener)));
    weft_conn *c = weft_accept(s.listener, WEFT_POLL);
    assert_non_null(c);
    assert_int_equal(weft_shutdown(c, WEFT_POLL), 0);
    weft_conn_close(&c);
    close(peer);
    break_silence(&s);
}

static void the_message_of_a_connect_names_the_address(void **state)
{
    (void)state;
    struct silence s;
    fall_silent(&s);
    go_deaf(&s.deaf);
    assert_failed_with(weft_connect(s.deaf.address, weft_after_ms(3)), -ETIMEDOUT);
    assert_non_null(strstr(weft_error(), s.deaf.address));
    break_silence(&s);
}

static int call_write_and_say_goodbye(struct call *c)
{
    while (weft_check() == 0)
        weft_yield();
    if (weft_write(c->conn, "news", 4, WEFT_FOREVER) != -ECANCELED)
        return -1;
    weft_shield(true);
    return weft_write(c->conn, "bye", 3, c->deadline);
}

static void a_write_of_who_was_asked_to_stop_before_it_leaves_the_connection(void **state)
{
    (void)state;
    for (int kind = WEFT_FIBERS; kind <= WEFT_THREADS; kind++) {
        struct link link = link_up();
        struct call call = {
            .run = call_write_and_say_goodbye, .conn = link.ours, .deadline = much_later()};
        weft_future *f = weft_start((enum weft_kind)kind, in_call, &(struct call *){&call});
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        char buf[4];
        assert_int_equal(raw_receive(link.peer, buf, 3), 3);
        assert_memory_equal(buf, "bye", 3);
        assert_true(nothing_to_receive(link.peer));
        link_down(&link);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_deadline_ends_every_call),
    cmocka_unit_test(a_request_to_stop_ends_every_call),
    cmocka_unit_test(the_tasks_own_deadline_ends_every_call),
    cmocka_unit_test(a_close_ends_every_call_but_connecting),
    cmocka_unit_test(a_close_ends_reader_and_writer_at_once),
    cmocka_unit_test(an_interrupted_read_had_no_effect),
    cmocka_unit_test(an_interrupted_accept_leaves_the_connection_in_the_queue),
    cmocka_unit_test(after_an_interrupted_write_a_connection_can_only_be_closed),
    cmocka_unit_test(an_interrupted_flush_can_go_on),
    cmocka_unit_test(what_is_ready_comes_though_the_deadline_has_passed),
    cmocka_unit_test(the_message_of_a_connect_names_the_address),
    cmocka_unit_test(a_write_of_who_was_asked_to_stop_before_it_leaves_the_connection),
};
TEST_MAIN(tests)
