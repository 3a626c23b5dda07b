// SPDX-License-Identifier: MIT
// tls_test.c - TLS with the calls of plain: what is agreed, what flows, how it ends and fails.
#include "tls_helpers.h"

// ---- agreed, or not --------------------------------------------------------------------

static void both_know_what_was_agreed(void **state)
{
    (void)state;
    struct ends e = up();
    assert_string_equal(weft_tls_protocol(e.client), "TLSv1.3");
    assert_string_equal(weft_tls_alpn(e.client), "http/1.1");
    assert_string_equal(weft_tls_alpn(e.server), "http/1.1");
    assert_string_equal(weft_tls_server_name(e.server), "weft.test");
    down(&e);
}

static void a_dot_that_ends_an_absolute_name_is_not_sent(void **state)
{
    (void)state;
    struct ends e = {
        .mine = weft_tls_client(in_folder("good.pem")),
        .theirs = weft_tls_server(in_folder("good.pem"), .key = in_folder("good.key"))};
    assert_int_equal(shake(&e, "weft.test."), 0);
    assert_string_equal(weft_tls_server_name(e.server), "weft.test");
    down(&e);
}

static void a_certificate_that_is_not_good_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *certificate, *key, *ca, *name;
    } bad[] = {
        {"good.pem", "good.key", "good.pem", "wrong.test"},
        {"good.pem", "good.key", "good.pem", "127.0.0.2"},
        {"old.pem", "good.key", "old.pem", "weft.test"},
        {"other.pem", "other.key", "good.pem", "other.test"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ends e = {
            .mine = weft_tls_client(in_folder(bad[i].ca)),
            .theirs = weft_tls_server(in_folder(bad[i].certificate), .key = in_folder(bad[i].key))};
        assert_int_equal(shake(&e, bad[i].name), -EKEYREJECTED);
        print_message("%s\n", weft_error());
        down(&e);
    }
}

static void without_a_common_protocol_both_fail(void **state)
{
    (void)state;
    struct ends e = {.mine = weft_tls_client(in_folder("good.pem"), .alpn = "h2"),
                     .theirs = weft_tls_server(in_folder("good.pem"), .key = in_folder("good.key"),
                                               .alpn = "http/1.1")};
    assert_int_equal(shake(&e, "weft.test"), -EPROTO);
    assert_int_equal(e.server_rc, -EPROTO);
    down(&e);
}

static void an_address_is_a_name_too(void **state)
{
    (void)state;
    struct ends e = {
        .mine = weft_tls_client(in_folder("good.pem")),
        .theirs = weft_tls_server(in_folder("good.pem"), .key = in_folder("good.key"))};
    assert_int_equal(shake(&e, "127.0.0.1"), 0);
    assert_null(weft_tls_server_name(e.server));
    assert_null(weft_tls_alpn(e.server));
    down(&e);
}

// Nor goes anything out plain that was to be secret. (".test" is to OpenSSL any host below.)
static void what_is_no_name_leaves_no_connection(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    const char *const names[] = {"", name, ".test", "."};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct link link = link_up();
        WEFT_SCOPED(weft_tls_free) weft_tls *tls = weft_tls_client(in_folder("good.pem"));
        assert_int_equal(weft_tls_start(link.ours, tls, names[i], much_later()), -EINVAL);
        assert_int_equal(weft_write(link.ours, "secret", 6, much_later()), -EPIPE);
        assert_int_equal(weft_post(link.ours, "secret", 6), -EPIPE);
        assert_true(nothing_to_receive(link.peer));
        link_down(&link);
    }
}

