// SPDX-License-Identifier: MIT
// chat_shortage_test.c - the web door and the hub without memory: what is refused, told and left as
// it was.
//
// What a connection needs for long is small, and what it needs for a moment is large: so refusing
// blocks from some size on hits the latter and nothing of the library.
#include "web_helpers.h"

#include "chat/hub/hub.h"
#include "chat/web/websocket.h"

static atomic_size_t refused_from; // blocks of that size and more; 0: none

static bool is_refused(size_t size)
{
    size_t from = atomic_load(&refused_from);
    if (from == 0 || size < from)
        return false;
    errno = ENOMEM;
    return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return is_refused(size) ? NULL : __real_malloc(size);
}

// A compiler may make one call of malloc and memset.
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused(count * size) ? NULL : __real_calloc(count, size);
}

enum { LARGE = 8192 };

static int read_refused(struct wire *w, char *buf, size_t cap)
{
    atomic_store(&refused_from, LARGE);
    ssize_t n = w->ops->read(w, buf, cap, much_later());
    atomic_store(&refused_from, 0);
    return (int)n;
}

static void a_message_waits_until_there_is_memory_for_it(void **state)
{
    (void)state;
    struct link link = link_up();
    struct websocket ws;
    char line[16], frame[32];
    assert_int_equal(websocket_open(&ws, link.ours, false, NULL, 0), 0);
    raw_send(link.peer, frame, put_piece(frame, &(struct piece){0x81, B("hello"), 1, PLAIN}));
    assert_int_equal(read_refused(&ws.wire, line, sizeof line), -ENOMEM);
    assert_int_equal(ws.wire.ops->read(&ws.wire, line, sizeof line, much_later()), 5);
    assert_string_equal(line, "hello");
    websocket_release(&ws);
    link_down(&link);
}

static void a_large_batch_is_posted_whole_or_not_at_all(void **state)
{
    (void)state;
    static char lines[LARGE];
    struct link link = link_up();
    struct websocket ws;
    char told[64];
    memset(lines, 'a', sizeof lines);
    memcpy(lines + sizeof lines - 2, "\r\n", 2);
    assert_int_equal(websocket_open(&ws, link.ours, false, NULL, 0), 0);
    atomic_store(&refused_from, LARGE);
    assert_int_equal(ws.wire.ops->post(&ws.wire, lines, sizeof lines), -ENOMEM);
    assert_int_equal(ws.wire.ops->post(&ws.wire, "small\r\n", 7), 0);
    atomic_store(&refused_from, 0);
    assert_int_equal(ws.wire.ops->post(&ws.wire, lines, sizeof lines), 0);
    assert_int_equal(weft_shutdown(link.ours, much_later()), 0);
    tell_frames(received, receive_all(link.peer), told, sizeof told);
    assert_string_equal(told, "T:small|T:8190");
    websocket_release(&ws);
    link_down(&link);
}

static void early_bytes_need_memory(void **state)
{
    (void)state;
    struct link link = link_up();
    struct websocket ws;
    atomic_store(&refused_from, LARGE);
    assert_int_equal(websocket_open(&ws, link.ours, false, "x", 1), -ENOMEM);
    atomic_store(&refused_from, 0);
    websocket_release(&ws); // as it must be possible after that
    link_down(&link);
}

static void a_request_without_memory_ends_the_connection(void **state)
{
    (void)state;
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static struct door d;
    door_open(&d);
    atomic_store(&refused_from, LARGE);
    assert_int_equal(exchange(&d, request, sizeof request - 1, false), 0);
    while (atomic_load(&d.served) < d.opened)
        nap_ms(1);
    atomic_store(&refused_from, 0);
    assert_int_equal(atomic_load(&d.last), -ENOMEM);
    exchange(&d, request, sizeof request - 1, false); // and the next one is served
    assert_int_equal(status_of(received), 200);
    door_close(&d);
}

// ---- the hub: its tables -------------------------------------------------------------------

enum { BUCKETS = 512, CROWD = 1000 }; // bytes that a new table takes at once; of them it needs more

static int expelled;

static void hear_nothing(struct user *to, struct event *event)
{
    (void)to, (void)event;
}

static void count_expelled(struct user *user, const char *reason)
{
    (void)user, (void)reason;
    expelled++;
}

static int64_t no_time(const struct hub *hub)
{
    (void)hub;
    return 1;
}

static int enter_refused(struct hub *hub, struct user *user, const char *name)
{
    static const struct outlet outlet = {.deliver = hear_nothing, .expel = count_expelled};
    user->outlet = &outlet;
    atomic_store(&refused_from, BUCKETS);
    int rc = user_enter(hub, user, name);
    atomic_store(&refused_from, 0);
    return rc;
}

static void who_comes_first_needs_memory(void **state)
{
    (void)state;
    struct hub hub;
    struct user ann = {.visit = 0};
    hub_init(&hub, no_time, NULL);
    assert_int_equal(enter_refused(&hub, &ann, "ann"), -ENOMEM);
    assert_false(ann.present);
    assert_null(user_find(&hub, "ann"));
    atomic_store(&refused_from, BUCKETS);
    assert_null(room_make(&hub, "#room"));
    atomic_store(&refused_from, 0);
    assert_null(room_find(&hub, "#room"));
    assert_int_equal(user_enter(&hub, &ann, "ann"), 0);
    assert_non_null(room_make(&hub, "#room"));
    user_leave(&ann);
    user_release(&ann);
    hub_free(&hub);
}

static void who_comes_later_may_come_again(void **state)
{
    (void)state;
    static struct user users[CROWD];
    struct hub hub;
    int refused = 0;
    hub_init(&hub, no_time, NULL);
    assert_int_equal(user_enter(&hub, &users[0], "u0"), 0);
    for (int i = 1; i < CROWD; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%d", i);
        int rc = enter_refused(&hub, &users[i], name);
        assert_true(rc == 0 || rc == -ENOMEM);
        refused += rc < 0;
        if (rc < 0)
            assert_int_equal(user_enter(&hub, &users[i], name), 0);
        assert_ptr_equal(user_find(&hub, name), &users[i]);
        assert_ptr_equal(user_find(&hub, "u0"), &users[0]);
    }
    assert_true(refused > 0);
    for (int i = 0; i < CROWD; i++) {
        user_leave(&users[i]);
        user_release(&users[i]);
    }
    hub_free(&hub);
}

// Whoever is alone takes the table along, so to take the name back needs memory too.
static void who_cannot_be_renamed_nor_stay_is_put_out(void **state)
{
    (void)state;
    struct hub hub;
    struct user ann = {.visit = 0};
    hub_init(&hub, no_time, NULL);
    (void)enter_refused(&hub, &ann, "ann");
    assert_int_equal(user_enter(&hub, &ann, "ann"), 0);
    atomic_store(&refused_from, BUCKETS);
    expelled = 0;
    assert_int_equal(user_rename(&ann, "bob"), -ENOMEM);
    atomic_store(&refused_from, 0);
    assert_int_equal(expelled, 1);
    assert_string_equal(ann.name, "ann");
    assert_string_equal(ann.source, "ann!@");
    user_leave(&ann);
    user_release(&ann);
    hub_free(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_waits_until_there_is_memory_for_it),
        cmocka_unit_test(a_large_batch_is_posted_whole_or_not_at_all),
        cmocka_unit_test(early_bytes_need_memory),
        door_test(a_request_without_memory_ends_the_connection),
        cmocka_unit_test(who_comes_first_needs_memory),
        cmocka_unit_test(who_comes_later_may_come_again),
        cmocka_unit_test(who_cannot_be_renamed_nor_stay_is_put_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
