// SPDX-License-Identifier: MIT
// tls_records_test.c - how what is written is cut into records, which nobody sees but the network.
#include "tls_helpers.h"

#include <sys/ioctl.h>

enum { HEADER = 5, RECORD_MOST = 16384 }; // RFC 8446, section 5.1

static char said[3 * RECORD_MOST], heard[sizeof said];

static size_t arrived(const weft_conn *c)
{
    int bytes = 0;
    assert_int_equal(ioctl(weft_conn_fd(c), FIONREAD, &bytes), 0);
    return (size_t)bytes;
}

// Of the whole records that lie unread in the client's socket: how many, and the plain bytes in
// them. In TLS 1.3 each has a byte for its kind and 16 for its seal.
static size_t count_records(const weft_conn *c, size_t *plain)
{
    static unsigned char wire[2 * sizeof said];
    size_t size = arrived(c), count = 0;
    assert_true(size <= sizeof wire);
    *plain = 0;
    if (size > 0)
        assert_int_equal(recv(weft_conn_fd(c), wire, size, MSG_PEEK), size);
    for (size_t at = 0; at + HEADER <= size; count++) {
        size_t length = (size_t)wire[at + 3] << 8 | wire[at + 4];
        if (at + HEADER + length > size)
            break;
        *plain += length - 17;
        at += HEADER + length;
    }
    return count;
}

static void hear(weft_conn *c, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = weft_read(c, heard + got, size - got, much_later());
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(heard, said, size);
}

// The server's bytes, by one call; they came in so many records.
static size_t records_of(struct ends *e, int (*how)(weft_conn *, const void *, size_t), size_t size)
{
    size_t plain = 0, count = 0;
    assert_int_equal(how(e->server, said, size), 0);
    assert_int_equal(weft_flush(e->server, much_later()), 0);
    assert_true(eventually(((count = count_records(e->client, &plain)), plain >= size)));
    assert_int_equal(plain, size);
    hear(e->client, size);
    return count;
}

static int write_now(weft_conn *c, const void *bytes, size_t size)
{
    return weft_write(c, bytes, size, much_later());
}

// Short ones are written with less memory: that must not be seen, before, between or after.
static void what_fits_into_a_record_is_one(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        1, 768, 769, RECORD_MOST, 2, RECORD_MOST + 1, 1, sizeof said - 1, 767, 1};
    static int (*const ways[])(weft_conn *, const void *, size_t) = {write_now, weft_post};
    struct ends e = up();
    for (size_t way = 0; way < COUNT(ways); way++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            size_t records = records_of(&e, ways[way], sizes[i]);
            assert_int_equal(records, (sizes[i] + RECORD_MOST - 1) / RECORD_MOST);
        }
    down(&e);
}

struct pieces {
    weft_conn *to;
    size_t step;
};

static int post_pieces(const struct pieces *p, size_t *size)
{
    *size = 0;
    for (size_t piece = 1; *size + piece < sizeof said; piece += p->step) {
        CHECK(weft_post(p->to, said + *size, piece) == 0);
        *size += piece;
    }
    return weft_flush(p->to, much_later()); // a thread that could not send at once
}
WEFT_TASK(post_pieces, struct pieces, size_t);

// By a fiber all in one turn, and so in one record; a thread sends each at once.
static void many_posts_arrive_whole(void **state)
{
    (void)state;
    struct ends e = up();
    for (size_t step = 97; step > 0; step /= 3) { // the next begins with the room that this took
        size_t size = 0;
        weft_future *f = weft_start(WEFT_THREADS, post_pieces, &(struct pieces){e.server, step});
        assert_int_equal(weft_join_as(&f, post_pieces, &size), 0);
        hear(e.client, size);
    }
    down(&e);
}

static atomic_bool posted;

// On fibers the writer is one of the same loop, and the first post has been looked at before the
// second comes.
static int post_beside_a_writer(const struct ends *e, weft_none *none)
{
    (void)none;
    struct call call = {.run = call_write, .conn = e->server, .deadline = WEFT_FOREVER};
    weft_future *writer = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    while (arrived(e->client) == 0)
        CHECK(weft_sleep(weft_after_ms(1)) == 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK(weft_post(e->server, said + i, 1) == 0);
        CHECK(weft_sleep(weft_after_ms(1)) == 0);
    }
    atomic_store(&posted, true);
    CHECK(weft_join(&writer, NULL, 0) == 0);
    return weft_flush(e->server, much_later());
}
WEFT_TASK(post_beside_a_writer, struct ends, weft_none);

// The sockets do not take the flood: so it is under way until we read.
static void what_is_posted_beside_a_writer_outlives_its_turn(void **state)
{
    (void)state;
    struct ends e = up();
    atomic_store(&posted, false);
    weft_future *f = weft_start(WEFT_THREADS, post_beside_a_writer, &e);
    assert_true(eventually(atomic_load(&posted)));
    for (size_t got = 0; got < sizeof flood;) {
        size_t left = sizeof flood - got;
        ssize_t n = weft_read(e.client, heard, left < sizeof heard ? left : sizeof heard,
                              much_later());
        assert_true(n > 0);
        got += (size_t)n;
    }
    hear(e.client, 2);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    down(&e);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_fits_into_a_record_is_one),
    cmocka_unit_test(many_posts_arrive_whole),
    cmocka_unit_test(what_is_posted_beside_a_writer_outlives_its_turn),
};

int main(void)
{
    prepare_tests();
    for (size_t i = 0; i < sizeof said; i++)
        said[i] = (char)(i * 7 + (i >> 9));
    return end_tests(cmocka_run_group_tests(tests, make_certificates, remove_certificates));
}
