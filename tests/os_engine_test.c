// SPDX-License-Identifier: MIT
// os_engine_test.c - the contract of src/os/engine.h, once for each engine.
#include "unit.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/engine.h"
#include "os/poll.h"

static struct {
    struct wf_engine *engine;
    int ours, peer; // a pair of sockets
    int told;       // how often
} s;

static void note(struct wf_io *io)
{
    assert_int_equal(io->state, WF_IO_DONE);
    s.told++;
}

static int with(int (*make)(int bell, struct wf_engine **engine))
{
    int ends[2], bell = eventfd(0, EFD_CLOEXEC);
    if (bell < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
        return -1;
    s.ours = ends[0];
    s.peer = ends[1];
    s.told = 0;
    return make(bell, &s.engine);
}

static int with_epoll(void **state)
{
    (void)state;
    return with(wf_epoll_new);
}

static int with_uring(void **state)
{
    (void)state;
    int rc = with(wf_uring_new);
    if (rc < 0)
        s.engine = NULL; // the kernel refuses: each test is skipped
    return 0;
}

static int without(void **state)
{
    (void)state;
    if (s.engine) {
        assert_int_equal(s.engine->asked, 0);
        s.engine->ops->end(s.engine);
        wf_engine_free(s.engine);
    }
    close(s.ours);
    if (s.peer >= 0)
        close(s.peer);
    return 0;
}

static void need_engine(void)
{
    if (!s.engine)
        skip();
}

static struct wf_io ready(short events, uint64_t edges)
{
    return (struct wf_io){
        .kind = WF_IO_READY, .fd = s.ours, .events = events, .edges = edges, .told = note};
}

static void look_once(void)
{
    s.engine->ops->look(s.engine, 0);
}

// Whatever takes a moment.
static void look_until_told(int told)
{
    int64_t end = wf_clock_now() + INT64_C(20000000000);
    while (s.told < told && wf_clock_now() < end)
        s.engine->ops->look(s.engine, wf_clock_now() + 1000000);
    assert_int_equal(s.told, told);
}

static void say(const char *text)
{
    assert_int_equal(write(s.peer, text, strlen(text)), strlen(text));
}

static void hear(size_t n)
{
    char buf[64];
    assert_int_equal(read(s.ours, buf, n), n);
}

static int ask(struct wf_io *io)
{
    return s.engine->ops->ask(s.engine, io);
}

static void what_is_ready_is_told(void **state)
{
    (void)state;
    need_engine();
    struct wf_io io = ready(POLLIN, 0);
    assert_int_equal(ask(&io), 0);
    look_once();
    assert_int_equal(s.told, 0);
    say("x");
    look_until_told(1);
    assert_int_equal(io.result, POLLIN);
}

static void a_stand_in_is_ready_while_its_descriptor_is(void **state)
{
    (void)state;
    need_engine();
    int stand_in = wf_stand_in_new(s.ours);
    assert_true(stand_in >= 0);
    for (int told = 1; told <= 3; told++) {
        struct wf_io io = ready(POLLIN, 0);
        io.fd = stand_in;
        assert_int_equal(ask(&io), 0);
        look_once();
        assert_int_equal(s.told, told - 1);
        say("x");
        look_until_told(told);
        assert_int_equal(io.result, POLLIN);
        hear(1);
    }
    close(stand_in);
}

// Whoever waits for a descriptor itself may do so by a ring.
static void a_stand_in_keeps_no_file_open(void **state)
{
    (void)state;
    need_engine();
    char byte;
    int stand_in = wf_stand_in_new(s.ours);
    struct wf_io io = ready(POLLIN, 0);
    io.fd = stand_in;
    assert_int_equal(ask(&io), 0);
    look_once();
    close(s.ours);
    s.ours = -1;
    assert_int_equal(read(s.peer, &byte, 1), 0);
    if (!s.engine->ops->forget(s.engine, &io))
        look_until_told(1);
    close(stand_in);
}

static void a_level_wait_is_told_again_while_it_is_ready(void **state)
{
    (void)state;
    need_engine();
    say("x");
    for (int i = 1; i <= 3; i++) {
        struct wf_io io = ready(POLLIN, 0);
        assert_int_equal(ask(&io), 0);
        look_until_told(i);
    }
}

static void two_may_ask_for_one_descriptor(void **state)
{
    (void)state;
    need_engine();
    struct wf_io in = ready(POLLIN, 0), out = ready(POLLOUT, 0);
    assert_int_equal(ask(&in), 0);
    assert_int_equal(ask(&out), 0);
    look_until_told(1);
    assert_int_equal(out.result, POLLOUT);
    assert_int_equal(in.state, WF_IO_ASKED);
    say("x");
    look_until_told(2);
    assert_int_equal(in.result & POLLIN, POLLIN);
}

// No edge is lost between two waits, whether it was looked at meanwhile or not.
static void an_edge_that_came_between_two_waits_is_told(void **state)
{
    (void)state;
    need_engine();
    for (int i = 0; i < 4; i++) {
        int before = s.told;
        struct wf_io io = ready(POLLIN, 7);
        if (ask(&io) == 0)
            look_once();
        else
            before--; // told of at once
        if (io.state == WF_IO_ASKED)
            say("x");
        if (io.state == WF_IO_ASKED)
            look_until_told(before + 1);
        assert_int_equal(io.result & POLLIN, POLLIN);
        hear(1);
        say("y"); // nobody waits
        if (i % 2)
            look_once();
    }
}

static void what_is_forgotten_is_over(void **state)
{
    (void)state;
    need_engine();
    struct wf_io io = ready(POLLIN, 0);
    assert_int_equal(ask(&io), 0);
    look_once();
    if (s.engine->ops->forget(s.engine, &io)) {
        assert_int_equal(io.state, WF_IO_NONE);
    } else {
        look_until_told(1);
        assert_int_equal(io.result, -ECANCELED);
    }
    int told = s.told;
    say("x");
    look_once();
    assert_int_equal(s.told, told);
}

static void a_hang_up_alone_is_told_to_who_asks_for_nothing(void **state)
{
    (void)state;
    need_engine();
    struct wf_io io = ready(0, 0);
    assert_int_equal(ask(&io), 0);
    assert_int_equal(shutdown(s.peer, SHUT_WR), 0); // the end of the stream is no hang-up
    for (int i = 0; i < 5; i++)
        s.engine->ops->look(s.engine, wf_clock_now() + 1000000);
    assert_int_equal(s.told, 0);
    close(s.peer);
    s.peer = -1;
    look_until_told(1);
    assert_int_equal(io.result & POLLHUP, POLLHUP);
}

static void who_waits_for_a_hang_up_can_be_forgotten(void **state)
{
    (void)state;
    need_engine();
    struct wf_io io = ready(0, 0);
    assert_int_equal(ask(&io), 0);
    assert_int_equal(shutdown(s.peer, SHUT_WR), 0);
    look_once();
    look_once();
    if (!s.engine->ops->forget(s.engine, &io))
        look_until_told(1);
    assert_int_not_equal(io.state, WF_IO_ASKED);
}

// The kernel tells of the end of the stream before it hears of the change of mind.
static void what_is_forgotten_before_it_was_handed_over_is_over(void **state)
{
    (void)state;
    need_engine();
    struct wf_io io = ready(0, 0);
    assert_int_equal(shutdown(s.peer, SHUT_WR), 0);
    assert_int_equal(ask(&io), 0);
    if (!s.engine->ops->forget(s.engine, &io)) {
        look_until_told(1);
        assert_int_equal(io.result, -ECANCELED);
    }
    assert_int_not_equal(io.state, WF_IO_ASKED);
}

static void a_file_never_hangs_up(void **state)
{
    (void)state;
    need_engine();
    FILE *file = tmpfile();
    assert_non_null(file);
    struct wf_io io = ready(0, 0);
    io.fd = fileno(file);
    assert_int_equal(ask(&io), 0);
    look_once();
    assert_int_equal(s.told, 0);
    assert_true(s.engine->ops->forget(s.engine, &io));
    fclose(file);
}

// Its file lives on in a copy, and what was armed for it is not for who has the number now.
static void assert_tells_not_of_the_file_before(uint64_t its_edges, uint64_t edges)
{
    need_engine();
    struct wf_io first = ready(POLLIN, its_edges), second = ready(POLLIN, edges);
    int copy = dup(s.ours), other[2];
    assert_true(copy >= 0);
    if (ask(&first) == 0) {
        look_once();
        if (first.state == WF_IO_ASKED && !s.engine->ops->forget(s.engine, &first))
            look_until_told(1);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, other), 0);
    assert_int_equal(dup2(other[0], s.ours), s.ours);
    int before = s.told;
    assert_int_equal(ask(&second), 0);
    close(s.peer); // of the first
    s.peer = other[1];
    look_once();
    look_once();
    assert_int_equal(s.told, before);
    say("x");
    look_until_told(before + 1);
    assert_int_equal(second.result, POLLIN);
    close(copy);
    close(other[0]);
}

