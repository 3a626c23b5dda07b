// SPDX-License-Identifier: MIT
// shortage_test.c - what each call says when the system has no memory, no thread or no descriptor
// left, at each of the places where it needs one; and that it then leaves nothing behind.
#include "folder.h"
#include "shortage.h"

// ---- memory and threads ----------------------------------------------------------------

struct place {
    weft_pool *pool;
    weft_group *group;
    weft_listener *listener;
    struct link link;
    char address[64], by_name[64], path[128]; // of the listener, the same by name, a free one
};

static int try_start(struct place *p)
{
    (void)p;
    return square_of(weft_start(WEFT_THREADS, square, &(int){3}));
}

static int try_pool(struct place *p)
{
    (void)p;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 3, .name = "short");
    int rc = pool ? 0 : failure();
    weft_pool_close(&pool);
    return rc;
}

static int try_submit(struct place *p)
{
    return square_of(weft_submit(p->pool, square, &(int){3}));
}

static int try_submit_until(struct place *p)
{
    return square_of(weft_submit_until(p->pool, much_later(), square, &(int){3}));
}

static int try_spawn(struct place *p)
{
    return weft_spawn(p->pool, square, &(int){3});
}

static int try_map(struct place *p)
{
    int out[4] = {0};
    int rc = weft_map(p->pool, WEFT_FOREVER, square, 4, out, (int[]){1, 2, 3, 4});
    return rc < 0 || (out[0] == 1 && out[1] == 4 && out[2] == 9 && out[3] == 16) ? rc : -EIO;
}

static int try_group(struct place *p)
{
    weft_group *group = weft_group_open(p->pool);
    int rc = group ? 0 : failure();
    weft_group_close(&group);
    return rc;
}

static int try_group_add(struct place *p)
{
    return weft_group_add(p->group, 1, square, &(int){3});
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int try_queue(struct place *p)
{
    (void)p;
    weft_queue *q = weft_queue_new(sizeof(int), .order = WEFT_PRIORITY, .compare = compare);
    int rc = q ? 0 : failure();
    weft_queue_free(&q);
    return rc;
}

static int try_local_set(struct place *p)
{
    static weft_local locals[16];
    static size_t used; // each needs room of its own
    assert_true(used < COUNT(locals));
    return weft_local_set(&locals[used++], p);
}

static int try_listen_at(const char *address)
{
    weft_listener *l = weft_listen(address);
    int rc = l ? 0 : failure();
    weft_listener_close(&l);
    return rc;
}

static int try_listen(struct place *p)
{
    (void)p;
    return try_listen_at("127.0.0.1:0");
}

static int try_listen_by_name(struct place *p)
{
    (void)p;
    return try_listen_at("localhost:0");
}

static int try_listen_at_path(struct place *p)
{
    return try_listen_at(p->path);
}

static int try_connect_to(const char *address)
{
    weft_conn *c = weft_connect(address, much_later());
    int rc = c ? 0 : failure();
    weft_conn_close(&c);
    return rc;
}

static int try_connect(struct place *p)
{
    return try_connect_to(p->address);
}

static int try_connect_by_name(struct place *p)
{
    return try_connect_to(p->by_name);
}

static int try_accept(struct place *p)
{
    int peer = raw_connect(port_of(p->address));
    weft_conn *c = weft_accept(p->listener, much_later());
    int rc = c ? 0 : failure();
    weft_conn_close(&c);
    close(peer);
    return rc;
}

static int try_read_line(struct place *p)
{
    char line[16];
    ssize_t n = weft_read_line(p->link.ours, line, sizeof line, much_later());
    return n < 0 || strcmp(line, "all of it") == 0 ? (int)n : -EIO;
}

// More than the library may still have at hand.
static int try_post(struct place *p)
{
    static const char text[4096];
    return weft_post(p->link.ours, text, sizeof text);
}

static const struct step need_memory[] = {
    {"weft_start", try_start},
    {"weft_pool_open", try_pool},
    {"weft_submit", try_submit},
    {"weft_submit_until", try_submit_until},
    {"weft_spawn", try_spawn},
    {"weft_map", try_map},
    {"weft_group_open", try_group},
    {"weft_group_add", try_group_add},
    {"weft_queue_new", try_queue},
    {"weft_local_set", try_local_set},
    {"weft_listen", try_listen},
    {"weft_listen by name", try_listen_by_name},
    {"weft_listen at a path", try_listen_at_path},
    {"weft_connect", try_connect},
    {"weft_connect by name", try_connect_by_name},
    {"weft_accept", try_accept},
    {"weft_read_line", try_read_line},
    {"weft_post", try_post},
};

static const struct step need_a_thread[] = {
    {"weft_start", try_start},
    {"weft_pool_open", try_pool},
    {"weft_listen by name", try_listen_by_name},
    {"weft_connect by name", try_connect_by_name},
};

static void find_a_place(struct place *p)
{
    *p = (struct place){.pool = weft_pool_open(WEFT_THREADS, .workers = 2), .link = link_up()};
    p->group = weft_group_open(p->pool);
    p->listener = weft_listen("127.0.0.1:0");
    assert_true(p->pool && p->group && p->listener);
    snprintf(p->address, sizeof p->address, "%s", weft_listener_address(p->listener));
    snprintf(p->by_name, sizeof p->by_name, "localhost:%u", port_of(p->address));
    snprintf(p->path, sizeof p->path, "%s", unix_address("s"));
    raw_say(p->link.peer, "all of it\n");
}

static void leave_the_place(struct place *p)
{
    link_down(&p->link);
    weft_listener_close(&p->listener);
    weft_group_close(&p->group);
    weft_pool_close(&p->pool);
}

static void starve_one(const struct step *step, struct shortage of)
{
    struct place p;
    find_a_place(&p);
    assert_int_equal(of.of == NOTHING ? step->call(&p) < 0 : 0, 0); // it can be done at all
    int before = open_descriptors();
    if (of.of != NOTHING)
        starve(step, &p, of);
    while (open_descriptors() != before) // else the time limit says that some are left
        nap_ms(1);
    leave_the_place(&p);
}

static void starve_all(const struct step *steps, size_t n, enum resource of, int error)
{
    for (size_t i = 0; i < n; i++) {
        starve_one(&steps[i], (struct shortage){.of = NOTHING});
        starve_one(&steps[i], (struct shortage){.of = of, .error = error, .once = true});
        starve_one(&steps[i], (struct shortage){.of = of, .error = error});
    }
}

static void without_memory_every_call_says_so_and_leaves_nothing(void **state)
{
    (void)state;
    starve_all(need_memory, COUNT(need_memory), MEMORY, ENOMEM);
}

static void without_threads_every_call_says_so_and_leaves_none(void **state)
{
    (void)state;
    starve_all(need_a_thread, COUNT(need_a_thread), THREADS, EAGAIN);
    assert_int_equal(threads_named("short-"), 0);
}

static void cancelled_without_memory_a_task_keeps_its_code(void **state)
{
    (void)state;
    struct hold h;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *held = hold_a_worker(pool, &h);
    weft_future *f = weft_submit(pool, square, &(int){3});
    assert_non_null(f);
    shortage = (struct shortage){.of = MEMORY, .error = ENOMEM};
    weft_cancel(f);
    assert_true(end_shortage() > 0);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_non_null(strstr(weft_error(), "square"));
    assert_int_equal(let_go(&held, &h), 0);
    weft_pool_close(&pool);
}

// ---- descriptors -----------------------------------------------------------------------

static int call_listen(struct call *c)
{
    (void)c;
    return try_listen_at("127.0.0.1:0");
}

static int call_wait_fd(struct call *c)
{
    return weft_wait_fd(weft_conn_fd(c->conn), POLLIN, c->deadline);
}

static int call_wait_signal(struct call *c)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return weft_wait_signal(&set, c->deadline);
}