static void files_that_are_no_use_are_told(void **state)
{
    (void)state;
    assert_failed_with(weft_tls_server(in_folder("none.pem")), -ENOENT);
    assert_failed_with(weft_tls_server(in_folder("log")), -EINVAL);
    assert_non_null(strstr(weft_error(), "no certificate in it that is PEM"));
    for (const char **key = (const char *[]){"other.key", "rsa.key", NULL}; *key; key++) {
        assert_failed_with(weft_tls_server(in_folder("good.pem"), .key = in_folder(*key)), -EINVAL);
        assert_non_null(strstr(weft_error(), "of another certificate"));
    }
    assert_failed_with(weft_tls_server(in_folder("good.pem")), -EINVAL);
    assert_non_null(strstr(weft_error(), "no private key"));
    assert_failed_with(weft_tls_client(in_folder("none.pem")), -ENOENT);
    assert_failed_with(weft_tls_client(in_folder("good.pem"), .alpn = "h2,,x"), -EINVAL);
}

static void garbage_and_silence_end_a_handshake(void **state)
{
    static const char *const said[] = {"", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad\r\n\r\n"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct link link = link_up();
        bool mine = i == 2, silent = i == 0;
        WEFT_SCOPED(weft_tls_free)
        weft_tls *tls = mine ? weft_tls_client(NULL)
                             : weft_tls_server(in_folder("good.pem"), .key = in_folder("good.key"));
        raw_say(link.peer, said[i]);
        int rc = weft_tls_start(link.ours, tls, mine ? "weft.test" : NULL,
                                weft_after_ms(silent ? 20 : 60000));
        assert_int_equal(rc, silent ? -ETIMEDOUT : -EPROTO);
        assert_int_equal(strstr(weft_error(), "does not speak TLS") != NULL, mine);
        char byte;
        assert_int_equal(weft_read(link.ours, &byte, 1, much_later()), -EPIPE);
        link_down(&link);
    }
}

// ---- others' programs ------------------------------------------------------------------

static int one_server(weft_listener *const *l, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_conn_close) weft_conn *c = weft_accept(*l, much_later());
    WEFT_SCOPED(weft_tls_free)
    weft_tls *tls = weft_tls_server(in_folder("good.pem"), .key = in_folder("good.key"));
    if (!c || !tls)
        return weft_error_code();
    char line[64];
    int rc = weft_tls_start(c, tls, NULL, much_later());
    ssize_t n = rc < 0 ? rc : weft_read_line(c, line, sizeof line, much_later());
    return n < 0 ? (int)n : weft_write(c, line, (size_t)n, much_later());
}
WEFT_TASK(one_server, weft_listener *, weft_none);

// What openssl's client says to us with such options: true if the handshake is done.
static bool openssl_talks(const char *options, int *rc)
{
    char line[300];
    WEFT_SCOPED(weft_listener_close) weft_listener *l = weft_listen("127.0.0.1:0");
    weft_future *f = weft_start(WEFT_THREADS, one_server, &l);
    snprintf(line, sizeof line,
             "echo hello | openssl s_client -connect %s -CAfile good.pem -verify_return_error %s "
             "-ign_eof -quiet >said",
             weft_listener_address(l), options);
    bool talked = shell(line) == 0 && shell("grep -q hello said") == 0;
    *rc = weft_join(&f, NULL, 0);
    return talked;
}

static void the_openssl_program_is_served_from_tls_1_2_on(void **state)
{
    (void)state;
    int rc;
    assert_true(openssl_talks("-tls1_2", &rc));
    assert_int_equal(rc, 0);
    assert_true(openssl_talks("-tls1_3", &rc));
    assert_int_equal(rc, 0);
    assert_false(openssl_talks("-tls1_1 -cipher DEFAULT@SECLEVEL=0", &rc));
    assert_int_equal(rc, -EPROTO);
}

// ---- what flows ------------------------------------------------------------------------

enum { MUCH = 1 << 20 };
static char much[MUCH];

static int send_much(weft_conn *const *c, weft_none *none)
{
    (void)none;
    return weft_write(*c, much, MUCH, much_later());
}
WEFT_TASK(send_much, weft_conn *, weft_none);

static int receive_much(weft_conn *const *c, weft_none *none)
{
    (void)none;
    char buf[10000];
    for (size_t got = 0; got < MUCH;) {
        ssize_t n = weft_read(*c, buf, sizeof buf, much_later());
        if (n <= 0)
            return weft_fail(n < 0 ? (int)n : -EPIPE, "the end came after %zu", got);
        if (memcmp(buf, much + got, (size_t)n) != 0)
            return weft_fail(-EBADMSG, "differs after %zu", got);
        got += (size_t)n;
    }
    return 0;
}
WEFT_TASK(receive_much, weft_conn *, weft_none);

