// SPDX-License-Identifier: MIT
// net_test.c - addresses, listeners, connecting and accepting. net_stream_test.c has what flows
// through a connection, net_post_test.c the output queue, net_deadline_test.c the ends of patience.
#include "folder.h"

static void assert_talks(weft_listener *l, const char *address)
{
    char buf[8];
    weft_conn *c = weft_connect(address, much_later());
    if (!c)
        fail_msg("%s", weft_error());
    weft_conn *s = weft_accept(l, much_later());
    assert_non_null(s);
    assert_int_equal(weft_write(c, "ping", 4, much_later()), 0);
    assert_int_equal(read_arrived(4, s, buf, sizeof buf, much_later()), 4);
    assert_memory_equal(buf, "ping", 4);
    assert_int_equal(weft_write(s, "pong", 4, much_later()), 0);
    assert_int_equal(read_arrived(4, c, buf, sizeof buf, much_later()), 4);
    weft_conn_close(&c);
    weft_conn_close(&s);
}

// ---- addresses -------------------------------------------------------------------------

static void port_0_takes_a_free_one(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0"), *m = weft_listen("127.0.0.1:0");
    assert_true(l && m);
    assert_int_equal(strncmp(weft_listener_address(l), "127.0.0.1:", 10), 0);
    assert_true(port_of(weft_listener_address(l)) != 0);
    assert_true(port_of(weft_listener_address(l)) != port_of(weft_listener_address(m)));
    assert_talks(l, weft_listener_address(l));
    weft_listener_close(&l);
    weft_listener_close(&m);
}

static void without_a_host_it_listens_on_every_address(void **state)
{
    (void)state;
    char address[64];
    weft_listener *l = weft_listen(":0");
    assert_non_null(l);
    unsigned port = port_of(weft_listener_address(l));
    assert_true(port != 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    assert_talks(l, address);
    snprintf(address, sizeof address, "[::1]:%u", port);
    if (have_v6())
        assert_talks(l, address);
    weft_listener_close(&l);
}

static void version_6_addresses_stand_in_brackets(void **state)
{
    (void)state;
    if (!have_v6())
        skip();
    weft_listener *l = weft_listen("[::1]:0");
    assert_non_null(l);
    assert_int_equal(strncmp(weft_listener_address(l), "[::1]:", 6), 0);
    assert_talks(l, weft_listener_address(l));
    weft_listener_close(&l);
}

static void a_host_may_have_a_name(void **state)
{
    (void)state;
    char address[64];
    weft_listener *l = weft_listen("127.0.0.1:0");
    snprintf(address, sizeof address, "localhost:%u", port_of(weft_listener_address(l)));
    assert_talks(l, address); // also where ::1 comes first, and refuses
    weft_listener_close(&l);
    l = weft_listen("localhost:0");
    assert_non_null(l);
    assert_talks(l, weft_listener_address(l));
    weft_listener_close(&l);
}

static void what_is_not_an_address_is_an_error_that_names_it(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "nonsense",
        "host:",
        "127.0.0.1:",
        "127.0.0.1:-1",
        "[::1]",
        "127.0.0.1:65536",
        "127.0.0.1:8o8o",
        "127.0.0.1:80 ",
        "[::1:80",
        "[::1]80",
        "unix:",
        "127.0.0.1",
        "127.0.0.1:999999999999",
        "[]:80",
        "[::g]:80",
        "127.0.0.1:+80",
        "127.0.0.1:0x50",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *name = bad[i][0] != '\0' ? bad[i] : "\"\"";
        weft_listener *l = weft_listen(bad[i]);
        int listened = l ? 0 : weft_error_code();
        bool named = strstr(weft_error(), name);
        weft_conn *c = weft_connect(bad[i], much_later());
        int connected = c ? 0 : weft_error_code();
        if (listened != -EINVAL || connected != -EINVAL || !named || !strstr(weft_error(), name))
            fail_msg("'%s': listen %d, connect %d: %s", bad[i], listened, connected, weft_error());
    }
}

static void a_path_that_is_too_long_is_not_an_address(void **state)
{
    (void)state;
    char address[300] = "unix:/tmp/";
    memset(address + strlen(address), 'x', 200);
    assert_failed_with(weft_listen(address), -EINVAL);
    assert_failed_with(weft_connect(address, much_later()), -EINVAL);
}

