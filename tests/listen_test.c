// SPDX-License-Identifier: MIT
// listen_test.c - the options of a listener. net_test.c has listening without any, systemd_test.c
// the sockets that somebody else opened.
#include "folder.h"

#include <ifaddrs.h>
#include <net/if.h>

static int value_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

// ---- one link's addresses ----------------------------------------------------------------

// Of this machine's first link that has such an address, with the port 0. False: there is none.
static bool link_address(char *text, size_t size)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        struct sockaddr_in6 v6 = {0};
        char host[INET6_ADDRSTRLEN];
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET6)
            continue;
        memcpy(&v6, a->ifa_addr, sizeof v6);
        found = IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) &&
                inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        if (found)
            snprintf(text, size, "[%s%%%s]:0", host, a->ifa_name);
    }
    freeifaddrs(all);
    return found;
}

static void an_address_of_one_link_is_told_with_its_link(void **state)
{
    (void)state;
    char address[128];
    if (!link_address(address, sizeof address))
        skip();
    weft_listener *l = weft_listen(address);
    if (!l && weft_error_code() == -EADDRNOTAVAIL)
        skip(); // the link is just coming up, or going
    assert_non_null(l);
    weft_conn *c = weft_connect(weft_listener_address(l), much_later());
    assert_non_null(c);
    weft_conn *s = weft_accept(l, much_later());
    assert_non_null(s);
    assert_string_equal(weft_peer(c), weft_listener_address(l));
    assert_string_equal(weft_peer(s), weft_conn_local(c));
    assert_non_null(strchr(weft_peer(s), '%'));
    weft_conn_close(&c);
    weft_conn_close(&s);
    weft_listener_close(&l);
}

// ---- reuse_port --------------------------------------------------------------------------

static void several_listeners_share_a_port_if_all_say_so(void **state)
{
    (void)state;
    char address[64];
    weft_listener *l = weft_listen("127.0.0.1:0", .reuse_port = true);
    assert_non_null(l);
    snprintf(address, sizeof address, "%s", weft_listener_address(l));
    weft_listener *m = weft_listen(address, .reuse_port = true);
    assert_non_null(m);
    assert_string_equal(weft_listener_address(m), address);
    assert_failed_with(weft_listen(address), -EADDRINUSE); // it does not say so
    weft_listener_close(&l);
    weft_conn *c = weft_connect(address, much_later()); // there is one left
    weft_conn *s = weft_accept(m, much_later());
    assert_true(c && s);
    weft_conn_close(&c);
    weft_conn_close(&s);
    weft_listener_close(&m);
    l = weft_listen("127.0.0.1:0");
    assert_failed_with(weft_listen(weft_listener_address(l), .reuse_port = true), -EADDRINUSE);
    weft_listener_close(&l);
}

// By a hash of the four numbers of the connection: of many each gets some.
static void the_system_spreads_the_connections_over_them(void **state)
{
    (void)state;
    enum { MANY = 64 };
    int peers[MANY], got[2] = {0, 0};
    weft_listener *l[2] = {weft_listen("127.0.0.1:0", .reuse_port = true), NULL};
    l[1] = weft_listen(weft_listener_address(l[0]), .reuse_port = true);
    assert_true(l[0] && l[1]);
    for (int i = 0; i < MANY; i++)
        peers[i] = raw_connect(port_of(weft_listener_address(l[0])));
    while (got[0] + got[1] < MANY) {
        weft_conn *c = NULL;
        for (int i = 0; i < 2; i++) {
            c = weft_accept(l[i], WEFT_POLL);
            got[i] += c != NULL;
            weft_conn_close(&c);
        }
    }
    assert_true(got[0] > 0 && got[1] > 0);
    for (int i = 0; i < MANY; i++)
        close(peers[i]);
    weft_listener_close(&l[0]);
    weft_listener_close(&l[1]);
}

static void a_path_cannot_be_shared(void **state)
{
    (void)state;
    struct stat st;
    assert_failed_with(weft_listen(unix_address("shared"), .reuse_port = true), -EOPNOTSUPP);
    assert_int_equal(stat(path_of(unix_address("shared")), &st), -1);
}

// ---- backlog ----------------------------------------------------------------------------

static void a_short_backlog_makes_the_next_one_wait(void **state)
{
    (void)state;
    weft_listener *l = weft_listen(unix_address("short"), .backlog = 2);
    assert_non_null(l);
    weft_conn *conns[16];
    size_t n = 0;
    while (n < COUNT(conns) && (conns[n] = weft_connect(unix_address("short"), WEFT_POLL)))
        n++;
    assert_in_range(n, 2, 3); // the kernel's queue of n holds n + 1
    assert_int_equal(weft_error_code(), -ETIMEDOUT);
    while (n > 0)
        weft_conn_close(&conns[--n]);
    weft_listener_close(&l);
}

// ---- v6_only ----------------------------------------------------------------------------

// A listener of version 6 alone, and one of version 4 at its port. That may be somebody else's in
// version 4, another test's: then the next.
static weft_listener *listen_twice(weft_listener **m, char *address, size_t size)
{
    for (int i = 0; i < 20; i++) {
        weft_listener *l = weft_listen(":0", .v6_only = true);
        assert_non_null(l);
        snprintf(address, size, "127.0.0.1:%u", port_of(weft_listener_address(l)));
        *m = weft_listen(address);
        if (*m)
            return l;
        weft_listener_close(&l);
    }
    fail_msg("20 ports of version 6 alone were taken in version 4 too");
    return NULL;
}