static const struct {
    const char *name;
    int (*run)(struct call *);
    bool needs_queue; // a full output queue, without which there is nothing to wait for
} need_descriptors[] = {
    {"weft_listen", call_listen, false},
    {"weft_accept", call_accept, false},
    {"weft_connect", call_connect, false},
    {"weft_read", call_read, false},
    {"weft_wait_readable", call_wait_readable, false},
    {"weft_read_line", call_read_line, false},
    {"weft_write", call_write, false},
    {"weft_flush", call_flush, true},
    {"weft_shutdown", call_shutdown, true},
    {"weft_wait_fd", call_wait_fd, false},
    {"weft_wait_signal", call_wait_signal, false},
};

struct attempt {
    struct call call;
    struct shortage of;
    int refused;
};

static int make_attempt(struct attempt *const *arg, weft_none *none)
{
    struct attempt *a = *arg;
    (void)none;
    shortage = a->of;
    int rc = a->call.run(&a->call);
    a->refused = end_shortage();
    return rc < 0 && failure() != rc ? weft_fail(-EIO, "it said %d: %s", rc, weft_error()) : rc;
}
WEFT_TASK(make_attempt, struct attempt *, weft_none);

// In a thread of its own, which has no descriptor to be woken by yet. How many were refused.
static int attempt(size_t i, int error, int spared)
{
    struct link link = link_up();
    weft_listener *l = weft_listen("127.0.0.1:0");
    if (need_descriptors[i].needs_queue)
        (void)post_until_full(link.ours, 1 << 16);
    struct attempt a = {
        .call = {.run = need_descriptors[i].run, .conn = link.ours, .listener = l},
        .of = {.of = FILES, .error = error, .spared = spared},
    };
    a.call.deadline = weft_after_ms(20);
    snprintf(a.call.address, sizeof a.call.address, "%s", weft_listener_address(l));
    weft_future *f = weft_start(WEFT_THREADS, make_attempt, &(struct attempt *){&a});
    int rc = weft_join(&f, NULL, 0);
    if (a.refused > 0 ? rc != -error : rc < 0 && rc != -ETIMEDOUT)
        fail_msg("%s without descriptor %d: %d, %s", need_descriptors[i].name, spared + 1, rc,
                 weft_error());
    link_down(&link);
    weft_listener_close(&l);
    return a.refused;
}

