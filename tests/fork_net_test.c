// SPDX-License-Identifier: MIT
// fork_net_test.c - connections and listeners in a plain fork: the parent's tasks, on threads or on
// fibers, are in every call on them. The child uses them by itself, or closes them, or leaves; the
// parent's tasks sleep on meanwhile and then go on as if nothing had happened.
#define WEFT_TESTS_TLS
#include "bad_days.h"
#include "fork_tsan.h"

enum { CALLS = 7, RECORD = 1000 };

static struct {
    struct link read, line, written, flushed;
    weft_conn *client, *server; // of TLS
    weft_listener *tcp, *local;
    struct call calls[CALLS];
    weft_future *in[CALLS];
    uint32_t posted; // records on `flushed`
    char folder[32];
} s;

// ---- what the parent is in the middle of ---------------------------------------------------

struct side {
    weft_conn *conn;
    weft_tls *tls;
};

static int serve_tls(const struct side *side, weft_none *none)
{
    (void)none;
    return weft_tls_start(side->conn, side->tls, NULL, much_later());
}
WEFT_TASK(serve_tls, struct side, weft_none);

static void pair_up_tls(void)
{
    weft_tls *mine = weft_tls_client(NULL, .insecure = true), *theirs = make_server_tls();
    pair_up(&s.client, &s.server);
    weft_future *f = weft_start(WEFT_THREADS, serve_tls, &(struct side){s.server, theirs});
    assert_int_equal(weft_tls_start(s.client, mine, NULL, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_tls_free(&mine);
    weft_tls_free(&theirs);
}

static int accept_and_greet(struct call *c)
{
    weft_conn *conn = weft_accept(c->listener, WEFT_FOREVER);
    if (!conn)
        return weft_error_code();
    int rc = weft_write(conn, "hello", 5, much_later());
    weft_conn_close(&conn);
    return rc;
}

static void hold_in_calls(enum weft_kind kind)
{
    const struct call calls[CALLS] = {
        {.run = call_read, .conn = s.read.ours},
        {.run = call_read_line, .conn = s.line.ours},
        {.run = call_write, .conn = s.written.ours},
        {.run = call_flush, .conn = s.flushed.ours},
        {.run = accept_and_greet, .listener = s.tcp},
        {.run = accept_and_greet, .listener = s.local},
        {.run = call_read, .conn = s.server},
    };
    for (size_t i = 0; i < CALLS; i++) {
        s.calls[i] = calls[i];
        s.calls[i].deadline = WEFT_FOREVER;
        s.in[i] = weft_start(kind, in_call, &(struct call *){&s.calls[i]});
        assert_non_null(s.in[i]);
    }
    for (size_t i = 0; i < CALLS; i++)
        await_asleep(&s.calls[i].spot);
}

static void listen_on_path(void)
{
    char address[64];
    strcpy(s.folder, "/tmp/weft-fork-XXXXXX");
    assert_non_null(mkdtemp(s.folder));
    snprintf(address, sizeof address, "unix:%s/s", s.folder);
    s.local = weft_listen(address);
    assert_non_null(s.local);
}

static void close_path(void)
{
    weft_listener_close(&s.local);
    assert_int_equal(rmdir(s.folder), 0); // the socket's file is gone
}

// The sockets do not grow, so the queue stays.
static void narrow(int fd, int option)
{
    const int size = 64 << 10;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, option, &size, sizeof size), 0);
}

static void begin(enum weft_kind kind)
{
    memset(&s, 0, sizeof s);
    s.read = link_up();
    s.line = link_up();
    s.written = link_up();
    s.flushed = link_up();
    pair_up_tls();
    s.tcp = weft_listen("127.0.0.1:0");
    assert_non_null(s.tcp);
    listen_on_path();
    narrow(weft_conn_fd(s.flushed.ours), SO_SNDBUF);
    narrow(s.flushed.peer, SO_RCVBUF);
    s.posted = post_until_full(s.flushed.ours, RECORD);
    raw_say(s.line.peer, "half ");
    hold_in_calls(kind);
}

static void be_greeted(const weft_listener *l)
{
    char text[8];
    weft_conn *c = weft_connect(weft_listener_address(l), much_later());
    assert_non_null(c);
    assert_int_equal(weft_read_line(c, text, sizeof text, much_later()), 5);
    weft_conn_close(&c);
}

static size_t receive_flood(int fd)
{
    static char piece[1 << 16];
    size_t got = 0;
    for (size_t n = 1; n > 0 && got < sizeof flood; got += n)
        n = raw_receive(fd, piece, sizeof piece);
    return got;
}

// Each goes on as if nothing had happened.
static void finish(void)
{
    static const int results[CALLS] = {5, 9, 0, 0, 0, 0, 5};
    char byte;
    for (size_t i = 0; i < CALLS; i++)
        await_asleep(&s.calls[i].spot); // nobody was woken in vain, and woken again and again
    assert_int_equal(raw_receive(s.read.peer, &byte, 1), 1); // posted once, by the parent
    assert_true(nothing_to_receive(s.read.peer));
    raw_say(s.read.peer, "bytes");
    raw_say(s.line.peer, "line\n");
    assert_int_equal(receive_flood(s.written.peer), sizeof flood);
    raw_receive_records(s.flushed.peer, s.posted, RECORD);
    be_greeted(s.tcp);
    be_greeted(s.local);
    assert_int_equal(weft_write(s.client, "bytes", 5, much_later()), 0);
    for (size_t i = 0; i < CALLS; i++)
        assert_int_equal(weft_join(&s.in[i], NULL, 0), results[i]);
    weft_listener_close(&s.tcp);
    close_path();
    link_down(&s.read);
    link_down(&s.line);
    link_down(&s.written);
    link_down(&s.flushed);
    weft_conn_close(&s.server);
    assert_int_equal(weft_read(s.client, &byte, 1, much_later()), 0); // with TLS's own end
    weft_conn_close(&s.client);
}

