// SPDX-License-Identifier: MIT
// fair_test.c - a fiber that never has to wait, because there is always something for it, lets the
// others of its loop run now and then all the same: whatever call it makes.
#include "net_helpers.h"

enum { CALLS = 400, MOST = 300 }; // that are made; before another fiber has run

// All on one loop.
struct stage {
    int (*act)(struct stage *s); // one call that has something: 0
    int first, done, seen;       // calls: before it begins, and now; when the other fiber ran
    weft_conn *conn;
    weft_listener *listener;
    weft_end end;
    weft_queue *queue;
};

static int keep_busy(struct stage *const *stage, weft_none *none)
{
    struct stage *s = *stage;
    (void)none;
    for (s->done = s->first; s->done < CALLS; s->done++)
        CHECK(s->act(s) == 0);
    return 0;
}
WEFT_TASK(keep_busy, struct stage *, weft_none);

static int look(struct stage *const *stage, weft_none *none)
{
    (void)none;
    (*stage)->seen = (*stage)->done - (*stage)->first;
    return 0;
}
WEFT_TASK(look, struct stage *, weft_none);

// The first fiber starts the other, which can run only when the first lets it.
static int act_beside(struct stage *const *stage, weft_none *none)
{
    struct stage *s = *stage;
    weft_future *other = weft_start(WEFT_FIBERS, look, &s);
    CHECK(other && keep_busy(&s, none) == 0);
    return weft_join(&other, NULL, 0);
}
WEFT_TASK(act_beside, struct stage *, weft_none);

static void others_run_beside(struct stage *s)
{
    s->seen = -1;
    weft_future *f = weft_start(WEFT_FIBERS, act_beside, &s);
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_in_range(s->seen, 0, MOST * (CALLS - s->first) / CALLS);
}

// ---- calls --------------------------------------------------------------------------------

static int read_byte(struct stage *s)
{
    char byte;
    return weft_read(s->conn, &byte, 1, WEFT_FOREVER) == 1 ? 0 : -1;
}

static int read_line(struct stage *s)
{
    char line[4];
    return weft_read_line(s->conn, line, sizeof line, WEFT_FOREVER) == 0 ? 0 : -1;
}

static int await_byte(struct stage *s)
{
    return weft_wait_readable(s->conn, WEFT_FOREVER);
}

static int write_byte(struct stage *s)
{
    return weft_write(s->conn, "x", 1, WEFT_FOREVER);
}

static int try_to_read(struct stage *s)
{
    char byte;
    return weft_read(s->conn, &byte, 1, WEFT_POLL) == -ETIMEDOUT ? 0 : -1;
}

static int receive_byte(struct stage *s)
{
    char byte;
    return weft_recv(s->end, &byte, 1, WEFT_FOREVER) == 1 ? 0 : -1;
}

static int accept_one(struct stage *s)
{
    weft_conn *c = weft_accept(s->listener, WEFT_FOREVER);
    bool came = c != NULL;
    weft_conn_close(&c);
    return came ? 0 : -1;
}

static int get_item(struct stage *s)
{
    int item;
    return weft_get(s->queue, &item, WEFT_FOREVER);
}

static int put_item(struct stage *s)
{
    return weft_put(s->queue, &(int){1}, WEFT_FOREVER);
}

// ---- tests --------------------------------------------------------------------------------

static void on_a_connection_with(const char *byte, int (*act)(struct stage *))
{
    struct link link = link_up();
    for (int i = 0; i < CALLS; i++)
        raw_send(link.peer, byte, strlen(byte));
    others_run_beside(&(struct stage){.act = act, .conn = link.ours});
    link_down(&link);
}

static void who_reads_what_is_there_lets_others_run(void **state)
{
    (void)state;
    on_a_connection_with("x", read_byte);
    on_a_connection_with("\n", read_line);
    on_a_connection_with("x", await_byte);
}

static void who_writes_what_fits_lets_others_run(void **state)
{
    (void)state;
    on_a_connection_with("", write_byte);
}

static void who_only_tries_lets_others_run(void **state)
{
    (void)state;
    on_a_connection_with("", try_to_read);
}

static void who_receives_from_a_full_pipe_lets_others_run(void **state)
{
    (void)state;
    struct stage s = {.act = receive_byte};
    weft_end other;
    assert_int_equal(weft_pipe(&s.end, &other), 0);
    int fits = 0;
    while (fits < CALLS && weft_send(other, "x", 1, WEFT_POLL) == 0)
        fits++;
    s.first = CALLS - fits;
    if (fits > 200) // else the system's pipes are too small for a fiber to go on for long
        others_run_beside(&s);
    weft_end_close(&s.end);
    weft_end_close(&other);
}

static void who_accepts_from_a_full_queue_lets_others_run(void **state)
{
    (void)state;
    struct stage s = {
        .act = accept_one, .listener = weft_listen("127.0.0.1:0"), .first = CALLS / 2};
    assert_non_null(s.listener);
    int peers[CALLS / 2];
    for (int i = 0; i < CALLS / 2; i++)
        peers[i] = raw_connect(port_of(weft_listener_address(s.listener)));
    others_run_beside(&s);
    for (int i = 0; i < CALLS / 2; i++)
        close(peers[i]);
    weft_listener_close(&s.listener);
}

static void through_a_queue(weft_queue *queue)
{
    struct stage s = {.act = put_item, .queue = queue};
    assert_non_null(queue);
    others_run_beside(&s);
    s.act = get_item;
    others_run_beside(&s);
    weft_queue_free(&queue);
}

static void who_finds_room_and_items_in_a_queue_lets_others_run(void **state)
{
    (void)state;
    through_a_queue(weft_queue_new(sizeof(int), .capacity = CALLS));
    through_a_queue(weft_queue_new(sizeof(int), .capacity = CALLS, .order = WEFT_LIFO));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_finds_room_and_items_in_a_queue_lets_others_run),
    cmocka_unit_test(who_reads_what_is_there_lets_others_run),
    cmocka_unit_test(who_writes_what_fits_lets_others_run),
    cmocka_unit_test(who_only_tries_lets_others_run),
    cmocka_unit_test(who_receives_from_a_full_pipe_lets_others_run),
    cmocka_unit_test(who_accepts_from_a_full_queue_lets_others_run),
};
TEST_MAIN(tests)