static void a_megabyte_flows_each_way_at_the_same_time(void **state)
{
    (void)state;
    struct ends e = up();
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 31 + (i >> 12));
    weft_future *f[4] = {weft_start(WEFT_THREADS, send_much, &e.client),
                         weft_start(WEFT_THREADS, send_much, &e.server),
                         weft_start(WEFT_THREADS, receive_much, &e.client),
                         weft_start(WEFT_THREADS, receive_much, &e.server)};
    for (int i = 0; i < 4; i++)
        if (weft_join(&f[i], NULL, 0) < 0)
            fail_msg("%s", weft_error());
    down(&e);
}

static void lines_posts_and_half_a_close_are_as_plain(void **state)
{
    (void)state;
    struct ends e = up();
    char buf[16];
    assert_int_equal(weft_post(e.client, "one\ntwo\nx", 9), 0);
    assert_int_equal(weft_flush(e.client, much_later()), 0);
    assert_int_equal(weft_wait_readable(e.server, much_later()), 0);
    assert_int_equal(weft_read_line(e.server, buf, sizeof buf, much_later()), 3);
    assert_int_equal(weft_read_line(e.server, buf, sizeof buf, much_later()), 3);
    assert_int_equal(weft_shutdown(e.client, much_later()), 0);
    assert_int_equal(weft_read(e.server, buf, sizeof buf, much_later()), 1);
    assert_int_equal(weft_read(e.server, buf, sizeof buf, much_later()), 0);
    assert_int_equal(weft_read(e.server, buf, sizeof buf, much_later()), 0);
    assert_int_equal(weft_write(e.server, "back", 4, much_later()), 0);
    assert_int_equal(weft_read(e.client, buf, sizeof buf, much_later()), 4);
    weft_conn_close(&e.server);
    assert_int_equal(weft_read(e.client, buf, sizeof buf, much_later()), 0); // close says so
    down(&e);
}

