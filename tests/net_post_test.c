// SPDX-License-Identifier: MIT
// net_post_test.c - the output queue of a connection: weft_post never waits, and what it queued
// goes out while somebody waits on the connection.
#include "net_helpers.h"

enum { RECORD = 10000 };

static void what_is_posted_arrives_before_what_is_written_later(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[8];
    assert_int_equal(weft_post(link.ours, "one", 3), 0);
    assert_int_equal(raw_receive(link.peer, buf, 3), 3); // the socket took it at once
    assert_int_equal(weft_post(link.ours, "a", 1), 0);
    assert_int_equal(weft_post(link.ours, "", 0), 0);
    assert_int_equal(weft_write(link.ours, "b", 1, WEFT_FOREVER), 0);
    assert_int_equal(weft_post(link.ours, "c", 1), 0);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link.peer, buf, 3), 3);
    assert_memory_equal(buf, "abc", 3);
    assert_true(nothing_to_receive(link.peer));
    link_down(&link);
}

static void flushing_an_empty_queue_does_nothing(void **state)
{
    (void)state;
    struct link link = link_up();
    assert_int_equal(weft_flush(link.ours, WEFT_POLL), 0);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    link_down(&link);
}

struct drain {
    int fd;
    uint32_t count;
    size_t size;
    bool whole;
};

// As raw_receive_records, but in a task, which must not assert.
static int drain_records(struct drain *const *arg, weft_none *none)
{
    struct drain *d = *arg;
    (void)none;
    char *record = malloc(d->size);
    uint32_t n = 0, got = 0;
    for (; record && n < d->count; n++) {
        if (raw_receive(d->fd, record, d->size) != d->size)
            break;
        memcpy(&got, record, sizeof got);
        if (got != n || (unsigned char)record[d->size - 1] != n % 251)
            break;
    }
    free(record);
    d->whole = n == d->count;
    return 0;
}
WEFT_TASK(drain_records, struct drain *, weft_none);

static void a_slow_peer_fills_the_queue_and_nothing_is_half_queued(void **state)
{
    (void)state;
    struct link link = link_up();
    weft_post_limit(link.ours, 5 * RECORD);
    uint32_t taken = post_until_full(link.ours, RECORD);
    assert_true(taken >= 5);
    taken = post_on(link.ours, RECORD, taken); // it still is, unless the socket took more meanwhile
    struct drain drain = {link.peer, taken, RECORD, false}, *arg = &drain;
    weft_future *f = weft_start(WEFT_THREADS, drain_records, &arg);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_true(drain.whole);
    assert_true(nothing_to_receive(link.peer)); // no byte of what was refused
    assert_int_equal(weft_post(link.ours, "again", 5), 0);
    char buf[8];
    assert_int_equal(raw_receive(link.peer, buf, 5), 5);
    link_down(&link);
}

static void at_first_a_queue_holds_a_mebibyte(void **state)
{
    (void)state;
    struct link link = link_up();
    uint32_t taken = post_until_full(link.ours, 1 << 16);
    assert_true(taken >= 16); // 1 MiB, on top of what the sockets took
    weft_post_limit(link.ours, 2 << 20);
    assert_true(post_until_full(link.ours, 1 << 16) >= 16);
    weft_post_limit(link.ours, 0);
    assert_int_equal(weft_post(link.ours, "x", 1), -ENOBUFS);
    link_down(&link); // what is queued is lost
}