static void edges_of_a_file_that_had_the_number_are_not_told(void **state)
{
    (void)state;
    assert_tells_not_of_the_file_before(7, 8);
}

static void level_waits_of_a_file_that_had_the_number_are_not_told(void **state)
{
    (void)state;
    assert_tells_not_of_the_file_before(0, 0);
}

static void neither_is_taken_for_the_other(void **state)
{
    (void)state;
    assert_tells_not_of_the_file_before(0, 1); // the first shot of all
}

static void a_closed_descriptor_is_told_as_such(void **state)
{
    (void)state;
    need_engine();
    struct wf_io io = ready(POLLIN, 0);
    io.fd = dup(s.ours);
    close(io.fd);
    if (ask(&io) == 0)
        look_until_told(1);
    assert_int_equal(io.result, POLLNVAL);
}

static void a_file_is_always_ready(void **state)
{
    (void)state;
    need_engine();
    FILE *file = tmpfile();
    assert_non_null(file);
    struct wf_io io = ready(POLLIN, 0);
    io.fd = fileno(file);
    if (ask(&io) == 0)
        look_until_told(1);
    assert_int_equal(io.result & POLLIN, POLLIN);
    fclose(file);
}

static void a_ring_ends_a_look_and_the_next_one_too(void **state)
{
    (void)state;
    need_engine();
    for (int i = 0; i < 3; i++) {
        wf_engine_ring(s.engine);
        s.engine->ops->look(s.engine, INT64_MAX); // would not come back without
    }
}

