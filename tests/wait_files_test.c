// SPDX-License-Identifier: MIT
// wait_files_test.c - weft_wait_fd on what is always ready, never so, or not there: files, folders,
// devices, closed numbers, sockets whose peer has gone. It says what poll(2) says, whatever the
// task waits by.
#include "exec_helpers.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

struct wait {
    int fd;
    short events;
    weft_time deadline;
};

static int wait_for(const struct wait *w, int *events)
{
    int rc = weft_wait_fd(w->fd, w->events, w->deadline);
    *events = rc > 0 ? rc : 0;
    return rc < 0 ? rc : 0;
}
WEFT_TASK(wait_for, struct wait, int);

// By a task: the events, or the error.
static int wait_in_a_task(int fd, short events, weft_time deadline)
{
    int got = 0;
    weft_future *f = weft_start(WEFT_THREADS, wait_for, &(struct wait){fd, events, deadline});
    int rc = weft_join_as(&f, wait_for, &got);
    return rc < 0 ? rc : got;
}

static int as_poll_says(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, 0);
    assert_true(n >= 0);
    return p.revents & POLLNVAL ? -EBADF : n == 0 ? -ETIMEDOUT : p.revents;
}

// Whatever is asked for.
static void assert_is_as_poll_says(int fd, const char *what)
{
    static const short asked[] = {
        POLLIN,     POLLOUT, POLLIN | POLLOUT, POLLIN | POLLPRI, POLLOUT | POLLPRI, POLLPRI,
        POLLRDNORM, 0};
    for (size_t i = 0; i < COUNT(asked); i++) {
        int said = as_poll_says(fd, asked[i]);
        const weft_time deadlines[] = {said == -ETIMEDOUT ? weft_after_ms(3) : WEFT_FOREVER,
                                       WEFT_POLL};
        for (size_t k = 0; k < COUNT(deadlines); k++) {
            int got = wait_in_a_task(fd, asked[i], deadlines[k]);
            if (got != said)
                fail_msg("%s, asked for %#x: %d, and poll says %d", what, (unsigned)asked[i], got,
                         said);
        }
    }
}

static void what_is_opened_is_as_poll_says(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int flags;
    } opened[] = {
        {"/proc/self/exe", O_RDONLY}, {"/", O_RDONLY | O_DIRECTORY},   {"/dev/null", O_RDWR},
        {"/dev/zero", O_RDONLY},      {"/proc/self/status", O_RDONLY}, {"/", O_PATH},
    };
    for (size_t i = 0; i < COUNT(opened); i++) {
        int fd = open(opened[i].path, opened[i].flags | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_is_as_poll_says(fd, opened[i].path);
        close(fd);
    }
}

static void an_empty_file_is_as_poll_says(void **state)
{
    (void)state;
    int fd = memfd_create("empty", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_is_as_poll_says(fd, "an empty file");
    assert_int_equal(write(fd, "x", 1), 1);
    assert_is_as_poll_says(fd, "a file");
    close(fd);
}

static void what_is_closed_is_as_poll_says(void **state)
{
    (void)state;
    int fd = memfd_create("closed", MFD_CLOEXEC);
    assert_true(fd >= 0);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 200); // a number that no task takes meanwhile
    assert_is_as_poll_says(high, "a file");
    close(high);
    assert_is_as_poll_says(high, "a closed descriptor");
    assert_is_as_poll_says(high + 100000, "a number beyond all");
    assert_is_as_poll_says(INT_MAX, "the greatest number");
    assert_int_equal(wait_in_a_task(-1, POLLIN, WEFT_FOREVER), -EBADF);
    close(fd);
}

// The number that was a file's is one's who has something to wait for.
static void a_file_leaves_no_trace(void **state)
{
    (void)state;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_is_as_poll_says(file, "a file");
    int event = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(dup3(event, file, O_CLOEXEC), file);
    assert_is_as_poll_says(file, "an eventfd");
    assert_int_equal(eventfd_write(event, 1), 0);
    assert_is_as_poll_says(file, "an eventfd that was rung");
    assert_int_equal(dup2(open("/", O_RDONLY | O_CLOEXEC), file), file);
    assert_is_as_poll_says(file, "a folder");
    close(event);
    close(file);
}

static void a_socket_whose_peer_ends_is_as_poll_says(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_is_as_poll_says(ends[0], "a socket");
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    assert_is_as_poll_says(ends[0], "a socket whose peer says no more");
    close(ends[1]);
    assert_is_as_poll_says(ends[0], "a socket whose peer has gone");
    close(ends[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_opened_is_as_poll_says),
    cmocka_unit_test(an_empty_file_is_as_poll_says),
    cmocka_unit_test(what_is_closed_is_as_poll_says),
    cmocka_unit_test(a_file_leaves_no_trace),
    cmocka_unit_test(a_socket_whose_peer_ends_is_as_poll_says),
};
TEST_MAIN(tests)
