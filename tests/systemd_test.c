// SPDX-License-Identifier: MIT
// systemd_test.c - sockets that the service manager opened (sd_listen_fds(3)). Each scene is a
// service of its own: it finds sockets from descriptor 3 on, and what the environment says of them.
#include "net_helpers.h"

enum { FIRST = 3 };

static int listening_socket(void)
{
    struct sockaddr_in sin = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 5) == 0 ? fd
                                                                                               : -1;
}

static bool put(int fd, int place)
{
    int high = fcntl(fd, F_DUPFD, 50);
    close(fd);
    bool good = high >= 0 && dup2(high, place) == place;
    close(high);
    return good;
}

// n sockets that listen, with these names.
static bool be_service(int n, const char *names)
{
    char text[16];
    int fds[8];
    bool good = true;
    for (int i = 0; i < n; i++)
        fds[i] = fcntl(listening_socket(), F_DUPFD, 100);
    for (int i = 0; i < n; i++)
        good = good && put(fds[i], FIRST + i);
    snprintf(text, sizeof text, "%d", getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof text, "%d", n);
    setenv("LISTEN_FDS", text, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
    else
        unsetenv("LISTEN_FDNAMES");
    return good;
}

static unsigned port_at(int place)
{
    struct sockaddr_in sin;
    socklen_t size = sizeof sin;
    return getsockname(FIRST + place, (struct sockaddr *)&sin, &size) == 0 ? ntohs(sin.sin_port)
                                                                           : 0;
}

// It is the socket at that place.
static bool takes(const char *address, int place)
{
    weft_listener *l = weft_listen(address);
    unsigned port = port_at(place);
    bool good = l && port != 0 && port_of(weft_listener_address(l)) == port;
    int fd = FIRST + place;
    good = good && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFL) & O_NONBLOCK);
    weft_listener_close(&l);
    return good && fcntl(fd, F_GETFD) < 0;
}

static bool fails(const char *address, int code)
{
    weft_listener *l = weft_listen(address);
    bool good = !l && weft_error_code() == code && strstr(weft_error(), address);
    weft_listener_close(&l);
    return good;
}