static void an_unknown_host_is_an_error_that_names_it(void **state)
{
    (void)state;
    assert_null(weft_connect("no-such-host.invalid:80", weft_after_ms(20000)));
    int code = weft_error_code(); // -EAGAIN: here is no name server to ask
    assert_true(code == -ENOENT || code == -EAGAIN);
    assert_non_null(strstr(weft_error(), "no-such-host.invalid"));
    assert_null(weft_listen("no-such-host.invalid:0"));
    code = weft_error_code();
    assert_true(code == -ENOENT || code == -EAGAIN);
    assert_non_null(strstr(weft_error(), "no-such-host.invalid"));
}

// ---- listening -------------------------------------------------------------------------

static void an_address_in_use_is_an_error_that_names_it(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    assert_failed_with(weft_listen(weft_listener_address(l)), -EADDRINUSE);
    assert_non_null(strstr(weft_error(), weft_listener_address(l)));
    weft_listener_close(&l);
    assert_failed_with(weft_listen("192.0.2.1:0"), -EADDRNOTAVAIL); // nobody's, by RFC 5737
}

// Another has the port on IPv6 only: half of what was asked for would be no service.
static void every_address_is_all_of_them_or_an_error(void **state)
{
    (void)state;
    char address[16];
    if (!have_v6())
        skip();
    weft_listener *l = weft_listen("[::1]:0");
    assert_non_null(l);
    snprintf(address, sizeof address, ":%u", port_of(weft_listener_address(l)));
    assert_failed_with(weft_listen(address), -EADDRINUSE);
    weft_listener_close(&l);
}

static void a_server_may_be_started_again_at_once(void **state)
{
    (void)state;
    char address[64];
    weft_listener *l = weft_listen("127.0.0.1:0");
    snprintf(address, sizeof address, "%s", weft_listener_address(l));
    for (int round = 0; round < 3; round++) {
        weft_conn *c = weft_connect(address, much_later());
        weft_conn *s = weft_accept(l, much_later());
        assert_true(c && s);
        weft_conn_close(&s); // the server first: its end of the port lingers
        char byte;
        assert_int_equal(weft_read(c, &byte, 1, much_later()), 0);
        weft_conn_close(&c);
        weft_listener_close(&l);
        assert_null(l);
        l = weft_listen(address);
        if (!l)
            fail_msg("%s", weft_error());
        assert_string_equal(weft_listener_address(l), address);
    }
    weft_listener_close(&l);
}

static void after_its_close_nobody_listens(void **state)
{
    (void)state;
    char address[64];
    weft_listener *l = weft_listen("127.0.0.1:0");
    snprintf(address, sizeof address, "%s", weft_listener_address(l));
    weft_listener_close(&l);
    weft_listener_close(&l); // NULL now
    assert_failed_with(weft_connect(address, much_later()), -ECONNREFUSED);
    assert_non_null(strstr(weft_error(), address));
}

// ---- sockets with a path ---------------------------------------------------------------