static void what_waits_can_be_asked_for(void **state)
{
    (void)state;
    struct link link = link_up();
    assert_int_equal(weft_post_queued(link.ours), 0);
    assert_int_equal(weft_post(link.ours, "one", 3), 0);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(weft_post_queued(link.ours), 0); // the socket took it
    weft_post_limit(link.ours, 5 * RECORD);
    uint32_t taken = post_until_full(link.ours, RECORD);
    ssize_t waits = weft_post_queued(link.ours);
    assert_true(waits > 4 * RECORD && waits <= 5 * RECORD);
    char first[3];
    assert_int_equal(raw_receive(link.peer, first, 3), 3);
    struct drain drain = {link.peer, taken, RECORD, false}, *arg = &drain;
    weft_future *f = weft_start(WEFT_THREADS, drain_records, &arg);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(weft_post_queued(link.ours), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_true(drain.whole);
    link_down(&link);
}

static void expect_a_post(weft_conn *c)
{
    for (int after = 3; after >= 0; after--)
        weft_post_expect(c, after);
}

static void to_expect_a_post_changes_nothing(void **state)
{
    (void)state;
    struct link link = link_up();
    expect_a_post(link.ours); // with an empty queue
    weft_post_limit(link.ours, 5 * RECORD);
    uint32_t taken = post_until_full(link.ours, RECORD);
    ssize_t waits = weft_post_queued(link.ours);
    expect_a_post(link.ours);
    assert_int_equal(weft_post_queued(link.ours), waits);
    struct drain drain = {link.peer, taken, RECORD, false}, *arg = &drain;
    weft_future *f = weft_start(WEFT_THREADS, drain_records, &arg);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_true(drain.whole);
    (void)shutdown(link.peer, SHUT_RDWR);
    while (weft_post(link.ours, "lost", 4) == 0) // until its end is known
        continue;
    expect_a_post(link.ours);
    link_down(&link);
}

// ---- what is queued goes out while a task waits on the connection -----------------------

static int then_read(struct call *c)
{
    char byte;
    ssize_t n = weft_read(c->conn, &byte, 1, WEFT_FOREVER);
    return n == 1 && byte == '!' ? 0 : n < 0 ? (int)n : -EBADMSG;
}

static int then_read_line(struct call *c)
{
    char line[8];
    ssize_t n = weft_read_line(c->conn, line, sizeof line, WEFT_FOREVER);
    return n == 1 && line[0] == '!' ? 0 : n < 0 ? (int)n : -EBADMSG;
}

static int then_write(struct call *c)
{
    return weft_write(c->conn, "?", 1, WEFT_FOREVER);
}

static void assert_drained_while(int (*run)(struct call *), const char *more, bool asleep_first)
{
    struct link link = link_up();
    struct call call = {.run = run, .conn = link.ours, .deadline = WEFT_FOREVER}, *arg = &call;
    weft_post_limit(link.ours, 5 * RECORD);
    weft_future *f = NULL;
    if (asleep_first) {
        f = weft_start(WEFT_THREADS, in_call, &arg);
        await_asleep(&call.spot);
    }
    uint32_t taken = post_until_full(link.ours, RECORD);
    if (!asleep_first)
        f = weft_start(WEFT_THREADS, in_call, &arg);
    raw_receive_records(link.peer, taken, RECORD); // or this never ends
    char buf[8] = "";
    if (run == then_write)
        assert_int_equal(raw_receive(link.peer, buf, 1), 1);
    if (run == call_shutdown)
        assert_int_equal(raw_receive(link.peer, buf, 1), 0); // the end
    raw_say(link.peer, more);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    link_down(&link);
}

static void it_goes_out_while_a_task_reads(void **state)
{
    (void)state;
    assert_drained_while(then_read, "!", false);
    assert_drained_while(then_read_line, "!\n", false);
    assert_drained_while(call_wait_readable, "!", false);
}

static void it_goes_out_too_when_it_is_posted_after_the_reader_fell_asleep(void **state)
{
    (void)state;
    assert_drained_while(then_read, "!", true);
    assert_drained_while(call_wait_readable, "!", true);
    assert_drained_while(then_read_line, "!\n", true);
}

static void it_goes_out_while_a_task_writes_flushes_or_shuts_down(void **state)
{
    (void)state;
    assert_drained_while(then_write, "", false);
    assert_drained_while(call_flush, "", false);
    assert_drained_while(call_shutdown, "", false);
}

// ---- beside a shutdown -----------------------------------------------------------------

struct chatter {
    weft_conn *conn;
    sem_t *begun;
};

// As many as were said to be sent.
static int post_until_refused(const struct chatter *c, size_t *sent)
{
    int rc = 0;
    *sent = 0;
    for (; rc == 0 || rc == -ENOBUFS; weft_yield()) {
        rc = weft_post(c->conn, "!", 1);
        *sent += rc == 0;
        if (*sent == 1)
            sem_post(c->begun);
    }
    return rc == -EPIPE ? 0 : rc;
}
WEFT_TASK(post_until_refused, struct chatter, size_t);

static void assert_sent_or_refused(enum weft_kind kind)
{
    sem_t begun;
    size_t sent = 0, came = 0;
    char buf[4096];
    struct link link = link_up();
    sem_init(&begun, 0, 0);
    struct chatter c = {.conn = link.ours, .begun = &begun};
    weft_future *f = weft_start(kind, post_until_refused, &c);
    sem_take(&begun);
    assert_int_equal(weft_shutdown(link.ours, WEFT_FOREVER), 0);
    for (ssize_t n = 1; n > 0; came += (size_t)n)
        assert_true((n = recv(link.peer, buf, sizeof buf, 0)) >= 0);
    assert_int_equal(weft_join_as(&f, post_until_refused, &sent), 0);
    assert_int_equal(came, sent);
    link_down(&link);
}

static void what_is_posted_beside_a_shutdown_is_sent_or_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        assert_sent_or_refused(WEFT_FIBERS);
        assert_sent_or_refused(WEFT_THREADS);
    }
}