#define EXPECT(claim) \
    do { \
        if (!(claim)) { \
            fprintf(stderr, "not so: %s (%s)\n", #claim, weft_error()); \
            return 1; \
        } \
    } while (0)

static int run_serves(void)
{
    EXPECT(be_service(1, "web"));
    weft_listener *l = weft_listen("systemd:web");
    EXPECT(l);
    int peer = raw_connect(port_of(weft_listener_address(l)));
    weft_conn *c = weft_accept(l, much_later());
    EXPECT(c && weft_write(c, "x", 1, much_later()) == 0);
    EXPECT(!weft_accept(l, WEFT_POLL) && weft_error_code() == -ETIMEDOUT); // it does not block
    weft_conn_close(&c);
    weft_listener_close(&l);
    close(peer);
    return 0;
}

static int run_by_name(void)
{
    EXPECT(be_service(4, "web:admin:web:"));
    EXPECT(takes("systemd:admin", 1));
    EXPECT(takes("systemd:web", 0));
    EXPECT(takes("systemd:web", 2));
    EXPECT(fails("systemd:web", -ENOENT));
    EXPECT(fails("systemd:adm", -ENOENT));
    EXPECT(fails("systemd:admin:web", -ENOENT));
    EXPECT(takes("systemd:", 3));
    EXPECT(fails("systemd:", -ENOENT));
    return 0;
}

static int run_in_order(void)
{
    EXPECT(be_service(3, NULL));
    EXPECT(takes("systemd:", 0));
    EXPECT(takes("systemd:unknown", 1));    // as systemd calls what has no name
    EXPECT(put(listening_socket(), FIRST)); // another file has the number now
    EXPECT(takes("systemd:", 2));
    EXPECT(fails("systemd:", -ENOENT));
    return 0;
}

static int run_too_few_names(void)
{
    EXPECT(be_service(3, "web"));
    EXPECT(takes("systemd:web", 0));
    EXPECT(fails("systemd:unknown", -ENOENT));
    EXPECT(takes("systemd:", 1));
    return 0;
}

static int run_not_ours(void)
{
    static const char *const pids[] = {"1", "", "x", "-1", "99999999999999999999", "0"};
    static const char *const counts[] = {"", "x", "-1", "1x", "0"};
    char self[16];
    EXPECT(be_service(1, "web"));
    for (size_t i = 0; i < COUNT(pids); i++) {
        setenv("LISTEN_PID", pids[i], 1);
        EXPECT(fails("systemd:", -ENOENT));
    }
    unsetenv("LISTEN_PID");
    EXPECT(fails("systemd:web", -ENOENT));
    snprintf(self, sizeof self, "%d", getpid());
    setenv("LISTEN_PID", self, 1);
    for (size_t i = 0; i < COUNT(counts); i++) {
        setenv("LISTEN_FDS", counts[i], 1);
        EXPECT(fails("systemd:", -ENOENT));
    }
    unsetenv("LISTEN_FDS");
    EXPECT(fails("systemd:", -ENOENT));
    setenv("LISTEN_FDS", "1", 1);
    EXPECT(takes("systemd:", 0)); // and was left alone so far
    return 0;
}

static int run_no_listener(void)
{
    EXPECT(be_service(5, "plain:datagrams:file:none:good"));
    EXPECT(put(socket(AF_INET, SOCK_STREAM, 0), FIRST)); // as with Accept=yes
    EXPECT(put(socket(AF_INET, SOCK_DGRAM, 0), FIRST + 1));
    EXPECT(put(open("/dev/null", O_RDONLY), FIRST + 2));
    close(FIRST + 3);
    EXPECT(fails("systemd:plain", -EINVAL));
    EXPECT(fails("systemd:datagrams", -EINVAL));
    EXPECT(fails("systemd:file", -ENOTSOCK));
    EXPECT(fails("systemd:none", -EBADF));
    EXPECT(takes("systemd:good", 4));
    return 0;
}

static int run_path(void)
{
    char folder[] = "/tmp/weft-systemd-XXXXXX";
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct stat st;
    EXPECT(mkdtemp(folder) && be_service(1, "path"));
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool good = bind(fd, (struct sockaddr *)&sun, sizeof sun) == 0 && listen(fd, 5) == 0 &&
                put(fd, FIRST);
    weft_listener *l = weft_listen("systemd:path");
    good = good && l && strcmp(weft_listener_address(l) + strlen("unix:"), sun.sun_path) == 0;
    weft_listener_close(&l);
    good = stat(sun.sun_path, &st) == 0 && good; // it is the manager's
    (void)unlink(sun.sun_path);
    (void)rmdir(folder);
    EXPECT(good);
    return 0;
}

static int run_connect(void)
{
    EXPECT(be_service(1, "web"));
    EXPECT(!weft_connect("systemd:web", much_later()) && weft_error_code() == -EINVAL);
    return 0;
}

static void a_passed_socket_serves(void **state)
{
    (void)state;
    assert_ends("serves", 0, "");
}

static void it_is_found_by_its_name_and_taken_once(void **state)
{
    (void)state;
    assert_ends("by_name", 0, "");
    assert_ends("in_order", 0, "");
    assert_ends("too_few_names", 0, "");
}

static void what_is_passed_to_another_process_is_not_ours(void **state)
{
    (void)state;
    assert_ends("not_ours", 0, "");
}

static void what_does_not_listen_is_an_error_that_says_so(void **state)
{
    (void)state;
    assert_ends("no_listener", 0, "");
}

static void the_file_of_a_passed_socket_is_not_removed(void **state)
{
    (void)state;
    assert_ends("path", 0, "");
}

static void nobody_connects_to_one(void **state)
{
    (void)state;
    assert_ends("connect", 0, "");
}

static const struct scene scenes[] = {
    {"serves", run_serves},     {"by_name", run_by_name},
    {"in_order", run_in_order}, {"too_few_names", run_too_few_names},
    {"not_ours", run_not_ours}, {"no_listener", run_no_listener},
    {"path", run_path},         {"connect", run_connect},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_passed_socket_serves),
    cmocka_unit_test(it_is_found_by_its_name_and_taken_once),
    cmocka_unit_test(what_is_passed_to_another_process_is_not_ours),
    cmocka_unit_test(what_does_not_listen_is_an_error_that_says_so),
    cmocka_unit_test(the_file_of_a_passed_socket_is_not_removed),
    cmocka_unit_test(nobody_connects_to_one),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