// ---- children ---------------------------------------------------------------------------------

static int leave(void)
{
    return 0;
}

static int close_all(void)
{
    weft_conn_close(&s.read.ours);
    weft_conn_close(&s.line.ours);
    weft_conn_close(&s.written.ours);
    weft_conn_close(&s.flushed.ours);
    weft_conn_close(&s.client);
    weft_conn_close(&s.server);
    weft_listener_close(&s.tcp);
    weft_listener_close(&s.local);
    return 0;
}

// As nobody else is in a call here, and nothing came. The parent's queue is not the child's.
static int call_all(void)
{
    char buf[16];
    CHECK(weft_read(s.read.ours, buf, sizeof buf, WEFT_POLL) == -ETIMEDOUT);
    CHECK(weft_wait_readable(s.read.ours, weft_after_ms(2)) == -ETIMEDOUT);
    CHECK(weft_read_line(s.line.ours, buf, sizeof buf, weft_after_ms(2)) == -ETIMEDOUT);
    CHECK(weft_flush(s.flushed.ours, WEFT_POLL) == 0);
    CHECK(!weft_accept(s.tcp, weft_after_ms(2)) && weft_error_code() == -ETIMEDOUT);
    CHECK(!weft_accept(s.local, WEFT_POLL) && weft_error_code() == -ETIMEDOUT);
    CHECK(weft_conn_keepalive(s.read.ours, 0) == 0);
    CHECK(weft_write(s.written.ours, "", 0, WEFT_POLL) == 0);
    return 0;
}

// Only the parent has its keys.
static int call_tls(void)
{
    weft_conn *const both[] = {s.client, s.server};
    char buf[16];
    for (size_t i = 0; i < COUNT(both); i++) {
        CHECK(weft_read(both[i], buf, sizeof buf, WEFT_FOREVER) == -EPIPE);
        CHECK(weft_read_line(both[i], buf, sizeof buf, WEFT_FOREVER) == -EPIPE);
        CHECK(weft_wait_readable(both[i], WEFT_FOREVER) == -EPIPE);
        CHECK(weft_write(both[i], "x", 1, WEFT_FOREVER) == -EPIPE);
        CHECK(weft_post(both[i], "x", 1) == -EPIPE);
        CHECK(weft_flush(both[i], WEFT_FOREVER) == -EPIPE);
        CHECK(weft_shutdown(both[i], WEFT_FOREVER) == -EPIPE);
    }
    return 0;
}

static int call_and_close_all(void)
{
    CHECK(call_all() == 0 && call_tls() == 0);
    return close_all();
}

static int serve_one(void)
{
    char text[8];
    weft_conn *c = weft_connect(weft_listener_address(s.local), much_later());
    weft_conn *other = weft_accept(s.local, much_later());
    CHECK(c && other && weft_write(other, "hello\n", 6, much_later()) == 0);
    CHECK(weft_read_line(c, text, sizeof text, much_later()) == 5);
    weft_conn_close(&c);
    weft_conn_close(&other);
    weft_listener_close(&s.local);
    CHECK(!s.local);
    return 0;
}

// ---- who forks --------------------------------------------------------------------------------

struct child {
    int (*play)(void);
};

// A fiber's post is still to be sent, by its loop.
static int play_child(const struct child *child, int *status)
{
    fflush(NULL);
    int rc = s.read.ours ? weft_post(s.read.ours, "P", 1) : 0;
    pid_t pid = fork();
    if (pid == 0) {
        die_after(20);
        _exit(child->play());
    }
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return rc;
}
WEFT_TASK(play_child, struct child, int);

// By the test's own thread, and by a task of that kind.
static void try_child(int (*play)(void))
{
    static const enum weft_kind kinds[] = {WEFT_THREADS, WEFT_FIBERS};
    for (size_t i = 0; i < 2 * COUNT(kinds); i++) {
        enum weft_kind kind = kinds[i / 2];
        int status = -1;
        begin(kind);
        if (i % 2 == 0) {
            assert_int_equal(play_child(&(struct child){play}, &status), 0);
        } else {
            weft_future *f = weft_start(kind, play_child, &(struct child){play});
            assert_int_equal(weft_join_as(&f, play_child, &status), 0);
        }
        if (status != 0)
            fail_msg("way %zu: wait status %#x", i, (unsigned)status);
        finish();
    }
}

static void a_child_that_leaves_harms_nobody(void **state)
{
    (void)state;
    try_child(leave);
}

static void a_child_that_closes_closes_only_its_own(void **state)
{
    (void)state;
    try_child(close_all);
}

static void a_child_calls_as_if_alone_but_has_no_keys(void **state)
{
    (void)state;
    try_child(call_and_close_all);
}

// As a server that forks its workers.
static void a_child_that_served_leaves_the_sockets_file(void **state)
{
    (void)state;
    int status = -1;
    memset(&s, 0, sizeof s);
    listen_on_path();
    assert_int_equal(play_child(&(struct child){serve_one}, &status), 0);
    assert_int_equal(status, 0);
    assert_int_equal(serve_one(), 0);
    assert_int_equal(rmdir(s.folder), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_child_that_leaves_harms_nobody),
    cmocka_unit_test(a_child_that_closes_closes_only_its_own),
    cmocka_unit_test(a_child_calls_as_if_alone_but_has_no_keys),
    cmocka_unit_test(a_child_that_served_leaves_the_sockets_file),
};
TEST_MAIN(tests)
