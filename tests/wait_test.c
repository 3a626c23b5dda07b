// SPDX-License-Identifier: MIT
// wait_test.c - waiting for descriptors and signals, and calls that block.
#include "exec_helpers.h"

#include <poll.h>
#include <sys/socket.h>

static void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

static void close_pipe(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

// ---- descriptors -----------------------------------------------------------------------

static void what_is_ready_is_reported_at_once(void **state)
{
    (void)state;
    int fds[2], pair[2];
    make_pipe(fds);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(weft_wait_fd(fds[1], POLLOUT, WEFT_FOREVER), POLLOUT);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, weft_after_ms(3)), -ETIMEDOUT);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, WEFT_FOREVER), POLLIN);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, WEFT_POLL), POLLIN); // nobody has read it
    assert_int_equal(weft_wait_fd(pair[0], POLLIN | POLLOUT, WEFT_FOREVER), POLLOUT);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(weft_wait_fd(pair[0], POLLIN | POLLOUT, WEFT_FOREVER), POLLIN | POLLOUT);
    close_pipe(fds);
    close_pipe(pair);
}

static void a_deadline_before_the_clock_began_has_passed(void **state)
{
    (void)state;
    const weft_time past[] = {{1}, {0}, {-1}, {INT64_MIN}};
    int fds[2];
    make_pipe(fds);
    for (size_t i = 0; i < COUNT(past); i++)
        assert_int_equal(weft_wait_fd(fds[0], POLLIN, past[i]), -ETIMEDOUT);
    close_pipe(fds);
}

static void errors_and_hangups_always_count(void **state)
{
    (void)state;
    int fds[2];
    make_pipe(fds);
    close(fds[1]);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, WEFT_FOREVER), POLLHUP);
    assert_int_equal(weft_wait_fd(fds[0], 0, WEFT_FOREVER), POLLHUP);
    close(fds[0]);
    make_pipe(fds);
    close(fds[0]);
    int events = weft_wait_fd(fds[1], POLLIN, WEFT_FOREVER);
    assert_true(events > 0 && (events & POLLERR));
    close(fds[1]);
}

static void a_descriptor_that_is_not_open_is_an_error(void **state)
{
    (void)state;
    int fds[2];
    make_pipe(fds);
    close_pipe(fds);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, WEFT_FOREVER), -EBADF);
    assert_int_equal(weft_error_code(), -EBADF);
    assert_int_equal(weft_wait_fd(fds[0], POLLIN, WEFT_POLL), -EBADF);
    assert_int_equal(weft_wait_fd(-1, POLLIN, WEFT_FOREVER), -EBADF);
}

static void a_high_descriptor_is_as_good_as_any(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 1100)
        skip();
    int fds[2];
    make_pipe(fds);
    int high = fcntl(fds[0], F_DUPFD_CLOEXEC, 1090); // beyond what select could watch
    assert_true(high >= 1090);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(weft_wait_fd(high, POLLIN, WEFT_FOREVER), POLLIN);
    close(high);
    close_pipe(fds);
}

struct watch {
    int fd;
    short events;
    weft_time deadline;
    struct spot spot;
};

static int watch_fd(struct watch *const *arg, int *events)
{
    arrive(&(*arg)->spot);
    *events = weft_wait_fd((*arg)->fd, (*arg)->events, (*arg)->deadline);
    return *events < 0 ? *events : 0;
}
WEFT_TASK(watch_fd, struct watch *, int);

static void all_who_wait_for_a_descriptor_are_woken(void **state)
{
    (void)state;
    int fds[2], events = 0;
    make_pipe(fds);
    struct watch watches[3];
    weft_future *futures[3];
    for (int i = 0; i < 3; i++) {
        watches[i] = (struct watch){fds[0], POLLIN, WEFT_FOREVER, {0}};
        futures[i] = weft_start(WEFT_THREADS, watch_fd, &(struct watch *){&watches[i]});
        await_asleep(&watches[i].spot);
        assert_false(weft_done(futures[i]));
    }
    assert_int_equal(write(fds[1], "x", 1), 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weft_join_as(&futures[i], watch_fd, &events), 0);
        assert_int_equal(events, POLLIN);
    }
    close_pipe(fds);
}

