// SPDX-License-Identifier: MIT
// bad_peers_test.c - peers that read nothing, that send a byte now and then, that close half, that
// send garbage where TLS is spoken; and no descriptors left. Whoever serves them is a fiber, has
// the error named, and serves the others meanwhile.
#define WEFT_TESTS_TLS
#include "bad_days.h"

// What one guest came to, beside guests who are served.
struct verdict {
    atomic_int rc; // 1: none yet
    char why[WEFT_ERROR_MAX];
};

static struct verdict verdict = {.rc = 1};

static void judge(int rc)
{
    snprintf(verdict.why, sizeof verdict.why, "%s", rc < 0 ? weft_error() : "");
    atomic_store(&verdict.rc, rc);
}

static int await_verdict(void)
{
    assert_true(eventually(atomic_load(&verdict.rc) != 1));
    return atomic_exchange(&verdict.rc, 1);
}

static void expect(int rc)
{
    int was = await_verdict();
    if (was != rc)
        fail_msg("%d (%s) instead of %d", was, verdict.why, rc);
    assert_true(rc >= 0 || verdict.why[0] != '\0');
}

// ---- who reads nothing, or sends slowly -------------------------------------------------

static bool begins_with(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static atomic_int patiences; // that were too short

// The rest of a line that comes a byte at a time is there when the patience was too short for it.
static int read_patiently(weft_conn *c)
{
    char line[64];
    ssize_t n;
    while ((n = weft_read_line(c, line, sizeof line, weft_after_ms(5))) == -ETIMEDOUT)
        atomic_fetch_add(&patiences, 1);
    CHECK(n == 26 && memcmp(line, "abcdefghijklmnopqrstuvwxyz", 26) == 0);
    return (int)n;
}

// One deadline for a whole line, which never comes.
static int read_impatiently(weft_conn *c)
{
    char line[4096];
    weft_time patience = weft_after_ms(100);
    int rc = (int)weft_read_line(c, line, sizeof line, patience);
    CHECK(rc != -ETIMEDOUT || weft_now().ns >= patience.ns);
    return rc;
}

static int serve_with_patience(struct server *s, weft_conn *c)
{
    char line[64];
    ssize_t n = weft_read_line(c, line, sizeof line, WEFT_FOREVER);
    if (n < 0)
        return (int)n;
    if (begins_with(line, "deaf"))
        judge(weft_write(c, flood, sizeof flood, weft_after_ms(50)));
    else if (begins_with(line, "slow"))
        judge(read_patiently(c));
    else if (begins_with(line, "endless"))
        judge(read_impatiently(c));
    line[n] = '\n';
    return weft_write(c, line, (size_t)n + 1, much_later()) < 0 ? 0 : echo_lines(s, c);
}

static void who_reads_nothing_costs_one_deadline(void **state)
{
    (void)state;
    struct server s;
    server_open(&s, serve_with_patience);
    int fd = raw_connect(server_port(&s));
    raw_say(fd, "deaf\n");
    assert_serves(&s);
    expect(-ETIMEDOUT);
    close(fd);
    server_close(&s);
}

static void a_line_that_comes_byte_by_byte_is_a_line(void **state)
{
    (void)state;
    struct server s;
    server_open(&s, serve_with_patience);
    int fd = raw_connect(server_port(&s));
    raw_say(fd, "slow\n");
    for (char byte = 'a'; byte <= 'z'; byte++) {
        raw_send(fd, &byte, 1);
        if (byte % 8 == 0)
            assert_serves(&s);
        if (byte == 'm')
            assert_true(eventually(atomic_load(&patiences) > 0));
        nap_ms(2);
    }
    raw_say(fd, "\n");
    expect(26);
    close(fd);
    server_close(&s);
}

static void bytes_that_come_do_not_prolong_the_deadline(void **state)
{
    (void)state;
    struct server s;
    server_open(&s, serve_with_patience);
    int fd = raw_connect(server_port(&s));
    raw_say(fd, "endless\n");
    for (int sent = 0; atomic_load(&verdict.rc) == 1; sent++) {
        assert_true(sent < 4000); // it would have been a line too long
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
        nap_ms(2);
    }
    expect(-ETIMEDOUT);
    assert_serves(&s);
    close(fd);
    server_close(&s);
}

// ---- half a close -----------------------------------------------------------------------

static int answer_after_the_end(struct server *s, weft_conn *c)
{
    char buf[64];
    ssize_t n, got = 0;
    (void)s;
    while ((n = weft_read(c, buf, sizeof buf, much_later())) > 0)
        got += n;
    CHECK(n == 0);
    CHECK(weft_read(c, buf, sizeof buf, much_later()) == 0); // and it stays so
    CHECK(weft_wait_readable(c, WEFT_POLL) == 0);
    CHECK(weft_read_line(c, buf, sizeof buf, much_later()) == -EPIPE);
    int rc = weft_write(c, flood, sizeof flood, much_later());
    judge(rc < 0 ? rc : (int)got);
    return rc;
}

static void who_has_closed_half_is_answered_in_full(void **state)
{
    (void)state;
    struct server s;
    server_open(&s, answer_after_the_end);
    int fd = raw_connect(server_port(&s));
    raw_say(fd, "question");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    char *answer = malloc(sizeof flood + 1);
    assert_int_equal(raw_receive(fd, answer, sizeof flood + 1), sizeof flood);
    free(answer);
    expect(8);
    close(fd);
    server_close(&s);
}

// What was posted is sent by the end of the turn, and wakes who writes: he waits for room again.
static int answer_in_time(struct server *s, weft_conn *c)
{
    char byte;
    (void)s;
    CHECK(weft_read(c, &byte, 1, much_later()) == 0);
    CHECK(weft_post(c, flood, 900) == 0);
    int rc = weft_write(c, flood, sizeof flood, weft_after_ms(50));
    judge(rc);
    return rc;
}

// The peer's end is no room: io_uring takes it for that, and a write that is its own would wait in
// a thread of the kernel, for ever.
static void who_has_closed_half_and_reads_nothing_costs_one_deadline(void **state)
{
    enum { GUESTS = 8 };
    int fds[GUESTS];
    (void)state;
    struct server s;
    server_open(&s, answer_in_time);
    for (int i = 0; i < GUESTS; i++) {
        fds[i] = raw_connect(server_port(&s));
        assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
        expect(-ETIMEDOUT);
    }
    for (int i = 0; i < GUESTS; i++)
        close(fds[i]);
    server_close(&s);
}

// Its reading end: our bytes are refused, and the error is the same for ever.
static int write_until_refused(struct server *s, weft_conn *c)
{
    int rc = 0;
    (void)s;
    while (rc == 0)
        rc = weft_write(c, flood, 65536, much_later());
    CHECK(weft_write(c, "x", 1, much_later()) == -EPIPE);
    CHECK(weft_post(c, "x", 1) < 0);
    judge(rc);
    return rc;
}

static void who_is_gone_while_we_write_is_told(void **state)
{
    (void)state;
    struct server s;
    server_open(&s, write_until_refused);
    int fd = raw_connect(server_port(&s));
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    close(fd); // with bytes unread: a reset
    int rc = await_verdict();
    assert_true(rc == -EPIPE || rc == -ECONNRESET);
    server_close(&s);
}

// ---- garbage for TLS --------------------------------------------------------------------

static atomic_int handshake_ms; // that the next who comes has; 0: all he needs

static int shake_hands(struct server *s, weft_conn *c)
{
    int ms = atomic_exchange(&handshake_ms, 0);
    int rc = weft_tls_start(c, s->tls, NULL, ms ? weft_after_ms(ms) : much_later());
    if (rc == 0)
        return echo_lines(s, c);
    judge(rc);
    char byte;
    CHECK(weft_read(c, &byte, 1, much_later()) == -EPIPE);
    return rc;
}

static int talk(const struct server *s)
{
    weft_tls *tls = weft_tls_client(NULL, .insecure = true);
    weft_conn *c = weft_connect(weft_listener_address(s->listener), much_later());
    CHECK(tls && c && weft_tls_start(c, tls, NULL, much_later()) == 0);
    CHECK(weft_write(c, "hello\n", 6, much_later()) == 0);
    char line[8];
    CHECK(weft_read_line(c, line, sizeof line, much_later()) == 5);
    weft_conn_close(&c);
    weft_tls_free(&tls);
    return 0;
}

#define EIGHT(text) text text text text text text text text
#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *name, *bytes;
    size_t size;
    bool closes; // its end comes after it; else silence
    int rc, or ;
} garbage[] = {
    {"nothing", BYTES(""), true, -ECONNABORTED, 0},
    {"silence", BYTES(""), false, -ETIMEDOUT, 0},
    {"HTTP", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), false, -EPROTO, 0},
    {"a mail server's greeting", BYTES("EHLO example.org\r\n"), false, -EPROTO, 0},
    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), false, -EPROTO, 0},
    {"half a hello, and the end", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), true,
     -ECONNABORTED, -EPROTO},
    {"half a hello, and silence", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), false,
     -ETIMEDOUT, 0},
    {"a record of 65,535 bytes", BYTES("\x16\x03\x01\xff\xff\x01\x00\xff\xfb\x03\x03"), false,
     -EPROTO, 0},
    {"records of none", BYTES(EIGHT(EIGHT("\x16\x03\x01\x00\x00"))), false, -EPROTO, 0},
    {"SSL 2",
     BYTES("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x07\x00\xc0\x05\x00\x80\x03\x00"
           "\x80\x01\x00\x80\x08\x00\x80\x06\x00\x40\x04\x00\x80\x02\x00\x80"
           "0123456789abcdef"),
     false, -EPROTO, 0},
    {"data before the handshake", BYTES("\x17\x03\x03\x00\x05hello"), false, -EPROTO, 0},
    {"an alert", BYTES("\x15\x03\x01\x00\x02\x02\x28"), false, -EPROTO, 0},
};