static void a_look_ends_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    need_engine();
    int64_t deadline = wf_clock_now() + 3000000;
    s.engine->ops->look(s.engine, deadline);
    assert_true(wf_clock_now() >= deadline);
}

// ---- transfers --------------------------------------------------------------------------

static void need_transfers(void)
{
    if (!s.engine || !s.engine->ops->transfers)
        skip();
}

static struct wf_io transfer(enum wf_io_kind kind, void *bytes, size_t size)
{
    return (struct wf_io){.kind = kind, .fd = s.ours, .bytes = bytes, .size = size, .told = note};
}

static void bytes_come_into_the_askers_buffer(void **state)
{
    (void)state;
    need_transfers();
    char buf[16] = "";
    struct wf_io io = transfer(WF_IO_RECEIVE, buf, sizeof buf);
    assert_int_equal(ask(&io), 0);
    look_once();
    assert_int_equal(s.told, 0);
    say("hello");
    look_until_told(1);
    assert_int_equal(io.result, 5);
    assert_string_equal(buf, "hello");
}

static void a_receive_that_is_taken_back_leaves_the_bytes(void **state)
{
    (void)state;
    need_transfers();
    char buf[16] = "";
    struct wf_io io = transfer(WF_IO_RECEIVE, buf, sizeof buf);
    assert_int_equal(ask(&io), 0);
    look_once();
    assert_false(s.engine->ops->forget(s.engine, &io));
    look_until_told(1);
    assert_int_equal(io.result, -ECANCELED);
    say("x");
    look_once();
    assert_int_equal(buf[0], 0);
    hear(1);
}