static void a_socket_with_a_path_is_removed_at_close(void **state)
{
    (void)state;
    const char *address = unix_address("a");
    struct stat st;
    weft_listener *l = weft_listen(address);
    if (!l)
        fail_msg("%s", weft_error());
    assert_string_equal(weft_listener_address(l), address);
    assert_int_equal(stat(path_of(address), &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_talks(l, address);
    weft_conn *c = weft_connect(address, much_later()), *s = weft_accept(l, much_later());
    assert_non_null(weft_peer(s));
    assert_non_null(weft_conn_local(s));
    assert_string_equal(weft_peer(c), address);
    weft_conn_close(&c);
    weft_conn_close(&s);
    weft_listener_close(&l);
    assert_int_equal(stat(path_of(address), &st), -1);
    assert_failed_with(weft_connect(address, much_later()), -ENOENT);
    assert_non_null(strstr(weft_error(), address));
}

static void what_has_taken_its_place_stays_at_close(void **state)
{
    (void)state;
    const char *address = unix_address("moved");
    weft_listener *before = weft_listen(address);
    assert_non_null(before);
    assert_int_equal(unlink(path_of(address)), 0);
    weft_listener *l = weft_listen(address);
    assert_non_null(l);
    weft_listener_close(&before);
    assert_talks(l, address);
    assert_int_equal(unlink(path_of(address)), 0);
    close(open(path_of(address), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    weft_listener_close(&l);
    assert_int_equal(unlink(path_of(address)), 0); // it is there
}

static int make_socket(const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof sun.sun_path);
    memcpy(sun.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static void a_socket_that_nobody_listens_on_is_replaced(void **state)
{
    (void)state;
    const char *address = unix_address("stale");
    close(make_socket(path_of(address))); // as a server that crashed leaves it
    assert_failed_with(weft_connect(address, much_later()), -ECONNREFUSED);
    weft_listener *l = weft_listen(address);
    if (!l)
        fail_msg("%s", weft_error());
    assert_talks(l, address);
    weft_listener_close(&l);
}

static void a_socket_in_use_and_what_is_no_socket_are_left_alone(void **state)
{
    (void)state;
    struct stat st;
    const char *address = unix_address("used");
    weft_listener *l = weft_listen(address);
    assert_failed_with(weft_listen(address), -EADDRINUSE);
    assert_talks(l, address);
    weft_listener_close(&l);
    int fd = open(path_of(address), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    assert_failed_with(weft_listen(address), -EADDRINUSE);
    assert_int_equal(stat(path_of(address), &st), 0);
    assert_int_equal(st.st_size, 8);
    assert_int_equal(unlink(path_of(address)), 0);
    assert_failed_with(weft_listen(unix_address("no/such/folder")), -ENOENT);
}

// A listener whose queue is full, by raw sockets. How many stand in it.
static int crowd_in(int fds[], int most, const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    memcpy(sun.sun_path, path, strlen(path));
    for (int n = 0; n < most; n++) {
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(fds[n], (struct sockaddr *)&sun, sizeof sun) == 0)
            continue;
        assert_int_equal(errno, EAGAIN);
        close(fds[n]);
        return n;
    }
    return most;
}

static weft_future *connect_elsewhere(struct call *call, const char *address)
{
    *call = (struct call){.run = call_connect, .deadline = WEFT_FOREVER};
    snprintf(call->address, sizeof call->address, "%.63s", address);
    weft_future *f = weft_start(WEFT_THREADS, in_call, &call);
    while (atomic_load(&call->spot.tid) == 0) // it looks again and again: it never stays asleep
        nap_ms(1);
    assert_false(weft_done(f));
    return f;
}

// Its system says EAGAIN, which is no answer: here too one waits.
static void a_socket_with_a_path_whose_queue_is_full_is_waited_for(void **state)
{
    (void)state;
    const char *address = unix_address("full");
    int listener = make_socket(path_of(address)), fds[64];
    int n = crowd_in(fds, COUNT(fds), path_of(address));
    assert_in_range(n, 1, COUNT(fds) - 1);
    assert_failed_with(weft_connect(address, WEFT_POLL), -ETIMEDOUT);
    weft_time deadline = weft_after_ms(20);
    assert_failed_with(weft_connect(address, deadline), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    struct call call;
    weft_future *f = connect_elsewhere(&call, address);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    f = connect_elsewhere(&call, address);
    close(accept(listener, NULL, NULL)); // room for one
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    while (n > 0)
        close(fds[--n]);
    close(listener);
    assert_int_equal(unlink(path_of(address)), 0);
}

// ---- accepting and connecting ----------------------------------------------------------

static void both_ends_know_their_names(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    weft_conn *c = weft_connect(weft_listener_address(l), much_later());
    weft_conn *s = weft_accept(l, much_later());
    assert_string_equal(weft_peer(c), weft_listener_address(l));
    assert_string_equal(weft_conn_local(s), weft_listener_address(l));
    assert_string_equal(weft_peer(s), weft_conn_local(c));
    assert_int_equal(strncmp(weft_peer(s), "127.0.0.1:", 10), 0);
    weft_conn_close(&c);
    weft_conn_close(&s);
    weft_listener_close(&l);
    weft_conn_close(&c); // NULL now
}

static void assert_options(weft_conn *c)
{
    int value = 0, fd = weft_conn_fd(c);
    socklen_t size = sizeof value;
    assert_true(fd >= 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    assert_int_not_equal(value, 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
    assert_int_not_equal(value, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void connections_have_the_promised_options(void **state)
{
    (void)state;
    weft_conn *a, *b;
    pair_up(&a, &b);
    assert_options(a);
    assert_options(b);
    int fd = weft_conn_fd(a);
    weft_conn_close(&a);
    assert_int_equal(fcntl(fd, F_GETFD), -1); // closed with the connection
    weft_conn_close(&b);
}

static void a_connection_that_died_in_the_queue_harms_nobody(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    uint16_t port = port_of(weft_listener_address(l));
    raw_reset(raw_connect(port));
    raw_reset(raw_connect(port));
    int alive = raw_connect(port);
    raw_say(alive, "x");
    char byte = 0;
    for (int i = 0; i < 3 && byte != 'x'; i++) { // a system may hand over the dead ones too
        weft_conn *c = weft_accept(l, much_later());
        assert_non_null(c);
        assert_non_null(weft_peer(c));
        (void)weft_read(c, &byte, 1, much_later());
        weft_conn_close(&c);
    }
    assert_int_equal(byte, 'x');
    close(alive);
    weft_listener_close(&l);
}

// Linux hands it over, and what it had sent can be read. Who accepts may count by networks, and
// must not take it for a neighbour on a Unix socket.
static void a_peer_that_reset_in_the_queue_keeps_its_name(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        weft_listener *l = weft_listen(addresses[i]);
        assert_non_null(l);
        weft_conn *gone = weft_connect(weft_listener_address(l), much_later());
        assert_non_null(gone);
        assert_int_equal(weft_write(gone, "x", 1, much_later()), 0);
        char name[128];
        assert_true(snprintf(name, sizeof name, "%s", weft_conn_local(gone)) > 0);
        const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        assert_int_equal(
            setsockopt(weft_conn_fd(gone), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        weft_conn_close(&gone);
        weft_conn *c = weft_accept(l, WEFT_POLL);
        if (c) { // a system may pass over the dead
            assert_string_equal(weft_peer(c), name);
            assert_string_equal(weft_conn_local(c), weft_listener_address(l));
        }
        weft_conn_close(&c);
        weft_listener_close(&l);
    }
}

// Several tasks accept on one listener, and one is cancelled, wherever it stands among them.
static void many_may_accept_and_each_leaves_alone(void **state)
{
    (void)state;
    for (int leaver = 0; leaver < 3; leaver++) {
        weft_listener *l = weft_listen("127.0.0.1:0");
        struct call calls[3];
        weft_future *futures[3];
        for (int i = 0; i < 3; i++) {
            calls[i] = (struct call){.run = call_accept, .listener = l, .deadline = WEFT_FOREVER};
            futures[i] = weft_start(WEFT_THREADS, in_call, &(struct call *){&calls[i]});
            await_asleep(&calls[i].spot);
        }
        weft_cancel(futures[leaver]);
        assert_int_equal(weft_join(&futures[leaver], NULL, 0), -ECANCELED);
        weft_listener_close(&l);
        assert_int_equal(weft_join(&futures[(leaver + 1) % 3], NULL, 0), -EPIPE);
        assert_int_equal(weft_join(&futures[(leaver + 2) % 3], NULL, 0), -EPIPE);
    }
}

static void queued_connections_are_accepted_in_their_order(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    int peers[20];
    for (char i = 0; i < 20; i++) {
        peers[(int)i] = raw_connect(port_of(weft_listener_address(l)));
        raw_send(peers[(int)i], &i, 1);
    }
    for (signed char i = 0, got = -1; i < 20; i++) {
        weft_conn *c = weft_accept(l, WEFT_POLL); // they are there: now is soon enough
        assert_non_null(c);
        assert_int_equal(weft_read(c, &got, 1, much_later()), 1);
        assert_int_equal(got, i);
        weft_conn_close(&c);
        close(peers[(int)i]);
    }
    weft_listener_close(&l);
}

// ---- no descriptors left ---------------------------------------------------------------

static int run_no_descriptors(void)
{
    struct rlimit limit;
    weft_listener *l = weft_listen("127.0.0.1:0");
    if (!l || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1;
    int client = raw_connect(port_of(weft_listener_address(l)));
    raw_say(client, "hello\n");
    struct rlimit none = {(rlim_t)client + 1, limit.rlim_max};
    for (int fd = 0; fd < client; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)dup2(client, fd); // no gaps below
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return 2;
    if (weft_accept(l, much_later()) || weft_error_code() != -EMFILE)
        return 3;
    if (weft_connect(weft_listener_address(l), much_later()) || weft_error_code() != -EMFILE)
        return 4;
    if (weft_listen("127.0.0.1:0") || weft_error_code() != -EMFILE)
        return 5;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 6;
    char line[16];
    weft_conn *c = weft_accept(l, much_later()); // it stayed in the queue
    if (!c || weft_read_line(c, line, sizeof line, much_later()) != 5)
        return 7;
    weft_conn_close(&c);
    weft_listener_close(&l);
    close(client);
    return 0;
}

static void without_descriptors_a_connection_stays_in_the_queue(void **state)
{
    (void)state;
    assert_ends("no_descriptors", 0, "");
}

// ---- misuse ----------------------------------------------------------------------------

static int run_listen_nowhere(void)
{
    weft_listener *l = weft_listen(NULL);
    weft_listener_close(&l);
    return 0;
}

static int run_connect_nowhere(void)
{
    weft_conn *c = weft_connect(NULL, WEFT_FOREVER);
    weft_conn_close(&c);
    return 0;
}

static int run_accept_nowhere(void)
{
    weft_conn *c = weft_accept(NULL, WEFT_FOREVER);
    weft_conn_close(&c);
    return 0;
}

static int run_tls_without_settings(void)
{
    weft_listener *l = weft_listen("127.0.0.1:0");
    weft_conn *c = weft_connect(weft_listener_address(l), much_later());
    return weft_tls_start(c, NULL, "example.org", much_later());
}

static void without_an_address_a_listener_or_settings_it_aborts(void **state)
{
    (void)state;
    assert_aborts("listen_nowhere", "weft_listen", "");
    assert_aborts("connect_nowhere", "weft_connect", "");
    assert_aborts("accept_nowhere", "weft_accept", "");
    assert_aborts("tls_without_settings", "weft_tls_start", "no settings");
}

static const struct scene scenes[] = {
    {"no_descriptors", run_no_descriptors},
    {"listen_nowhere", run_listen_nowhere},
    {"connect_nowhere", run_connect_nowhere},
    {"accept_nowhere", run_accept_nowhere},
    {"tls_without_settings", run_tls_without_settings},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(port_0_takes_a_free_one),
    cmocka_unit_test(without_a_host_it_listens_on_every_address),
    cmocka_unit_test(version_6_addresses_stand_in_brackets),
    cmocka_unit_test(a_host_may_have_a_name),
    cmocka_unit_test(what_is_not_an_address_is_an_error_that_names_it),
    cmocka_unit_test(a_path_that_is_too_long_is_not_an_address),
    cmocka_unit_test(an_unknown_host_is_an_error_that_names_it),
    cmocka_unit_test(an_address_in_use_is_an_error_that_names_it),
    cmocka_unit_test(every_address_is_all_of_them_or_an_error),
    cmocka_unit_test(a_server_may_be_started_again_at_once),
    cmocka_unit_test(after_its_close_nobody_listens),
    cmocka_unit_test(a_socket_with_a_path_is_removed_at_close),
    cmocka_unit_test(what_has_taken_its_place_stays_at_close),
    cmocka_unit_test(a_socket_that_nobody_listens_on_is_replaced),
    cmocka_unit_test(a_socket_in_use_and_what_is_no_socket_are_left_alone),
    cmocka_unit_test(a_socket_with_a_path_whose_queue_is_full_is_waited_for),
    cmocka_unit_test(both_ends_know_their_names),
    cmocka_unit_test(connections_have_the_promised_options),
    cmocka_unit_test(a_connection_that_died_in_the_queue_harms_nobody),
    cmocka_unit_test(a_peer_that_reset_in_the_queue_keeps_its_name),
    cmocka_unit_test(many_may_accept_and_each_leaves_alone),
    cmocka_unit_test(queued_connections_are_accepted_in_their_order),
    cmocka_unit_test(without_descriptors_a_connection_stays_in_the_queue),
    cmocka_unit_test(without_an_address_a_listener_or_settings_it_aborts),
};

TEST_MAIN_IN_FOLDER(tests, scenes, COUNT(scenes))