static void without_descriptors_every_call_says_whose_limit_it_is(void **state)
{
    (void)state;
    static const int errors[] = {EMFILE, ENFILE}; // the process's, the system's
    for (size_t i = 0; i < COUNT(need_descriptors) * COUNT(errors); i++) {
        size_t which = i / COUNT(errors);
        int spared = 0;
        while (attempt(which, errors[i % COUNT(errors)], spared) > 0)
            spared++;
        if (spared == 0)
            fail_msg("%s needs no descriptor", need_descriptors[which].name);
    }
}

static void a_call_that_only_looks_needs_no_descriptor(void **state)
{
    (void)state;
    int (*const looks[])(struct call *) = {call_read, call_read_line, call_wait_readable,
                                           call_wait_fd};
    struct link link = link_up();
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct attempt a = {
            .call = {.run = looks[i], .conn = link.ours, .deadline = WEFT_POLL},
            .of = {.of = FILES, .error = EMFILE},
        };
        weft_future *f = weft_start(WEFT_THREADS, make_attempt, &(struct attempt *){&a});
        assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
        assert_int_equal(a.refused, 0);
    }
    link_down(&link);
}

static void a_connection_for_which_the_system_has_no_file_stays_in_the_queue(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    int peer = raw_connect(port_of(weft_listener_address(l)));
    shortage = (struct shortage){.of = FILES, .error = ENFILE};
    weft_conn *c = weft_accept(l, much_later());
    assert_int_equal(end_shortage(), 1);
    assert_failed_with(c, -ENFILE);
    c = weft_accept(l, WEFT_POLL);
    assert_non_null(c);
    weft_conn_close(&c);
    weft_listener_close(&l);
    close(peer);
}

// Its peer sees that, and the next one is served.
static void a_connection_for_which_there_is_no_memory_is_closed(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    int peer = raw_connect(port_of(weft_listener_address(l))), next;
    shortage = (struct shortage){.of = MEMORY, .error = ENOMEM};
    weft_conn *c = weft_accept(l, much_later());
    assert_true(end_shortage() > 0);
    assert_null(c);
    assert_int_equal(weft_error_code(), -ENOMEM);
    char byte;
    assert_true(recv(peer, &byte, 1, 0) <= 0);
    next = raw_connect(port_of(weft_listener_address(l)));
    c = weft_accept(l, much_later());
    assert_non_null(c);
    weft_conn_close(&c);
    weft_listener_close(&l);
    close(peer);
    close(next);
}

// One by one, as there is no room to gather them.
static void without_memory_parts_are_written_all_the_same(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[8];
    struct iovec parts[] = {{"ab", 2}, {"c", 1}, {"de", 2}};
    shortage = (struct shortage){.of = MEMORY, .error = ENOMEM};
    int rc = weft_writev(link.ours, parts, COUNT(parts), much_later());
    assert_true(end_shortage() > 0);
    assert_int_equal(rc, 0);
    assert_int_equal(raw_receive(link.peer, buf, 5), 5);
    assert_memory_equal(buf, "abcde", 5);
    link_down(&link);
}

static void an_accept_passes_over_every_way_to_die_in_the_queue(void **state)
{
    (void)state;
    static const int deaths[] = {ECONNABORTED, EPROTO, ENETDOWN,   ENOPROTOOPT, EHOSTDOWN, ENONET,
                                 EHOSTUNREACH, EPERM,  EOPNOTSUPP, ENETUNREACH, EINTR};
    weft_listener *l = weft_listen("127.0.0.1:0");
    for (size_t i = 0; i < COUNT(deaths); i++) {
        int peer = raw_connect(port_of(weft_listener_address(l)));
        shortage = (struct shortage){.of = CONNECTIONS, .error = deaths[i], .once = true};
        weft_conn *c = weft_accept(l, much_later());
        assert_int_equal(end_shortage(), 1);
        if (!c)
            fail_msg("%s: %s", strerror(deaths[i]), weft_error());
        weft_conn_close(&c);
        close(peer);
    }
    weft_listener_close(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_memory_every_call_says_so_and_leaves_nothing),
    cmocka_unit_test(without_threads_every_call_says_so_and_leaves_none),
    cmocka_unit_test(cancelled_without_memory_a_task_keeps_its_code),
    cmocka_unit_test(without_descriptors_every_call_says_whose_limit_it_is),
    cmocka_unit_test(a_call_that_only_looks_needs_no_descriptor),
    cmocka_unit_test(a_connection_for_which_the_system_has_no_file_stays_in_the_queue),
    cmocka_unit_test(a_connection_for_which_there_is_no_memory_is_closed),
    cmocka_unit_test(without_memory_parts_are_written_all_the_same),
    cmocka_unit_test(an_accept_passes_over_every_way_to_die_in_the_queue),
};

TEST_MAIN_IN_FOLDER(tests, NULL, 0)