static void version_6_alone_leaves_the_port_of_version_4(void **state)
{
    (void)state;
    char address[64];
    weft_listener *m;
    if (!have_v6())
        skip();
    weft_listener *l = listen_twice(&m, address, sizeof address);
    unsigned port = port_of(weft_listener_address(l));
    weft_conn *to_m = weft_connect(address, much_later());
    weft_conn *at_m = weft_accept(m, much_later());
    assert_non_null(to_m);
    assert_non_null(at_m);
    weft_conn_close(&to_m);
    weft_conn_close(&at_m);
    weft_listener_close(&m);
    snprintf(address, sizeof address, "[::1]:%u", port);
    weft_conn *c = weft_connect(address, much_later());
    assert_non_null(c);
    weft_conn_close(&c);
    weft_listener_close(&l);
}

static void version_6_alone_needs_an_address_of_it(void **state)
{
    (void)state;
    assert_failed_with(weft_listen("127.0.0.1:0", .v6_only = true), -EAFNOSUPPORT);
    assert_non_null(strstr(weft_error(), "127.0.0.1:0"));
}

// ---- mode -------------------------------------------------------------------------------

static mode_t mode_with(mode_t asked, mode_t mask)
{
    struct stat st = {.st_mode = 0};
    mode_t before = umask(mask);
    weft_listener *l = weft_listen(unix_address("mode"), .mode = asked);
    umask(before);
    if (!l)
        fail_msg("%s", weft_error());
    assert_int_equal(stat(path_of(unix_address("mode")), &st), 0);
    weft_listener_close(&l);
    return st.st_mode & 07777;
}

static void a_path_has_the_mode_that_was_asked_for_less_the_umask(void **state)
{
    (void)state;
    assert_int_equal(mode_with(0600, 0), 0600);
    assert_int_equal(mode_with(0660, 0022), 0640);
    assert_int_equal(mode_with(0666, 0), 0666);
    assert_int_equal(mode_with(0, 0077), 0700);
    assert_int_equal(mode_with(0, 0), 0777);
}

// ---- the rest ---------------------------------------------------------------------------

static void the_options_are_set_on_the_socket(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    int peer = raw_connect(port_of(weft_listener_address(l)));
    weft_conn *c = weft_accept(l, much_later());
    assert_non_null(c);
    assert_int_not_equal(value_of(weft_conn_fd(c), SOL_SOCKET, SO_REUSEADDR), 0); // inherited
    assert_int_equal(value_of(weft_conn_fd(c), SOL_SOCKET, SO_REUSEPORT), 0);
    weft_conn_close(&c);
    close(peer);
    weft_listener_close(&l);
}

// ---- the end of its process ------------------------------------------------------------------

static int turn_away(weft_listener *const *l, weft_none *none)
{
    (void)none;
    for (weft_conn *c; (c = weft_accept(*l, WEFT_FOREVER));)
        weft_conn_close(&c);
    return weft_error_code();
}
WEFT_TASK(turn_away, weft_listener *, weft_none);

// Killed in the middle of an accept, by then.
static int run_killed(void)
{
    enum { GUESTS = 3 };
    char byte;
    weft_listener *l = weft_listen("127.0.0.1:0");
    weft_future *f = weft_start(WEFT_THREADS, turn_away, &l);
    if (!f)
        return 1;
    for (int i = 0; i < GUESTS; i++) {
        weft_conn *c = weft_connect(weft_listener_address(l), much_later());
        if (!c || weft_read(c, &byte, 1, much_later()) != 0)
            return 1;
        weft_conn_close(&c);
    }
    nap_ms(5);
    dprintf(STDOUT_FILENO, "%s", weft_listener_address(l));
    return raise(SIGKILL);
}

static void the_port_of_a_killed_server_is_free_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct ran ran;
        run_scene("killed", false, &ran);
        weft_listener *l = weft_listen(ran.out);
        show_unless(l && WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == SIGKILL, "killed",
                    &ran);
        weft_listener_close(&l);
    }
}

static int run_negative_backlog(void)
{
    weft_listener *l = weft_listen("127.0.0.1:0", .backlog = -1);
    weft_listener_close(&l);
    return 0;
}

static void a_negative_backlog_aborts(void **state)
{
    (void)state;
    assert_aborts("negative_backlog", "weft_listen", "backlog of -1");
}

static const struct scene scenes[] = {
    {"negative_backlog", run_negative_backlog},
    {"killed", run_killed},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_address_of_one_link_is_told_with_its_link),
    cmocka_unit_test(several_listeners_share_a_port_if_all_say_so),
    cmocka_unit_test(the_system_spreads_the_connections_over_them),
    cmocka_unit_test(a_path_cannot_be_shared),
    cmocka_unit_test(a_short_backlog_makes_the_next_one_wait),
    cmocka_unit_test(version_6_alone_leaves_the_port_of_version_4),
    cmocka_unit_test(version_6_alone_needs_an_address_of_it),
    cmocka_unit_test(a_path_has_the_mode_that_was_asked_for_less_the_umask),
    cmocka_unit_test(the_options_are_set_on_the_socket),
    cmocka_unit_test(a_negative_backlog_aborts),
    cmocka_unit_test(the_port_of_a_killed_server_is_free_at_once),
};

TEST_MAIN_IN_FOLDER(tests, scenes, COUNT(scenes))