static void tls_server_open(struct server *s)
{
    server_open(s, shake_hands);
    s->tls = make_server_tls(); // nobody has come yet
}

static void send_garbage(const struct server *s, size_t i)
{
    atomic_store(&handshake_ms, garbage[i].rc == -ETIMEDOUT ? 150 : 0);
    int fd = raw_connect(server_port(s));
    raw_send(fd, garbage[i].bytes, garbage[i].size);
    if (garbage[i].closes)
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(eventually(atomic_load(&handshake_ms) == 0));
    assert_int_equal(talk(s), 0); // others are served
    int rc = await_verdict();
    if (rc != garbage[i].rc && (garbage[i].or == 0 || rc != garbage[i].or))
        fail_msg("%s: %d (%s)", garbage[i].name, rc, verdict.why);
    assert_true(verdict.why[0] != '\0');
    close(fd);
}

static void garbage_for_tls_is_named_and_others_are_served(void **state)
{
    (void)state;
    struct server s;
    tls_server_open(&s);
    for (size_t i = 0; i < COUNT(garbage); i++)
        send_garbage(&s, i);
    server_close(&s);
}

// A xorshift; the same ones in each run.
static void fill_at_random(char *bytes, size_t size, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (char)x;
    }
}

// Plain, or as the body of a record, or of a handshake message: each goes a little deeper.
static void random_bytes_are_refused_however_deep_they_get(void **state)
{
    (void)state;
    enum { ROUNDS = SANITIZED ? 60 : 300, SIZE = 300 };
    struct server s;
    tls_server_open(&s);
    for (int round = 0; round < ROUNDS; round++) {
        static const char record[] = "\x16\x03\x01\x01\x2c", message[] = "\x01\x00\x01\x28\x03\x03";
        char bytes[5 + SIZE];
        fill_at_random(bytes, sizeof bytes, (uint64_t)round);
        if (round % 3 > 0)
            memcpy(bytes, record, 5);
        if (round % 3 > 1)
            memcpy(bytes + 5, message, 6);
        int fd = raw_connect(server_port(&s));
        raw_send(fd, bytes, sizeof bytes);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        int rc = await_verdict();
        if (rc != -EPROTO && rc != -ECONNABORTED)
            fail_msg("round %d: %d (%s)", round, rc, verdict.why);
        close(fd);
    }
    assert_int_equal(talk(&s), 0);
    server_close(&s);
}