static void a_send_takes_what_goes_and_does_not_wait(void **state)
{
    (void)state;
    need_transfers();
    enum { SIZE = 4 << 20 };
    char *bytes = calloc(1, SIZE);
    assert_non_null(bytes);
    struct wf_io io = transfer(WF_IO_SEND, bytes, SIZE);
    assert_int_equal(ask(&io), 0);
    look_once();
    assert_int_equal(s.told, 1);
    assert_true(io.result > 0 && io.result < SIZE);
    io.told = note;
    assert_int_equal(ask(&io), 0); // now nothing goes
    look_once();
    assert_int_equal(io.result, -EAGAIN);
    free(bytes);
}

static void more_than_its_ring_holds_can_be_asked_for(void **state)
{
    (void)state;
    need_transfers();
    enum { N = 6000 };
    static struct wf_io all[N];
    char byte = 'x';
    for (int i = 0; i < N; i++) {
        all[i] = transfer(WF_IO_SEND, &byte, 1);
        assert_int_equal(ask(&all[i]), 0);
    }
    look_until_told(N);
}

// The calls and the operations that a ring may do are told to the kernel together.
static void a_ring_that_works_does_nothing_else(void **state)
{
    (void)state;
    need_transfers();
    look_once();
    int fd = s.engine->fd, event = s.engine->bell;
    char byte = 'x';
    struct wf_io io = transfer(WF_IO_SEND, &byte, 1);
    assert_int_equal(ask(&io), 0); // it is enabled
    look_until_told(1);
    assert_int_equal(syscall(SYS_io_uring_register, fd, IORING_REGISTER_EVENTFD, &event, 1), -1);
    assert_int_equal(errno, EACCES);
}

#define FOR_EACH_ENGINE(test) \
    {#test " by epoll", test, with_epoll, without, NULL}, \
    { \
#test " by io_uring", test, with_uring, without, NULL \
    }

static const struct CMUnitTest tests[] = {
    FOR_EACH_ENGINE(what_is_ready_is_told),
    FOR_EACH_ENGINE(a_stand_in_is_ready_while_its_descriptor_is),
    FOR_EACH_ENGINE(a_stand_in_keeps_no_file_open),
    FOR_EACH_ENGINE(a_level_wait_is_told_again_while_it_is_ready),
    FOR_EACH_ENGINE(two_may_ask_for_one_descriptor),
    FOR_EACH_ENGINE(an_edge_that_came_between_two_waits_is_told),
    FOR_EACH_ENGINE(what_is_forgotten_is_over),
    FOR_EACH_ENGINE(a_hang_up_alone_is_told_to_who_asks_for_nothing),
    FOR_EACH_ENGINE(who_waits_for_a_hang_up_can_be_forgotten),
    FOR_EACH_ENGINE(what_is_forgotten_before_it_was_handed_over_is_over),
    FOR_EACH_ENGINE(a_file_never_hangs_up),
    FOR_EACH_ENGINE(edges_of_a_file_that_had_the_number_are_not_told),
    FOR_EACH_ENGINE(level_waits_of_a_file_that_had_the_number_are_not_told),
    FOR_EACH_ENGINE(neither_is_taken_for_the_other),
    FOR_EACH_ENGINE(a_closed_descriptor_is_told_as_such),
    FOR_EACH_ENGINE(a_file_is_always_ready),
    FOR_EACH_ENGINE(a_ring_ends_a_look_and_the_next_one_too),
    FOR_EACH_ENGINE(a_look_ends_at_its_deadline_and_not_before),
    FOR_EACH_ENGINE(bytes_come_into_the_askers_buffer),
    FOR_EACH_ENGINE(a_receive_that_is_taken_back_leaves_the_bytes),
    FOR_EACH_ENGINE(a_send_takes_what_goes_and_does_not_wait),
    FOR_EACH_ENGINE(more_than_its_ring_holds_can_be_asked_for),
    FOR_EACH_ENGINE(a_ring_that_works_does_nothing_else),
};

TEST_MAIN(tests)
