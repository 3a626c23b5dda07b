// SPDX-License-Identifier: MIT
// chat_shortage_test.c - the web door without memory: what is refused, told and left as it was.
//
// What a connection needs for long is small, and what it needs for a moment is large: so refusing
// blocks from some size on hits the latter and nothing of the library.
#include "web_helpers.h"

#include "chat/web/websocket.h"

static atomic_size_t refused_from; // blocks of that size and more; 0: none

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    size_t from = atomic_load(&refused_from);
    if (from > 0 && size >= from) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_malloc(size);
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
    struct door d;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_waits_until_there_is_memory_for_it),
        cmocka_unit_test(a_large_batch_is_posted_whole_or_not_at_all),
        cmocka_unit_test(early_bytes_need_memory),
        cmocka_unit_test(a_request_without_memory_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