// He is not read for ever: a few records, and it ends.
static void a_stream_of_garbage_is_cut_off(void **state)
{
    (void)state;
    struct server s;
    tls_server_open(&s);
    int fd = raw_connect(server_port(&s));
    size_t sent = 0;
    char bytes[4096];
    fill_at_random(bytes, sizeof bytes, 7);
    for (ssize_t n; sent < sizeof flood && (n = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL)) > 0;)
        sent += (size_t)n;
    assert_true(sent < sizeof flood);
    expect(-EPROTO);
    close(fd);
    server_close(&s);
}

// ---- no descriptors left ----------------------------------------------------------------

struct poor {
    weft_listener *listener;
    atomic_int refused, served;
};

// Waits, and tries again: as net.h asks.
static int accept_when_possible(struct poor *const *arg, weft_none *none)
{
    struct poor *p = *arg;
    (void)none;
    for (;;) {
        weft_conn *c = weft_accept(p->listener, WEFT_FOREVER);
        if (!c && weft_error_code() != -EMFILE)
            return weft_error_code();
        if (!c) {
            atomic_fetch_add(&p->refused, 1);
            int rc = weft_sleep(weft_after_ms(1));
            if (rc < 0)
                return rc;
            continue;
        }
        char line[16];
        CHECK(weft_read_line(c, line, sizeof line, much_later()) == 5);
        weft_conn_close(&c);
        atomic_fetch_add(&p->served, 1);
    }
}
WEFT_TASK(accept_when_possible, struct poor *, weft_none);