static void readable_is_what_lies_decrypted(void **state)
{
    (void)state;
    struct ends e = up();
    char byte;
    assert_int_equal(weft_wait_readable(e.server, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_write(e.client, "ab", 2, much_later()), 0);
    assert_int_equal(weft_wait_readable(e.server, much_later()), 0);
    assert_int_equal(weft_read(e.server, &byte, 1, much_later()), 1);
    assert_int_equal(weft_wait_readable(e.server, WEFT_POLL), 0);
    assert_int_equal(weft_read(e.server, &byte, 1, WEFT_POLL), 1);
    assert_int_equal(weft_wait_readable(e.server, WEFT_POLL), -ETIMEDOUT);
    down(&e);
}

static void a_stream_that_is_cut_off_has_no_end(void **state)
{
    (void)state;
    struct ends e = up();
    char byte;
    assert_int_equal(shutdown(weft_conn_fd(e.client), SHUT_WR), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(weft_read(e.server, &byte, 1, much_later()), -ECONNABORTED);
    down(&e);
}

// The first part and the last are more than the sockets take; those between are gathered.
static int call_writev(struct call *c)
{
    struct iovec parts[] = {
        {flood, sizeof flood / 2}, {flood, 3}, {flood, 0}, {flood, 4}, {flood, sizeof flood / 2}};
    return weft_writev(c->conn, parts, COUNT(parts), c->deadline);
}

static void no_post_comes_between_parts_that_are_written_at_once(void **state)
{
    (void)state;
    static char got[sizeof flood + 8];
    struct ends e = up();
    struct call call = {.run = call_writev, .conn = e.client, .deadline = WEFT_FOREVER};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    await_asleep(&call.spot); // the sockets are full of the flood, which is all zeros
    assert_int_equal(weft_post(e.client, "P", 1), 0);
    for (size_t n = 0; n < sizeof got;) {
        ssize_t more = weft_read(e.server, got + n, sizeof got - n, much_later());
        assert_true(more > 0);
        n += (size_t)more;
        if (n == sizeof got - 1)
            assert_int_equal(weft_join(&f, NULL, 0) + weft_flush(e.client, much_later()), 0);
    }
    if (f)
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_null(memchr(got, 'P', sizeof got - 1));
    assert_int_equal(got[sizeof got - 1], 'P');
    down(&e);
}

static void a_deadline_in_a_write_makes_it_unusable(void **state)
{
    (void)state;
    struct ends e = up();
    char byte;
    assert_int_equal(weft_write(e.client, flood, sizeof flood, weft_after_ms(20)), -ETIMEDOUT);
    assert_int_equal(weft_read(e.client, &byte, 1, much_later()), -EPIPE);
    down(&e);
}

static void a_cancelled_read_had_no_effect(void **state)
{
    (void)state;
    struct ends e = up();
    char buf[8];
    struct call call = {.run = call_read, .conn = e.client, .deadline = WEFT_FOREVER};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    await_asleep(&call.spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_int_equal(weft_write(e.server, "late", 4, much_later()), 0);
    assert_int_equal(weft_read(e.client, buf, sizeof buf, much_later()), 4);
    down(&e);
}

// ---- closed by a third -----------------------------------------------------------------

// Each on a loop of its own, on fibers, and asleep: only then the next is submitted.
static weft_future *hold_in_call(weft_pool *pool, struct call *call)
{
    weft_future *f = weft_submit(pool, in_call, &call);
    assert_non_null(f);
    await_asleep(&call->spot);
    return f;
}

static int close_it(weft_conn **const *c, weft_none *none)
{
    (void)none;
    weft_conn_close(*c);
    return 0;
}
WEFT_TASK(close_it, weft_conn **, weft_none);

static void close_elsewhere(weft_pool *pool, weft_conn **c)
{
    weft_future *f = weft_submit(pool, close_it, &c);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

// How many bytes come, and then the end: 0, or the error.
static size_t read_to_end(weft_conn *c, ssize_t *end)
{
    static char buf[1 << 16];
    size_t got = 0;
    while ((*end = weft_read(c, buf, sizeof buf, much_later())) > 0)
        got += (size_t)*end;
    return got;
}

static void who_is_in_a_call_is_woken_by_a_close_and_the_peer_sees_a_cut(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 3);
    static int (*const writers[])(struct call *) = {call_write, call_writev};
    for (size_t i = 0; i < COUNT(writers); i++) {
        struct ends e = up();
        struct call reading = {.run = call_read, .conn = e.client, .deadline = WEFT_FOREVER};
        struct call writing = {.run = writers[i], .conn = e.client, .deadline = WEFT_FOREVER};
        weft_future *reader = hold_in_call(pool, &reading), *writer = hold_in_call(pool, &writing);
        assert_int_not_equal(atomic_load(&reading.spot.tid), atomic_load(&writing.spot.tid));
        assert_int_equal(weft_post(e.client, "held", 4), 0); // until the writer is through
        close_elsewhere(pool, &e.client);
        assert_int_equal(weft_join(&reader, NULL, 0), -EPIPE);
        assert_int_equal(weft_join(&writer, NULL, 0), -EPIPE);
        ssize_t end;
        assert_true(read_to_end(e.server, &end) < sizeof flood);
        assert_int_equal(end, -ECONNABORTED);
        down(&e);
    }
    weft_pool_close(&pool);
}

static void a_close_beside_a_reader_says_the_end_after_what_was_posted(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    struct ends e = up();
    struct call reading = {.run = call_read, .conn = e.client, .deadline = WEFT_FOREVER};
    weft_future *reader = hold_in_call(pool, &reading);
    assert_int_equal(weft_post(e.client, much, 5000), 0);
    close_elsewhere(pool, &e.client);
    assert_int_equal(weft_join(&reader, NULL, 0), -EPIPE);
    ssize_t end;
    assert_int_equal(read_to_end(e.server, &end), 5000);
    assert_int_equal(end, 0);
    down(&e);
    weft_pool_close(&pool);
}

// The flood has no end of a line: so he is in one call for all of it.
static int call_read_flood(struct call *c)
{
    static char line[2 * sizeof flood];
    return (int)weft_read_line(c->conn, line, sizeof line, c->deadline);
}

struct stream {
    weft_conn *conn;
    atomic_size_t *got;
};

static int read_on(const struct stream *s, ssize_t *end)
{
    char buf[10000];
    while ((*end = weft_read(s->conn, buf, sizeof buf, much_later())) > 0)
        atomic_fetch_add(s->got, (size_t)*end);
    return 0; // the result is how it ended
}
WEFT_TASK(read_on, struct stream, ssize_t);

static bool is_cut(ssize_t rc)
{
    return rc == -ECONNABORTED || rc == -ECONNRESET; // what came to the one who closed was not read
}

// A flood each way, on loops of their own, and a close in the middle of it.
static void a_close_in_the_middle_of_it_all_frees_nothing_early(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 5);
    for (size_t mib = 0; mib < 4; mib++) {
        struct ends e = up();
        atomic_size_t got = 0;
        ssize_t end = 0;
        struct call calls[] = {{.run = call_read_flood, .conn = e.client, .deadline = WEFT_FOREVER},
                               {.run = call_write, .conn = e.client, .deadline = WEFT_FOREVER},
                               {.run = call_write, .conn = e.server, .deadline = WEFT_FOREVER}};
        weft_future *reader = hold_in_call(pool, &calls[0]);
        weft_future *writer = weft_submit(pool, in_call, &(struct call *){&calls[1]});
        weft_future *peers = weft_submit(pool, in_call, &(struct call *){&calls[2]});
        weft_future *drain = weft_submit(pool, read_on, &(struct stream){e.server, &got});
        assert_true(eventually(atomic_load(&got) > mib << 20));
        close_elsewhere(pool, &e.client);
        assert_int_equal(weft_join(&reader, NULL, 0), -EPIPE);
        int written = weft_join(&writer, NULL, 0), answered = weft_join(&peers, NULL, 0);
        assert_true(written == -EPIPE || written == 0); // 0: large sockets took it all before
        assert_true(answered == -EPIPE || answered == 0 || is_cut(answered));
        assert_int_equal(weft_join_as(&drain, read_on, &end), 0);
        assert_true(end == -EPIPE || is_cut(end) || (end == 0 && written == 0));
        down(&e);
    }
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_know_what_was_agreed),
    cmocka_unit_test(a_dot_that_ends_an_absolute_name_is_not_sent),
    cmocka_unit_test(a_certificate_that_is_not_good_is_refused),
    cmocka_unit_test(without_a_common_protocol_both_fail),
    cmocka_unit_test(an_address_is_a_name_too),
    cmocka_unit_test(what_is_no_name_leaves_no_connection),
    cmocka_unit_test(files_that_are_no_use_are_told),
    cmocka_unit_test(garbage_and_silence_end_a_handshake),
    cmocka_unit_test(the_openssl_program_is_served_from_tls_1_2_on),
    cmocka_unit_test(a_megabyte_flows_each_way_at_the_same_time),
    cmocka_unit_test(lines_posts_and_half_a_close_are_as_plain),
    cmocka_unit_test(readable_is_what_lies_decrypted),
    cmocka_unit_test(a_stream_that_is_cut_off_has_no_end),
    cmocka_unit_test(no_post_comes_between_parts_that_are_written_at_once),
    cmocka_unit_test(a_deadline_in_a_write_makes_it_unusable),
    cmocka_unit_test(a_cancelled_read_had_no_effect),
    cmocka_unit_test(who_is_in_a_call_is_woken_by_a_close_and_the_peer_sees_a_cut),
    cmocka_unit_test(a_close_beside_a_reader_says_the_end_after_what_was_posted),
    cmocka_unit_test(a_close_in_the_middle_of_it_all_frees_nothing_early),
};

int main(void)
{
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, make_certificates, remove_certificates));
}
