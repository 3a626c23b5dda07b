// SPDX-License-Identifier: MIT
// epoll_test.c - a kernel without epoll_pwait2: loops wait in milliseconds, and never too short.
#include "unit.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "os/clock.h"
#include "os/engine.h"

static int asked, told;

// The linker's --wrap (tests/meson.build) leads the library's calls here.
int old_kernel(int poller, struct epoll_event *events, int most, const struct timespec *left,
               const sigset_t *mask) __asm__("__wrap_epoll_pwait2");
int old_kernel(int poller, struct epoll_event *events, int most, const struct timespec *left,
               const sigset_t *mask)
{
    (void)poller, (void)events, (void)most, (void)left, (void)mask;
    asked++;
    errno = ENOSYS;
    return -1;
}

static void note(struct wf_io *io)
{
    (void)io;
    told++;
}

static void it_is_asked_once_and_then_done_without(void **state)
{
    (void)state;
    struct wf_engine *engine;
    int fds[2];
    assert_int_equal(wf_epoll_new(eventfd(0, EFD_CLOEXEC), &engine), 0);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct wf_io io = {.fd = fds[0], .events = POLLIN, .told = note};
    assert_int_equal(engine->ops->ask(engine, &io), 0);
    int64_t deadline = wf_clock_now() + 1500000; // between two milliseconds
    engine->ops->look(engine, deadline);
    assert_true(wf_clock_now() >= deadline);
    engine->ops->look(engine, 0);
    assert_int_equal(told, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    engine->ops->look(engine, INT64_MAX);
    assert_int_equal(told, 1);
    assert_int_equal(io.result, POLLIN);
    assert_int_equal(asked, 1);
    wf_engine_free(engine);
    close(fds[0]);
    close(fds[1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_is_asked_once_and_then_done_without),
};
TEST_MAIN(tests)
