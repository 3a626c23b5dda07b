// SPDX-License-Identifier: MIT
// race_test.c - what is waited for comes at the very moment of the deadline: the wait ends by one
// of both, and what did not end it is neither lost nor doubled.
//
// A thread lets it come at a moment that is moved, round by round, towards the one at which both
// are equally frequent: later when it was got, earlier when it was not. What is asserted holds for
// every round, whichever came first.
#include "bad_days.h"
#include "shared_board.h"

#include <sched.h>

enum { ROUNDS = SANITIZED ? 300 : 500 };

struct race {
    const char *name;
    void (*set_up)(void);
    void (*come)(void); // by the thread
    int (*wait)(weft_time deadline);
    int (*settle)(bool got); // by the waiter, after both: the rest is there, and no more
    void (*tear_down)(void);
};

static struct {
    const struct race *race;
    atomic_int round, came; // rounds that were begun, and in which it has come
    atomic_llong moment;    // when it is to come
    int got, missed;
    weft_queue *queue;
    weft_mutex mu;
    weft_cond cond;
    int ready; // guarded by mu
    weft_event event;
    weft_sem sem;
    weft_future *task;
    struct link link;
    weft_listener *listener;
    int guest;
    struct board *board;
    weft_shared_queue *shared;
} s;

// ---- what races -------------------------------------------------------------------------

static void open_queue(void)
{
    s.queue = weft_queue_new(sizeof(int), .capacity = 2);
    assert_non_null(s.queue);
}

static void free_queue(void)
{
    weft_queue_free(&s.queue);
}

static void put_number(void)
{
    int number = atomic_load(&s.round);
    (void)weft_put(s.queue, &number, WEFT_POLL); // there is room; settle sees it
}

static int get_number(weft_time deadline)
{
    int number = -1, rc = weft_get(s.queue, &number, deadline);
    CHECK(number == (rc == 0 ? atomic_load(&s.round) : -1));
    return rc;
}

static int settle_queue(bool got)
{
    CHECK(weft_queue_length(s.queue) == (got ? 0 : 1));
    return got ? 0 : get_number(WEFT_POLL);
}

// The putter waits, for room.
static void fill_queue(void)
{
    s.queue = weft_queue_new(sizeof(int), .capacity = 1);
    assert_true(s.queue && weft_put(s.queue, &(int){-2}, WEFT_POLL) == 0);
}

static void make_room(void)
{
    int number;
    (void)weft_get(s.queue, &number, WEFT_POLL);
}

static int put_in_time(weft_time deadline)
{
    return weft_put(s.queue, &(int){-3}, deadline);
}

static int settle_room(bool got)
{
    CHECK(weft_queue_length(s.queue) == (got ? 1 : 0));
    return got ? 0 : put_in_time(WEFT_POLL);
}

static void nothing(void)
{
}

static void signal_cond(void)
{
    weft_lock(&s.mu);
    s.ready++;
    weft_cond_signal(&s.cond);
    weft_unlock(&s.mu);
}

static int wait_for_cond(weft_time deadline)
{
    int rc = 0;
    weft_lock(&s.mu);
    while (rc == 0 && s.ready == 0)
        rc = weft_cond_wait(&s.cond, &s.mu, deadline);
    if (rc == 0)
        s.ready--;
    weft_unlock(&s.mu);
    return rc;
}

static int settle_cond(bool got)
{
    weft_lock(&s.mu);
    int ready = s.ready;
    s.ready = 0;
    int rc = weft_cond_wait(&s.cond, &s.mu, WEFT_POLL); // the signal is not kept
    weft_unlock(&s.mu);
    CHECK(rc == -ETIMEDOUT && ready == (got ? 0 : 1));
    return 0;
}

static void set_event(void)
{
    weft_event_set(&s.event);
}

static int wait_for_event(weft_time deadline)
{
    return weft_event_wait(&s.event, deadline);
}

static int settle_event(bool got)
{
    (void)got;
    CHECK(weft_event_is_set(&s.event) && wait_for_event(WEFT_POLL) == 0);
    weft_event_clear(&s.event);
    return 0;
}

static void release_one(void)
{
    weft_release(&s.sem, 1);
}

static int acquire(weft_time deadline)
{
    return weft_acquire(&s.sem, deadline);
}