// ---- many who post ---------------------------------------------------------------------

struct poster {
    weft_conn *conn;
    char letter;
};

enum { LETTERS = 16, POSTS = 200, POSTERS = 4 };

static int post_often(const struct poster *p, weft_none *none)
{
    char record[LETTERS];
    (void)none;
    memset(record, p->letter, sizeof record);
    for (int i = 0; i < POSTS; i++) {
        int rc = weft_post(p->conn, record, sizeof record);
        if (rc < 0)
            return rc;
    }
    return 0;
}
WEFT_TASK(post_often, struct poster, weft_none);

static void posts_of_many_tasks_do_not_mix(void **state)
{
    (void)state;
    struct link link = link_up();
    weft_future *futures[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        futures[i] = weft_start(WEFT_THREADS, post_often,
                                &(struct poster){link.ours, (char)('a' + i)});
    int counts[POSTERS] = {0};
    for (int i = 0; i < POSTS * POSTERS; i++) {
        char record[LETTERS];
        assert_int_equal(raw_receive(link.peer, record, LETTERS), LETTERS);
        for (int j = 1; j < LETTERS; j++)
            assert_int_equal(record[j], record[0]);
        assert_in_range(record[0], 'a', 'a' + POSTERS - 1);
        counts[record[0] - 'a']++;
    }
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(counts[i], POSTS);
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    }
    link_down(&link);
}

static void a_post_during_a_write_does_not_cut_it_in_two(void **state)
{
    (void)state;
    struct link link = link_up();
    struct call call = {.run = call_write, .conn = link.ours, .deadline = WEFT_FOREVER};
    struct call *arg = &call;
    weft_future *f = weft_start(WEFT_THREADS, in_call, &arg);
    await_asleep(&call.spot); // the sockets are full of the flood, which is all zeros
    assert_int_equal(weft_post(link.ours, "PPPP", 4), 0);
    static char got[sizeof flood + 4];
    size_t n = raw_receive(link.peer, got, sizeof flood);
    assert_int_equal(n, sizeof flood);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link.peer, got + n, 4), 4);
    const char *posted = memchr(got, 'P', sizeof got);
    assert_non_null(posted);
    assert_true(posted == got || posted == got + sizeof flood);
    assert_memory_equal(posted, "PPPP", 4);
    link_down(&link);
}