static int run_no_descriptors(void)
{
    enum { CLIENTS = 20 };
    struct rlimit limit;
    int clients[CLIENTS];
    struct poor poor = {.listener = weft_listen("127.0.0.1:0")}, *arg = &poor;
    weft_future *f = weft_start(WEFT_FIBERS, accept_when_possible, &arg);
    CHECK(poor.listener && f && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    nap_ms(10); // its loop has what it needs
    int lowest = dup(0);
    struct rlimit none = {(rlim_t)lowest, limit.rlim_max};
    close(lowest);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(clients[i] >= lowest);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0); // who is open stays so
    struct sockaddr_in sin = loopback(port_of(weft_listener_address(poor.listener)));
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(connect(clients[i], (struct sockaddr *)&sin, sizeof sin) == 0);
        CHECK(send(clients[i], "hello\n", 6, MSG_NOSIGNAL) == 6);
    }
    CHECK(eventually(poor.refused >= 3) && poor.served == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(eventually(poor.served == CLIENTS));
    weft_cancel(f);
    CHECK(weft_join(&f, NULL, 0) == -ECANCELED);
    weft_listener_close(&poor.listener);
    return 0;
}

static void without_descriptors_connections_wait_in_the_queue_and_are_served(void **state)
{
    (void)state;
    assert_ends("run_no_descriptors", 0, "");
}

static const struct scene scenes[] = {SCENE(run_no_descriptors)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_reads_nothing_costs_one_deadline),
    cmocka_unit_test(a_line_that_comes_byte_by_byte_is_a_line),
    cmocka_unit_test(bytes_that_come_do_not_prolong_the_deadline),
    cmocka_unit_test(who_has_closed_half_is_answered_in_full),
    cmocka_unit_test(who_has_closed_half_and_reads_nothing_costs_one_deadline),
    cmocka_unit_test(who_is_gone_while_we_write_is_told),
    cmocka_unit_test(garbage_for_tls_is_named_and_others_are_served),
    cmocka_unit_test(random_bytes_are_refused_however_deep_they_get),
    cmocka_unit_test(a_stream_of_garbage_is_cut_off),
    cmocka_unit_test(without_descriptors_connections_wait_in_the_queue_and_are_served),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
