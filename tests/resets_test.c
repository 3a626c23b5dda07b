// SPDX-License-Identifier: MIT
// resets_test.c - ten thousand connections, opened and reset at every stage of their lives: the
// server on fibers loses no descriptor, no fiber and no memory, and serves who comes afterwards.
//
// Both ends are in this process, which may have 20,000 descriptors: so they come in waves.
#define WEFT_TESTS_TLS
#include "bad_days.h"

enum { WAVE = 250, WAVES = SANITIZED ? 2 : 7, SMALL = 4096 };

// ---- what the server does of it ---------------------------------------------------------

static char much[1 << 20];

// "echo ...": the line; "much": a megabyte; "tls": a handshake, and then lines.
static int serve_as_told(struct server *s, weft_conn *c)
{
    char line[64];
    ssize_t n;
    while ((n = weft_read_line(c, line, sizeof line - 1, WEFT_FOREVER)) >= 0) {
        int rc;
        line[n] = '\n';
        if (strncmp(line, "much", 4) == 0)
            rc = weft_write(c, much, sizeof much, much_later());
        else if (strncmp(line, "tls", 3) == 0)
            rc = weft_tls_start(c, s->tls, NULL, much_later());
        else
            rc = weft_write(c, line, (size_t)n + 1, much_later());
        if (rc < 0)
            return rc;
    }
    (void)weft_write(c, much, sizeof much, much_later()); // who only closed half hears of it
    return (int)n;
}

// ---- stages -----------------------------------------------------------------------------

// So that a megabyte fills it.
static int narrow_connect(uint16_t port)
{
    struct sockaddr_in sin = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size = SMALL;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
    return fd;
}

static void await_bytes(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 20000), 1);
}

static void say_nothing(int fd)
{
    (void)fd;
}

static void break_off_in_a_line(int fd)
{
    raw_say(fd, "half a l");
}

static void read_not(int fd)
{
    raw_say(fd, "much\n");
    await_bytes(fd);
}