// While one writes, what is posted has to wait; then only the reader is left to send it.
static void a_post_during_a_write_goes_out_by_the_reader(void **state)
{
    (void)state;
    struct link link = link_up();
    struct call reading = {.run = call_read, .conn = link.ours, .deadline = WEFT_FOREVER};
    struct call writing = {.run = call_write, .conn = link.ours, .deadline = WEFT_FOREVER};
    weft_future *r = weft_start(WEFT_THREADS, in_call, &(struct call *){&reading});
    weft_future *w = weft_start(WEFT_THREADS, in_call, &(struct call *){&writing});
    await_asleep(&reading.spot);
    await_asleep(&writing.spot);
    static char much[sizeof flood]; // more than the room that a finished write leaves
    memset(much, 'P', sizeof much);
    weft_post_limit(link.ours, sizeof much);
    assert_int_equal(weft_post(link.ours, much, sizeof much), 0);
    assert_int_equal(raw_receive(link.peer, much, sizeof flood), sizeof flood);
    assert_null(memchr(much, 'P', sizeof much));
    assert_int_equal(raw_receive(link.peer, much, sizeof much), sizeof much);
    assert_int_equal(much[0], 'P');
    assert_int_equal(much[sizeof much - 1], 'P');
    assert_int_equal(weft_join(&w, NULL, 0), 0);
    raw_say(link.peer, "x");
    assert_int_equal(weft_join(&r, NULL, 0), 1);
    link_down(&link);
}

// On fibers the post is sent when its loop's turn ends, and another loop closes just then.
struct handed {
    weft_conn *conn;
    weft_event posted;
    int yields;
};

static int post_and_hand_over(struct handed *const *arg, weft_none *none)
{
    struct handed *h = *arg;
    (void)none;
    int rc = weft_post(h->conn, "posted", 6);
    for (int i = h->yields; i > 0; i--)
        weft_yield();
    weft_event_set(&h->posted); // from here on it is the other's
    return rc;
}
WEFT_TASK(post_and_hand_over, struct handed *, weft_none);

static int close_when_posted(struct handed *const *arg, weft_none *none)
{
    struct handed *h = *arg;
    (void)none;
    int rc = weft_event_wait(&h->posted, WEFT_FOREVER);
    weft_conn_close(&h->conn);
    return rc;
}
WEFT_TASK(close_when_posted, struct handed *, weft_none);

static void a_post_is_not_lost_by_a_close_elsewhere(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    for (int i = 0; i < 100; i++) {
        struct link link = link_up();
        struct handed handed = {.conn = link.ours, .yields = i % 4}, *arg = &handed;
        weft_future *closer = weft_submit(pool, close_when_posted, &arg);
        weft_future *poster = weft_submit(pool, post_and_hand_over, &arg);
        assert_int_equal(weft_join(&poster, NULL, 0), 0);
        assert_int_equal(weft_join(&closer, NULL, 0), 0);
        char got[8];
        size_t n = raw_receive(link.peer, got, sizeof got);
#ifndef WEFT_TESTS_FAULTS_H // which cut a transfer short: the rest was still queued
        assert_int_equal(n, 6);
#endif
        assert_memory_equal(got, "posted", n);
        close(link.peer);
    }
    weft_pool_close(&pool);
}

static void posting_to_a_dead_peer_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct link link = link_up();
    int rc = 0;
    raw_reset(link.peer);
    for (int i = 0; rc == 0 && i < 10000; i++) {
        rc = weft_post(link.ours, "hello?", 6);
        nap_ms(1);
    }
    assert_true(rc == -EPIPE || rc == -ECONNRESET);
    assert_true(weft_flush(link.ours, much_later()) <= 0);
    link.peer = -1;
    link_down(&link);
}

static void a_reset_of_which_a_post_was_told_is_no_end_of_the_stream(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[8];
    raw_say(link.peer, "half of");
    raw_reset(link.peer);
    link.peer = -1;
    for (int rc = 0; rc == 0;) {
        nap_ms(1);
        rc = weft_post(link.ours, "hello?", 6);
    }
    assert_int_equal(weft_error_code(), -ECONNRESET);
    assert_int_equal(read_arrived(7, link.ours, buf, sizeof buf, much_later()), 7);
    assert_int_equal(weft_read(link.ours, buf, sizeof buf, much_later()), -ECONNRESET);
    assert_int_equal(weft_read_line(link.ours, buf, sizeof buf, much_later()), -ECONNRESET);
    link_down(&link);
}

