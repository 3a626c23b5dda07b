// SPDX-License-Identifier: MIT
// pipe_peers_test.c - pipes between processes: forked ones, killed ones, and strangers who send
// what they like.
#include "fork_helpers.h"

#include <sys/socket.h>
#include <sys/uio.h>

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 512; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

struct ends {
    weft_end ours, theirs;
};

static struct ends pipe_new(void)
{
    struct ends ends;
    assert_int_equal(weft_pipe(&ends.ours, &ends.theirs), 0);
    return ends;
}

// A child that runs fn with its end alone, while we have ours alone.
static pid_t start_child(struct ends *ends, int (*fn)(weft_end end))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(60);
        weft_end_close(&ends->ours);
        _exit(fn(ends->theirs));
    }
    weft_end_close(&ends->theirs);
    return pid;
}

static void ends_with(int code, pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

// ---- forked --------------------------------------------------------------------------

static int echo(weft_end end)
{
    char message[256];
    ssize_t n;
    while ((n = weft_recv(end, message, sizeof message, WEFT_FOREVER)) >= 0)
        CHECK(weft_send(end, message, (size_t)n, WEFT_FOREVER) == 0);
    CHECK(n == -EPIPE);
    return 0;
}

TEST(a_child_of_a_fork_answers)
{
    struct ends ends = pipe_new();
    pid_t pid = start_child(&ends, echo);
    char sent[256], got[256];
    for (size_t size = 0; size < sizeof sent; size += 5) {
        memset(sent, (int)size, sizeof sent);
        assert_int_equal(weft_send(ends.ours, sent, size, much_later()), 0);
        assert_int_equal(weft_recv(ends.ours, got, sizeof got, much_later()), size);
        assert_memory_equal(got, sent, size);
    }
    weft_end_close(&ends.ours);
    ends_with(0, pid);
}

TEST(an_end_is_closed_when_its_last_copy_is)
{
    struct ends ends = pipe_new();
    char got[8];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) { // keeps a copy of both until it is told
        alarm(60);
        _exit(weft_recv(ends.theirs, got, sizeof got, WEFT_FOREVER) == 2 ? 0 : 1);
    }
    weft_end_close(&ends.theirs);
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, soon()), -ETIMEDOUT);
    assert_int_equal(weft_send(ends.ours, "go", 2, WEFT_POLL), 0);
    ends_with(0, pid);
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, much_later()), -EPIPE);
    weft_end_close(&ends.ours);
}

// A thread that is always inside of a read when we fork.
struct reading {
    weft_end end;
    atomic_bool stop;
};

static int read_all_the_time(void *arg)
{
    struct reading *r = arg;
    char got[8];
    while (!atomic_load(&r->stop))
        CHECK(weft_recv(r->end, got, sizeof got, WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int read_one(void *end)
{
    char got[8];
    CHECK(weft_recv(*(weft_end *)end, got, sizeof got, WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

TEST(a_child_reads_although_a_thread_was_reading_at_the_fork)
{
    struct ends ends = pipe_new();
    struct reading reading = {.end = ends.ours};
    struct away away;
    go(&away, IN_THREAD, read_all_the_time, &reading);
    for (int i = 0; i < 100; i++)
        assert_int_equal(in_child(read_one, &ends.ours), 0);
    atomic_store(&reading.stop, true);
    assert_int_equal(back(&away), 0);
    weft_end_close(&ends.ours);
    weft_end_close(&ends.theirs);
}

// ---- killed --------------------------------------------------------------------------

struct whole {
    int number;
    unsigned char filled[5000];
};

static int send_for_ever(weft_end end)
{
    struct whole w;
    for (w.number = 0;; w.number++) {
        memset(w.filled, w.number, sizeof w.filled);
        int rc = weft_send(end, &w, sizeof w, WEFT_FOREVER);
        if (rc < 0)
            return -rc;
    }
}

TEST(a_killed_writer_leaves_whole_messages_and_then_the_end)
{
    for (int round = 0; round < 20; round++) {
        struct ends ends = pipe_new();
        pid_t pid = start_child(&ends, send_for_ever);
        struct whole w;
        ssize_t n;
        int expected = 0;
        while ((n = weft_recv(ends.ours, &w, sizeof w, much_later())) == sizeof w) {
            assert_int_equal(w.number, expected++);
            assert_int_equal(w.filled[0], (unsigned char)w.number);
            assert_int_equal(w.filled[sizeof w.filled - 1], (unsigned char)w.number);
            if (expected == 5 * round + 1)
                assert_int_equal(kill(pid, SIGKILL), 0);
        }
        assert_int_equal(n, -EPIPE);
        assert_true(expected > 5 * round);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        weft_end_close(&ends.ours);
    }
}

static int sleep_for_ever(weft_end end)
{
    (void)end;
    while (pause() < 0)
        continue;
    return 0;
}

TEST(a_killed_reader_ends_the_wait_of_its_writer)
{
    struct ends ends = pipe_new();
    pid_t pid = start_child(&ends, sleep_for_ever);
    struct whole w = {.number = 1};
    int rc;
    while ((rc = weft_send(ends.ours, &w, sizeof w, WEFT_POLL)) == 0)
        continue;
    assert_int_equal(rc, -ETIMEDOUT);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(weft_send(ends.ours, &w, sizeof w, much_later()), -EPIPE);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    weft_end_close(&ends.ours);
}

// ---- strangers -----------------------------------------------------------------------

static void send_with_descriptors(int fd, const char *text, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {(void *)text, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(4 * sizeof(int))};
    memcpy(CMSG_DATA(c), (int[4]){0, 0, 0, 0}, 4 * sizeof(int));
    assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), size);
}

TEST(descriptors_that_a_stranger_attaches_are_not_kept)
{
    struct ends ends = pipe_new();
    char got[8];
    int before = count_descriptors();
    for (int i = 0; i < 50; i++) {
        send_with_descriptors(ends.theirs.fd, "text", 4);
        send_with_descriptors(ends.theirs.fd, "", 0); // which is looked at more closely
        assert_int_equal(weft_recv(ends.ours, got, 2, WEFT_POLL), -EMSGSIZE);
        assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), 4);
        assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), 0);
    }
    assert_int_equal(count_descriptors(), before);
    weft_end_close(&ends.theirs);
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), -EPIPE);
    weft_end_close(&ends.ours);
}