static int settle_sem(bool got)
{
    CHECK(got || acquire(WEFT_POLL) == 0);
    CHECK(acquire(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static void hold_mutex(void)
{
    weft_lock(&s.mu);
}

static void let_mutex_go(void)
{
    weft_unlock(&s.mu);
}

static int lock_in_time(weft_time deadline)
{
    return weft_lock_until(&s.mu, deadline);
}

// And it is held again, for the next round.
static int settle_mutex(bool got)
{
    CHECK(got || weft_lock_until(&s.mu, WEFT_POLL) == 0);
    CHECK(!weft_trylock(&s.mu));
    return 0;
}

static void open_link(void)
{
    s.link = link_up();
}

static void close_link(void)
{
    link_down(&s.link);
}

static void say_byte(void)
{
    char byte = (char)atomic_load(&s.round);
    (void)send(s.link.peer, &byte, 1, MSG_NOSIGNAL);
}

static int read_byte(weft_time deadline)
{
    char buf[4];
    ssize_t n = weft_read(s.link.ours, buf, sizeof buf, deadline);
    CHECK(n < 0 || (n == 1 && buf[0] == (char)atomic_load(&s.round)));
    return n < 0 ? (int)n : 0;
}

static int settle_bytes(bool got)
{
    CHECK(got || read_byte(much_later()) == 0);
    CHECK(read_byte(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int await_byte(weft_time deadline)
{
    return weft_wait_readable(s.link.ours, deadline);
}

static int settle_readable(bool got)
{
    (void)got;
    return settle_bytes(false);
}

static int await_event_on_fd(weft_time deadline)
{
    int rc = weft_wait_fd(weft_conn_fd(s.link.ours), POLLIN, deadline);
    return rc > 0 ? 0 : rc;
}

static void open_listener(void)
{
    s.listener = weft_listen("127.0.0.1:0");
    assert_non_null(s.listener);
}

static void close_listener(void)
{
    weft_listener_close(&s.listener);
}

static void knock(void)
{
    struct sockaddr_in sin = loopback(port_of(weft_listener_address(s.listener)));
    s.guest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)connect(s.guest, (struct sockaddr *)&sin, sizeof sin);
}

static int accept_one(weft_time deadline)
{
    weft_conn *c = weft_accept(s.listener, deadline);
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int settle_guest(bool got)
{
    CHECK(got || accept_one(much_later()) == 0);
    raw_reset(s.guest); // no port is left waiting
    CHECK(accept_one(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int end_with_event(const int *n, int *out)
{
    int rc = weft_event_wait(&s.event, WEFT_FOREVER);
    *out = *n + 1;
    return rc;
}
WEFT_TASK(end_with_event, int, int);

static int wait_for_task(weft_time deadline)
{
    if (!s.task)
        s.task = weft_start(WEFT_FIBERS, end_with_event, &(int){atomic_load(&s.round)});
    CHECK(s.task);
    return weft_wait(s.task, deadline);
}

static int settle_task(bool got)
{
    int out = 0;
    CHECK(!got || weft_done(s.task));
    CHECK(weft_join_as(&s.task, end_with_event, &out) == 0);
    CHECK(out == atomic_load(&s.round) + 1);
    weft_event_clear(&s.event);
    return 0;
}

// ---- what lies in shared memory ------------------------------------------------------------

static void open_board(void)
{
    s.board = board_new();
}

static void free_board(void)
{
    weft_shared_free(&s.board);
}

static void set_shared_event(void)
{
    weft_shared_event_set(&s.board->event);
}

static int wait_for_shared_event(weft_time deadline)
{
    return weft_shared_event_wait(&s.board->event, deadline);
}

static int settle_shared_event(bool got)
{
    (void)got;
    CHECK(weft_shared_event_is_set(&s.board->event) && wait_for_shared_event(WEFT_POLL) == 0);
    weft_shared_event_clear(&s.board->event);
    return 0;
}

static void shared_release_one(void)
{
    weft_shared_release(&s.board->sem, 1);
}

static int shared_acquire(weft_time deadline)
{
    return weft_shared_acquire(&s.board->sem, deadline);
}

static int settle_shared_sem(bool got)
{
    CHECK(got || shared_acquire(WEFT_POLL) == 0);
    CHECK(shared_acquire(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static void open_shared_queue(void)
{
    s.shared = weft_shared_queue_new(sizeof(int), 1);
    assert_non_null(s.shared);
}

static void free_shared_queue(void)
{
    weft_shared_queue_free(&s.shared);
}

static void shared_put_number(void)
{
    int number = atomic_load(&s.round);
    (void)weft_shared_put(s.shared, &number, WEFT_POLL); // there is room; settle sees it
}

static int shared_get_number(weft_time deadline)
{
    int number = -1, rc = weft_shared_get(s.shared, &number, deadline);
    CHECK(number == (rc == 0 ? atomic_load(&s.round) : -1));
    return rc;
}

static int settle_shared_queue(bool got)
{
    CHECK(weft_shared_queue_length(s.shared) == (got ? 0 : 1));
    return got ? 0 : shared_get_number(WEFT_POLL);
}

static void fill_shared_queue(void)
{
    open_shared_queue();
    assert_int_equal(weft_shared_put(s.shared, &(int){-2}, WEFT_POLL), 0);
}

static void make_shared_room(void)
{
    int number;
    (void)weft_shared_get(s.shared, &number, WEFT_POLL);
}

static int shared_put_in_time(weft_time deadline)
{
    return weft_shared_put(s.shared, &(int){-3}, deadline);
}

static int settle_shared_room(bool got)
{
    CHECK(weft_shared_queue_length(s.shared) == (got ? 1 : 0));
    return got ? 0 : shared_put_in_time(WEFT_POLL);
}

static const struct race races[] = {
    {"get", open_queue, put_number, get_number, settle_queue, free_queue},
    {"put", fill_queue, make_room, put_in_time, settle_room, free_queue},
    {"cond", nothing, signal_cond, wait_for_cond, settle_cond, nothing},
    {"event", nothing, set_event, wait_for_event, settle_event, nothing},
    {"semaphore", nothing, release_one, acquire, settle_sem, nothing},
    {"mutex", hold_mutex, let_mutex_go, lock_in_time, settle_mutex, let_mutex_go},
    {"read", open_link, say_byte, read_byte, settle_bytes, close_link},
    {"wait_readable", open_link, say_byte, await_byte, settle_readable, close_link},
    {"wait_fd", open_link, say_byte, await_event_on_fd, settle_readable, close_link},
    {"accept", open_listener, knock, accept_one, settle_guest, close_listener},
    {"wait", nothing, set_event, wait_for_task, settle_task, nothing},
    {"shared event", open_board, set_shared_event, wait_for_shared_event, settle_shared_event,
     free_board},
    {"shared semaphore", open_board, shared_release_one, shared_acquire, settle_shared_sem,
     free_board},
    {"shared get", open_shared_queue, shared_put_number, shared_get_number, settle_shared_queue,
     free_shared_queue},
    {"shared put", fill_shared_queue, make_shared_room, shared_put_in_time, settle_shared_room,
     free_shared_queue},
};

// ---- rounds -----------------------------------------------------------------------------

static void *let_it_come(void *unused)
{
    for (int round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&s.round) != round)
            sched_yield();
        while (weft_now().ns < atomic_load(&s.moment))
            continue;
        s.race->come();
        atomic_store(&s.came, round);
    }
    return unused;
}

static int run_round(int round, int64_t *ahead)
{
    int64_t deadline = weft_now().ns + 30000;
    atomic_store(&s.moment, deadline - *ahead);
    atomic_store(&s.round, round);
    int rc = s.race->wait((weft_time){deadline});
    CHECK(rc == 0 || rc == -ETIMEDOUT);
    CHECK(rc == 0 || weft_now().ns >= deadline);
    while (atomic_load(&s.came) != round)
        sched_yield(); // no other fiber has anything to do
    *ahead += rc == 0 ? -500 : 500;
    *ahead = *ahead > 30000 ? 30000 : *ahead; // when the machine is busy with others
    *(rc == 0 ? &s.got : &s.missed) += 1;
    return s.race->settle(rc == 0);
}

static int wait_all_rounds(const int *rounds, weft_none *none)
{
    int64_t ahead = 0;
    (void)none;
    for (int round = 1; round <= *rounds; round++) {
        int rc = run_round(round, &ahead);
        if (rc != 0) {
            fprintf(stderr, "%s: round %d: %d\n", s.race->name, round, rc);
            _exit(1); // the other waits for us
        }
    }
    return 0;
}
WEFT_TASK(wait_all_rounds, int, weft_none);

static void run_race(const struct race *race)
{
    pthread_t thread;
    memset(&s, 0, sizeof s);
    s.race = race;
    race->set_up();
    assert_int_equal(pthread_create(&thread, NULL, let_it_come, NULL), 0);
    weft_future *f = weft_start(WEFT_THREADS, wait_all_rounds, &(int){ROUNDS});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    pthread_join(thread, NULL);
    race->tear_down();
    print_message("%s: came first in %d rounds of %d\n", race->name, s.got, ROUNDS);
}

static void what_comes_at_the_deadline_is_got_once_or_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(races); i++)
        run_race(&races[i]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_comes_at_the_deadline_is_got_once_or_left),
};
TEST_MAIN(tests)