static void a_reset_while_posts_wait_for_room_is_no_end_of_the_stream(void **state)
{
    (void)state;
    for (int kind = WEFT_FIBERS; kind <= WEFT_THREADS; kind++) {
        struct link link = link_up();
        struct call call = {.run = call_read, .conn = link.ours, .deadline = much_later()};
        struct call *arg = &call;
        (void)post_until_full(link.ours, RECORD);
        weft_future *f = weft_start((enum weft_kind)kind, in_call, &arg);
        await_asleep(&call.spot);
        raw_reset(link.peer);
        link.peer = -1;
        assert_int_equal(weft_join(&f, NULL, 0), -ECONNRESET);
        assert_int_equal(weft_post(link.ours, "x", 1), -ECONNRESET);
        link_down(&link);
    }
}

static int post_until_reset(weft_conn *const *c, weft_none *none)
{
    (void)none;
    for (int rc = 0; rc == 0 || rc == -ENOBUFS; rc = weft_post(*c, "hello?", 6)) {
        if (weft_check() < 0)
            return 0; // nobody told it
        weft_yield();
    }
    return 0;
}
WEFT_TASK(post_until_reset, weft_conn *, weft_none);

// The loop of who posts has been told, and has yet to look, when another's reader comes.
static void a_reset_of_which_a_loop_is_just_told_is_no_end_of_the_stream(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct link link = link_up();
        struct call call = {.run = call_read, .conn = link.ours, .deadline = much_later()};
        weft_future *poster = weft_start(WEFT_FIBERS, post_until_reset, &link.ours);
        weft_future *f = weft_start((enum weft_kind)(round % 2), in_call, &(struct call *){&call});
        raw_reset(link.peer);
        link.peer = -1;
        assert_int_equal(weft_join(&f, NULL, 0), -ECONNRESET);
        weft_cancel(poster);
        assert_int_equal(weft_join(&poster, NULL, 0), 0);
        link_down(&link);
    }
}

static void an_end_of_the_stream_stays_one_when_nothing_can_be_posted(void **state)
{
    (void)state;
    struct link link = link_up();
    char byte;
    assert_int_equal(shutdown(link.peer, SHUT_WR), 0);
    assert_int_equal(weft_shutdown(link.ours, much_later()), 0);
    assert_int_equal(weft_post(link.ours, "x", 1), -EPIPE);
    assert_int_equal(weft_read(link.ours, &byte, 1, much_later()), 0);
    link_down(&link);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_posted_arrives_before_what_is_written_later),
    cmocka_unit_test(flushing_an_empty_queue_does_nothing),
    cmocka_unit_test(to_expect_a_post_changes_nothing),
    cmocka_unit_test(what_waits_can_be_asked_for),
    cmocka_unit_test(a_slow_peer_fills_the_queue_and_nothing_is_half_queued),
    cmocka_unit_test(at_first_a_queue_holds_a_mebibyte),
    cmocka_unit_test(it_goes_out_while_a_task_reads),
    cmocka_unit_test(it_goes_out_too_when_it_is_posted_after_the_reader_fell_asleep),
    cmocka_unit_test(it_goes_out_while_a_task_writes_flushes_or_shuts_down),
    cmocka_unit_test(what_is_posted_beside_a_shutdown_is_sent_or_refused),
    cmocka_unit_test(posts_of_many_tasks_do_not_mix),
    cmocka_unit_test(a_post_during_a_write_does_not_cut_it_in_two),
    cmocka_unit_test(a_post_during_a_write_goes_out_by_the_reader),
    cmocka_unit_test(a_post_is_not_lost_by_a_close_elsewhere),
    cmocka_unit_test(posting_to_a_dead_peer_is_an_error_and_no_signal),
    cmocka_unit_test(a_reset_of_which_a_post_was_told_is_no_end_of_the_stream),
    cmocka_unit_test(a_reset_while_posts_wait_for_room_is_no_end_of_the_stream),
    cmocka_unit_test(a_reset_of_which_a_loop_is_just_told_is_no_end_of_the_stream),
    cmocka_unit_test(an_end_of_the_stream_stays_one_when_nothing_can_be_posted),
};
TEST_MAIN(tests)