static void close_half(int fd)
{
    raw_say(fd, "echo\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    await_bytes(fd);
}

// The beginning of a hello of TLS 1.2: of 512 bytes that were announced there come few.
static void shake_half_a_hand(int fd)
{
    static const char hello[] = "tls\n\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    raw_send(fd, hello, sizeof hello - 1);
}

// A whole hello, and the answer of it, which is the last that we do.
static void leave_after_the_servers_hello(int fd)
{
    static const unsigned char hello[] = {
        't',  'l',  's',  '\n', 0x16, 0x03, 0x01, 0x00, 0x5a, 0x01, 0x00, 0x00,
        0x56, 0x03, 0x03, 0,    1,    2,    3,    4,    5,    6,    7,    8,
        9,    10,   11,   12,   13,   14,   15,   16,   17,   18,   19,   20,
        21,   22,   23,   24,   25,   26,   27,   28,   29,   30,   31,   0x00, // no session
        0x00, 0x04, 0xc0, 0x2b, 0xc0, 0x2f,             // ECDHE with AES of 128 bits in GCM
        0x01, 0x00,                                     // no compression
        0x00, 0x29,                                     // extensions
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, // groups: P-256
        0x00, 0x0b, 0x00, 0x02, 0x01, 0x00,             // points as they are
        0x00, 0x0d, 0x00, 0x06, 0x00, 0x04, 0x04, 0x03, 0x04, 0x01, // signatures
        0x00, 0x17, 0x00, 0x00,                                     // the extended master secret
        0x00, 0x23, 0x00, 0x00,                                     // tickets
        0xff, 0x01, 0x00, 0x01, 0x00,                               // no renegotiation
        0x00, 0x16, 0x00, 0x00,                                     // encrypt, then authenticate
    };
    raw_send(fd, (const char *)hello, sizeof hello);
    await_bytes(fd);
    char kind = 0;
    assert_int_equal(recv(fd, &kind, 1, MSG_PEEK), 1);
    assert_int_equal(kind, 0x16); // a hello, and no refusal
}

static const struct stage {
    const char *name;
    void (*reach)(int fd);
    bool unaccepted; // nobody accepts until all have been reset
} stages[] = {
    {"before it was accepted", say_nothing, true},
    {"before it was accepted, having spoken", break_off_in_a_line, true},
    {"before its first byte", say_nothing, false},
    {"in the middle of a line", break_off_in_a_line, false},
    {"while the server writes", read_not, false},
    {"after half a close", close_half, false},
    {"in the middle of TLS's first message", shake_half_a_hand, false},
    {"after TLS's first answer", leave_after_the_servers_hello, false},
};

// ---- waves ------------------------------------------------------------------------------

static void send_wave(struct server *s, const struct stage *stage)
{
    static int fds[WAVE];
    long met = s->met;
    if (stage->unaccepted)
        server_pause(s);
    for (int i = 0; i < WAVE; i++)
        fds[i] = narrow_connect(server_port(s));
    for (int i = 0; i < WAVE; i++)
        stage->reach(fds[i]);
    if (!stage->unaccepted && !eventually(s->met == met + WAVE))
        fail_msg("%s: %ld of %d were accepted", stage->name, s->met - met, WAVE);
    for (int i = 0; i < WAVE; i++)
        raw_reset(fds[i]);
    if (stage->unaccepted)
        server_begin(s);
    assert_serves(s); // it comes behind them all in the queue
    if (!eventually(s->met == s->left))
        fail_msg("%s: %ld of %ld are still served", stage->name, s->met - s->left, (long)s->met);
}

static void send_waves(struct server *s, const struct stage *stage, int descriptors)
{
    for (int wave = 1; wave < WAVES; wave++) {
        send_wave(s, stage);
        if (!eventually(open_descriptors() == descriptors))
            fail_msg("%s: %d descriptors, and before %d", stage->name, open_descriptors(),
                     descriptors);
        if (!eventually(fibers_alive() <= 3)) // who accepts, and two that wait for work
            fail_msg("%s: %zu fibers", stage->name, fibers_alive());
    }
}

// By how much memory has grown, in KiB.
static long send_all_waves(struct server *s, int descriptors)
{
    long before = resident_kib();
    for (size_t i = 0; i < COUNT(stages); i++)
        send_waves(s, &stages[i], descriptors);
    return resident_kib() - before;
}

// How many are served at the same moment is the machine's to say, and beside other work may be more
// the second time. But what is left behind is left each time.
static void whoever_is_reset_at_any_stage_leaves_nothing_behind(void **state)
{
    (void)state;
    enum { ROOM_KIB = 8192, TRIES = 2 };
    struct server s;
    server_open(&s, serve_as_told);
    s.tls = make_server_tls();
    assert_true(eventually(fibers_alive() > 0));
    for (size_t i = 0; i < COUNT(stages); i++)
        send_wave(&s, &stages[i]); // what is made once for all is made
    int descriptors = open_descriptors(), tries = 0;
    long grown;
    while ((grown = send_all_waves(&s, descriptors)) > ROOM_KIB && !SANITIZED && ++tries < TRIES)
        continue;
    if (!SANITIZED && grown > ROOM_KIB)
        fail_msg("%d times memory grew by more than %d KiB, the last by %ld", TRIES, ROOM_KIB,
                 grown);
    server_close(&s);
}

// ---- a listener that closes under them --------------------------------------------------------

enum { OPENINGS = SANITIZED ? 15 : 60, KEEPERS = 3, KNOCKS = 60 };

struct door {
    weft_listener *listener;
    atomic_long met;
};

static int turn_away(struct door *const *door, weft_none *none)
{
    (void)none;
    for (weft_conn *c; (c = weft_accept((*door)->listener, WEFT_FOREVER));) {
        weft_conn_close(&c);
        atomic_fetch_add(&(*door)->met, 1);
    }
    return weft_error_code();
}
WEFT_TASK(turn_away, struct door *, weft_none);

// Whoever has the port by now: it may be refused.
static int knock(const uint16_t *port, weft_none *none)
{
    (void)none;
    for (int i = 0; i < KNOCKS; i++) {
        struct sockaddr_in sin = loopback(*port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(fd >= 0);
        (void)!connect(fd, (struct sockaddr *)&sin, sizeof sin);
        (void)close(fd);
    }
    return 0;
}
WEFT_TASK(knock, uint16_t, weft_none);

static void open_and_close_under_a_crowd(weft_pool *pool, long enough)
{
    struct door door = {.listener = weft_listen("127.0.0.1:0")}, *at = &door;
    weft_future *keepers[KEEPERS];
    assert_non_null(door.listener);
    for (int i = 0; i < KEEPERS; i++)
        assert_non_null(keepers[i] = weft_submit(pool, turn_away, &at));
    uint16_t port = port_of(weft_listener_address(door.listener));
    weft_future *crowd = weft_start(WEFT_THREADS, knock, &port);
    assert_non_null(crowd);
    assert_true(eventually(door.met >= enough));
    for (int i = 0; i < KEEPERS; i++) {
        weft_cancel(keepers[i]);
        assert_int_equal(weft_join(&keepers[i], NULL, 0), -ECANCELED);
    }
    weft_listener_close(&door.listener);
    assert_int_equal(weft_join(&crowd, NULL, 0), 0);
}

static void a_listener_that_closes_under_a_crowd_leaves_nothing_behind(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = KEEPERS);
    assert_non_null(pool);
    open_and_close_under_a_crowd(pool, KNOCKS);
    int descriptors = open_descriptors();
    for (int i = 0; i < OPENINGS; i++)
        open_and_close_under_a_crowd(pool, i % KNOCKS);
    assert_true(eventually(open_descriptors() == descriptors));
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_listener_that_closes_under_a_crowd_leaves_nothing_behind),
    cmocka_unit_test(whoever_is_reset_at_any_stage_leaves_nothing_behind),
};
TEST_MAIN(tests)
