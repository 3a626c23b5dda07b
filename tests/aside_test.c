// SPDX-License-Identifier: MIT
// aside_test.c - what the program closed of its standard streams stays closed: nothing of ours
// takes those numbers, where a printf would write into it.
#include "exec_helpers.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "claims.h"
#include "os/aside.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int count_streams(void)
{
    return is_open(STDIN_FILENO) + is_open(STDOUT_FILENO) + is_open(STDERR_FILENO);
}

static void close_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)close(fd);
}

// ---- one descriptor ----------------------------------------------------------------------------

static int scene_of_numbers(void)
{
    int other = dup(STDERR_FILENO), pair[2];
    CHECK(other > STDERR_FILENO && wf_aside(other) == other);
    close_streams();
    int moved = wf_aside(dup(other));
    CHECK(moved > STDERR_FILENO && moved != other && fcntl(moved, F_GETFD) == FD_CLOEXEC);
    CHECK(wf_aside(dup(-1)) == -1 && errno == EBADF);
    CHECK(pipe(pair) == 0 && pair[0] == STDIN_FILENO && wf_aside_pair(pair) == 0);
    CHECK(pair[0] > STDERR_FILENO && pair[1] > STDERR_FILENO && count_streams() == 0);
    return 0;
}

// Where no other number is left, the call that wanted it fails, and holds nothing.
static int scene_without_numbers(void)
{
    int other = dup(STDERR_FILENO), pair[2];
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == 0);
    while (dup(other) >= 0)
        continue;
    close_streams();
    CHECK(wf_aside(dup(other)) == -1 && errno == EMFILE && count_streams() == 0);
    CHECK(pipe(pair) == 0 && wf_aside_pair(pair) == -1 && errno == EMFILE && count_streams() == 0);
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        (void)close(fd); // who looks for leaks at the end needs some
    return 0;
}

static void a_number_of_a_stream_is_given_back(void **state)
{
    (void)state;
    assert_ends("scene_of_numbers", 0, "");
    assert_ends("scene_without_numbers", 0, "");
}

// ---- all that weft makes -----------------------------------------------------------------------

// Waits that end at once, for which whoever waits needs descriptors of his own.
static int wait_briefly(const weft_end *end, weft_none *none)
{
    (void)none;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(weft_recv(*end, &(char){0}, 1, weft_after_ms(1)) == -ETIMEDOUT);
    CHECK(weft_wait_signal(&set, weft_after_ms(1)) == -ETIMEDOUT);
    CHECK(count_streams() == 0);
    return 0;
}
WEFT_TASK(wait_briefly, weft_end, weft_none);

static int add_one(const int *n, int *out)
{
    *out = *n + 1;
    return 0;
}
WEFT_TASK(add_one, int, int);

static int scene_of_a_program(void)
{
    weft_end ours, theirs;
    close_streams();
    CHECK(weft_pipe(&ours, &theirs) == 0);
    for (enum weft_kind kind = WEFT_FIBERS; kind <= WEFT_THREADS; kind++) {
        weft_future *f = weft_start(kind, wait_briefly, &ours);
        CHECK(f && weft_join(&f, NULL, 0) == 0);
    }
    weft_listener *listener = weft_listen("127.0.0.1:0");
    CHECK(listener);
    weft_conn *client = weft_connect(weft_listener_address(listener), WEFT_FOREVER);
    weft_conn *server = weft_accept(listener, WEFT_FOREVER);
    CHECK(client && server);
    int out = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, add_one, &(int){1});
    CHECK(f && weft_join_as(&f, add_one, &out) == 0 && out == 2);
    CHECK(weft_shared(1) && count_streams() == 0);
    weft_conn_close(&server);
    weft_conn_close(&client);
    weft_listener_close(&listener);
    weft_end_close(&ours);
    weft_end_close(&theirs);
    return 0;
}

static void a_program_without_streams_stays_without(void **state)
{
    (void)state;
    assert_ends("scene_of_a_program", 0, "");
}

static const struct scene scenes[] = {
    SCENE(scene_of_numbers),
    SCENE(scene_without_numbers),
    SCENE(scene_of_a_program),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_number_of_a_stream_is_given_back),
    cmocka_unit_test(a_program_without_streams_stays_without),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