static void a_cancelled_task_stops_watching(void **state)
{
    (void)state;
    int fds[2];
    make_pipe(fds);
    weft_time deadlines[] = {WEFT_FOREVER, much_later()};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        struct watch watch = {fds[0], POLLIN, deadlines[i], {0}}, *arg = &watch;
        weft_future *f = weft_start(WEFT_THREADS, watch_fd, &arg);
        await_asleep(&watch.spot);
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    }
    assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC); // borrowed: still open
    close_pipe(fds);
}

// ---- signals ---------------------------------------------------------------------------

static sigset_t set_of(int one, int other)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, one);
    if (other)
        sigaddset(&set, other);
    return set;
}

static int take_signal(struct spot *const *spot, int *sig)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    arrive(*spot);
    *sig = weft_wait_signal(&set, WEFT_FOREVER);
    return *sig < 0 ? *sig : 0;
}
WEFT_TASK(take_signal, struct spot *, int);

static void a_task_waits_for_a_signal(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    static const int signals[] = {SIGUSR1, SIGUSR2, SIGUSR1};
    for (size_t i = 0; i < COUNT(signals); i++) {
        struct spot spot = {0}, *arg = &spot;
        int sig = 0;
        weft_future *f = i == 1 ? weft_submit(pool, take_signal, &arg)
                                : weft_start(WEFT_THREADS, take_signal, &arg);
        await_asleep(&spot);
        assert_int_equal(kill(getpid(), signals[i]), 0);
        assert_int_equal(weft_join_as(&f, take_signal, &sig), 0);
        assert_int_equal(sig, signals[i]);
    }
    weft_pool_close(&pool);
}