TEST(what_is_larger_than_any_message_is_named_and_the_pipe_goes_on)
{
    static char large[WEFT_MESSAGE_MAX + 1], got[WEFT_MESSAGE_MAX + 64];
    struct ends ends = pipe_new();
    memset(got, 'g', sizeof got);
    assert_int_equal(send(ends.theirs.fd, large, sizeof large, 0), sizeof large);
    assert_int_equal(weft_send(ends.theirs, "next", 4, WEFT_POLL), 0);
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), -EBADMSG);
    assert_non_null(strstr(weft_error(), "larger than any message"));
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 'g');
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), 4);
    weft_end_close(&ends.theirs);
    weft_end_close(&ends.ours);
}

TEST(garbage_is_bytes_and_never_more_than_the_buffer)
{
    struct ends ends = pipe_new();
    unsigned char garbage[600], got[700];
    unsigned seed = 1;
    for (int round = 0; round < 300; round++) {
        size_t size = (seed = seed * 1103515245u + 12345u) / 65536 % sizeof garbage;
        size_t cap = (seed = seed * 1103515245u + 12345u) / 65536 % sizeof garbage;
        for (size_t i = 0; i < size; i++)
            garbage[i] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 16);
        assert_int_equal(send(ends.theirs.fd, garbage, size, 0), size);
        memset(got, 0xA5, sizeof got);
        ssize_t n = weft_recv(ends.ours, got, cap, WEFT_POLL);
        for (size_t i = cap; i < sizeof got; i++)
            assert_int_equal(got[i], 0xA5);
        if (size > cap) {
            assert_int_equal(n, -EMSGSIZE);
            n = weft_recv(ends.ours, got, sizeof got, WEFT_POLL);
        }
        assert_int_equal(n, size);
        assert_memory_equal(got, garbage, size);
    }
    weft_end_close(&ends.theirs);
    weft_end_close(&ends.ours);
}

TEST(a_stranger_who_shuts_his_side_has_ended)
{
    struct ends ends = pipe_new();
    char got[8];
    assert_int_equal(weft_send(ends.theirs, "x", 1, WEFT_POLL), 0);
    assert_int_equal(shutdown(ends.theirs.fd, SHUT_RDWR), 0);
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), 1);
    assert_int_equal(weft_recv(ends.ours, got, sizeof got, WEFT_POLL), -EPIPE);
    assert_int_equal(weft_send(ends.ours, got, 1, WEFT_POLL), -EPIPE);
    weft_end_close(&ends.theirs);
    weft_end_close(&ends.ours);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_child_of_a_fork_answers),
    cmocka_unit_test(an_end_is_closed_when_its_last_copy_is),
    cmocka_unit_test(a_child_reads_although_a_thread_was_reading_at_the_fork),
    cmocka_unit_test(a_killed_writer_leaves_whole_messages_and_then_the_end),
    cmocka_unit_test(a_killed_reader_ends_the_wait_of_its_writer),
    cmocka_unit_test(descriptors_that_a_stranger_attaches_are_not_kept),
    cmocka_unit_test(what_is_larger_than_any_message_is_named_and_the_pipe_goes_on),
    cmocka_unit_test(garbage_is_bytes_and_never_more_than_the_buffer),
    cmocka_unit_test(a_stranger_who_shuts_his_side_has_ended),
};

TEST_MAIN(tests)