static void a_pending_signal_is_taken_once_and_others_stay(void **state)
{
    (void)state;
    sigset_t first = set_of(SIGUSR1, 0), second = set_of(SIGUSR2, 0), both;
    both = set_of(SIGUSR1, SIGUSR2);
    assert_int_equal(weft_wait_signal(&both, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(kill(getpid(), SIGUSR2), 0);
    assert_int_equal(weft_wait_signal(&first, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_wait_signal(&first, weft_after_ms(3)), -ETIMEDOUT);
    assert_int_equal(weft_wait_signal(&second, WEFT_POLL), SIGUSR2);
    assert_int_equal(weft_wait_signal(&both, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(weft_wait_signal(&both, WEFT_FOREVER), SIGUSR1);
}

static void waiting_for_no_signal_is_an_error(void **state)
{
    (void)state;
    sigset_t none;
    sigemptyset(&none);
    assert_int_equal(weft_wait_signal(&none, WEFT_FOREVER), -EINVAL);
    assert_int_equal(weft_error_code(), -EINVAL);
}

static void a_cancelled_task_takes_no_signal(void **state)
{
    (void)state;
    struct spot spot = {0}, *arg = &spot;
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    weft_future *f = weft_start(WEFT_THREADS, take_signal, &arg);
    await_asleep(&spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(weft_wait_signal(&set, WEFT_POLL), SIGUSR1);
}

// ---- no descriptors left ---------------------------------------------------------------

static int wait_without_descriptors(const int *fd, weft_none *none)
{
    (void)none;
    struct rlimit before;
    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return -errno;
    struct rlimit tight = {(rlim_t)*fd, before.rlim_max}; // the next to be opened is beyond it
    if (setrlimit(RLIMIT_NOFILE, &tight) < 0)
        return -errno;
    sigset_t set = set_of(SIGUSR1, 0);
    int signal_rc = weft_wait_signal(&set, WEFT_FOREVER);
    int fd_rc = weft_wait_fd(0, POLLIN, WEFT_FOREVER);
    (void)setrlimit(RLIMIT_NOFILE, &before); // as it was
    if (signal_rc != -EMFILE || fd_rc != -EMFILE)
        return weft_fail(-EIO, "the signal gave %d, the descriptor %d", signal_rc, fd_rc);
    return 0;
}
WEFT_TASK(wait_without_descriptors, int, weft_none);

static int run_no_descriptors(void)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0 || dup2(fds[0], 0) < 0)
        return 1;
    close(fds[0]); // the reading end is descriptor 0 now, and nothing will ever come
    int top = fds[1] + 1;
    for (int fd = 0; fd < top; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)dup2(fds[1], fd); // no gaps below
    weft_future *f = weft_start(WEFT_THREADS, wait_without_descriptors, &top);
    int rc = weft_join(&f, NULL, 0);
    if (rc < 0)
        fprintf(stderr, "%s\n", weft_error());
    return rc < 0;
}

static void a_wait_that_lacks_a_descriptor_says_so(void **state)
{
    (void)state;
    assert_ends("no_descriptors", 0, "");
}

// ---- calls that block ------------------------------------------------------------------

struct question {
    int n;
    struct hold *hold; // to stay in, or NULL
};

struct answer {
    const void *asked_at, *answered_at;
    int n, tid;
};

static int answer(const struct question *q, struct answer *a)
{
    *a = (struct answer){q, a, q->n + 1, gettid()};
    if (q->hold) {
        sem_post(&q->hold->started);
        sem_take(&q->hold->release);
    }
    return q->n >= 0 ? 0 : weft_fail(q->n, "no answer to %d", q->n);
}
WEFT_TASK(answer, struct question, struct answer);

static void a_blocking_call_uses_argument_and_result_in_place(void **state)
{
    (void)state;
    struct question q = {.n = 41};
    struct answer a = {.n = 0};
    assert_int_equal(weft_block(answer, &a, &q), 0);
    assert_int_equal(a.n, 42);
    assert_ptr_equal(a.asked_at, &q);
    assert_ptr_equal(a.answered_at, &a);
    assert_int_equal(a.tid, gettid());
}

static void a_blocking_call_that_fails_says_why(void **state)
{
    (void)state;
    struct answer a = {.n = 0};
    assert_int_equal(weft_block(answer, &a, &(struct question){.n = -ENOSTR}), -ENOSTR);
    assert_int_equal(weft_error_code(), -ENOSTR);
    assert_non_null(strstr(weft_error(), "no answer"));
}

static int give_no_reason(const int *code, weft_none *none)
{
    (void)none;
    return *code;
}
WEFT_TASK(give_no_reason, int, weft_none);

// As on a fiber, and as of a task that is joined: else weft_error would tell of another failure.
static void a_blocking_call_that_fails_without_words_gets_those_of_its_code(void **state)
{
    weft_none none;
    (void)state;
    (void)weft_fail(-EIO, "another one, before");
    assert_int_equal(weft_block(give_no_reason, &none, &(int){-EBUSY}), -EBUSY);
    assert_int_equal(weft_error_code(), -EBUSY);
    assert_string_equal(weft_error(), "give_no_reason: Device or resource busy");
}

static int ask(struct hold *const *h, struct answer *a)
{
    int rc = weft_block(answer, a, &(struct question){.n = 1, .hold = *h});
    return rc < 0 ? rc : a->n != 2 ? -EIO : weft_check();
}
WEFT_TASK(ask, struct hold *, struct answer);

static void once_begun_a_blocking_call_is_waited_for(void **state)
{
    (void)state;
    struct hold h, *arg = &h;
    hold_init(&h);
    weft_future *f = weft_start(WEFT_THREADS, ask, &arg);
    sem_take(&h.started);
    weft_cancel(f);
    sem_post(&h.release);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED); // of the weft_check after it
}

static const struct scene scenes[] = {{"no_descriptors", run_no_descriptors}};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_ready_is_reported_at_once),
    cmocka_unit_test(a_deadline_before_the_clock_began_has_passed),
    cmocka_unit_test(errors_and_hangups_always_count),
    cmocka_unit_test(a_descriptor_that_is_not_open_is_an_error),
    cmocka_unit_test(a_high_descriptor_is_as_good_as_any),
    cmocka_unit_test(all_who_wait_for_a_descriptor_are_woken),
    cmocka_unit_test(a_cancelled_task_stops_watching),
    cmocka_unit_test(a_task_waits_for_a_signal),
    cmocka_unit_test(a_pending_signal_is_taken_once_and_others_stay),
    cmocka_unit_test(waiting_for_no_signal_is_an_error),
    cmocka_unit_test(a_cancelled_task_takes_no_signal),
    cmocka_unit_test(a_wait_that_lacks_a_descriptor_says_so),
    cmocka_unit_test(a_blocking_call_uses_argument_and_result_in_place),
    cmocka_unit_test(a_blocking_call_that_fails_says_why),
    cmocka_unit_test(a_blocking_call_that_fails_without_words_gets_those_of_its_code),
    cmocka_unit_test(once_begun_a_blocking_call_is_waited_for),
};

int main(int argc, char **argv)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2); // blocked before there is any other thread
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (is_scene(argc, argv))
        return play_scene(argv[2], scenes, COUNT(scenes));
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
