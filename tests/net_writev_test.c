// SPDX-License-Identifier: MIT
// net_writev_test.c - weft_writev: parts that lie apart arrive as if they were in a row, whole, and
// with nothing in between; and how they are gathered (parts.c).
#include "net_helpers.h"

#include "net/parts.h"

enum { GATHER = 16384 };

static char bytes[4 << 20]; // numbered, so that order shows

static void number_bytes(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % 251);
}

// Cut what lies at `bytes` into parts of these sizes; how much it is in all.
static size_t cut(struct iovec *parts, const size_t *sizes, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        parts[i] = (struct iovec){.iov_base = bytes + total, .iov_len = sizes[i]};
        total += sizes[i];
    }
    assert_true(total <= sizeof bytes);
    return total;
}

// ---- pieces ------------------------------------------------------------------------------

static const struct {
    size_t sizes[8], n, pieces[8];
} cuts[] = {
    {{0}, 0, {0}},
    {{0, 0, 0}, 3, {0}},
    {{5}, 1, {5}},
    {{0, 5, 0}, 3, {5}},
    {{5, 7, 0, 9}, 4, {21}},
    {{GATHER, GATHER}, 2, {GATHER, GATHER}},
    {{GATHER - 1, 1, 1}, 3, {GATHER, 1}},
    {{100, 1 << 20, 5}, 3, {GATHER, (1 << 20) + 100 - GATHER, 5}},
    {{1 << 20, 5, 6}, 3, {1 << 20, 11}},
    {{GATHER - 5, 100, 100}, 3, {GATHER, 195}},
};

static void small_parts_are_gathered_and_large_ones_are_not_copied(void **state)
{
    (void)state;
    static char got[sizeof bytes];
#ifdef WEFT_TESTS_FAULTS_H
    skip(); // without memory they are not gathered
#endif
    number_bytes();
    for (size_t i = 0; i < COUNT(cuts); i++) {
        struct iovec given[8], piece;
        size_t total = cut(given, cuts[i].sizes, cuts[i].n), at = 0, j = 0;
        struct wf_parts p = wf_parts_of(given, cuts[i].n);
        for (; wf_parts_take(&p, &piece); j++) {
            if (piece.iov_len != cuts[i].pieces[j])
                fail_msg("cut %zu, piece %zu: %zu bytes", i, j, piece.iov_len);
            if (piece.iov_len > GATHER)
                assert_ptr_equal(piece.iov_base, bytes + at); // from where it lies
            memcpy(got + at, piece.iov_base, piece.iov_len);
            at += piece.iov_len;
        }
        assert_int_equal(at, total);
        assert_int_equal(cuts[i].pieces[j], 0);
        assert_memory_equal(got, bytes, total);
        assert_false(wf_parts_take(&p, &piece));
        wf_parts_end(&p);
    }
}

// ---- on a connection ---------------------------------------------------------------------

static void assert_arrives(struct link *link, const struct iovec *parts, int n, size_t total)
{
    static char got[sizeof bytes];
    assert_int_equal(weft_writev(link->ours, parts, n, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link->peer, got, total), total);
    assert_memory_equal(got, bytes, total);
    assert_true(nothing_to_receive(link->peer));
}

static void parts_arrive_as_if_they_were_in_a_row(void **state)
{
    (void)state;
    static const size_t sizes[] = {5, 0, 1, 3000, 100, 40000, 7};
    struct iovec parts[COUNT(sizes)];
    struct link link = link_up();
    number_bytes();
    size_t total = cut(parts, sizes, COUNT(sizes));
    assert_arrives(&link, parts, COUNT(sizes), total);
    assert_arrives(&link, parts, 1, 5);
    assert_arrives(&link, parts, 0, 0);
    assert_arrives(&link, NULL, 0, 0);
    assert_arrives(&link, &(struct iovec){NULL, 0}, 1, 0);
    link_down(&link);
}

static void they_come_after_what_was_posted(void **state)
{
    (void)state;
    char buf[8];
    struct link link = link_up();
    struct iovec parts[] = {{bytes, 1}, {bytes + 1, 1}};
    memcpy(bytes, "bc", 2);
    assert_int_equal(weft_post(link.ours, "a", 1), 0);
    assert_int_equal(weft_writev(link.ours, parts, 2, WEFT_FOREVER), 0);
    assert_int_equal(weft_post(link.ours, "d", 1), 0);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link.peer, buf, 4), 4);
    assert_memory_equal(buf, "abcd", 4);
    link_down(&link);
}

// Of the parts the first and the last fill the sockets, and the middle is many small ones.
enum { MIDDLE = 30, LARGE = 1 << 20 };

static int call_writev(struct call *c)
{
    struct iovec parts[MIDDLE + 2];
    size_t at = 0;
    for (size_t i = 0; i < COUNT(parts); i++) {
        parts[i] = (struct iovec){bytes + at, i == 0 || i == MIDDLE + 1 ? LARGE : 1000};
        at += parts[i].iov_len;
    }
    return weft_writev(c->conn, parts, COUNT(parts), c->deadline);
}
enum { ALL = 2 * LARGE + MIDDLE * 1000 };

static void shrink(struct link *link)
{
    const int small = 128 << 10; // smaller than a segment of the loopback, it would crawl
    assert_int_equal(setsockopt(link->peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    assert_int_equal(
        setsockopt(weft_conn_fd(link->ours), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
}

// At any place where it has to wait somebody posts; the posts come before all of it or after.
static void no_post_comes_between_the_parts(void **state)
{
    (void)state;
    static char got[ALL + 4096];
    struct link link = link_up();
    number_bytes();
    shrink(&link);
    struct call call = {.run = call_writev, .conn = link.ours, .deadline = WEFT_FOREVER};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    await_asleep(&call.spot);
    size_t at = 0, posts = 0;
    while (at < ALL) {
        size_t step = ALL - at < 50000 ? ALL - at : 50000;
        assert_int_equal(raw_receive(link.peer, got + at, step), step);
        at += step;
        if (at < ALL)
            posts += weft_post(link.ours, "P", 1) == 0;
    }
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_memory_equal(got, bytes, ALL);
    assert_int_equal(weft_flush(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link.peer, got, posts), posts);
    assert_true(posts > 0 && got[0] == 'P' && got[posts - 1] == 'P');
    assert_true(nothing_to_receive(link.peer));
    link_down(&link);
}

static void after_an_error_a_connection_can_only_be_closed(void **state)
{
    (void)state;
    char byte;
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        struct link link = link_up();
        shrink(&link);
        struct call call = {.run = call_writev, .conn = link.ours};
        call.deadline = cancelled ? WEFT_FOREVER : weft_after_ms(20);
        weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
        if (cancelled) {
            await_asleep(&call.spot);
            weft_cancel(f);
        }
        assert_int_equal(weft_join(&f, NULL, 0), cancelled ? -ECANCELED : -ETIMEDOUT);
        assert_int_equal(weft_read(link.ours, &byte, 1, WEFT_FOREVER), -EPIPE);
        assert_int_equal(weft_writev(link.ours, NULL, 0, WEFT_FOREVER), -EPIPE);
        assert_non_null(strstr(weft_error(), "weft_writev"));
        link_down(&link);
    }
}

static void a_close_or_a_reset_ends_it(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct link link = link_up();
        shrink(&link);
        struct call call = {.run = call_writev, .conn = link.ours, .deadline = WEFT_FOREVER};
        weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
        await_asleep(&call.spot);
        if (reset) {
            raw_reset(link.peer);
            link.peer = -1;
        } else {
            weft_conn_close(&link.ours);
        }
        int rc = weft_join(&f, NULL, 0);
        assert_true(rc == -EPIPE || (reset && rc == -ECONNRESET));
        link_down(&link);
    }
}

// ---- misuse ------------------------------------------------------------------------------

static int run_no_connection(void)
{
    return weft_writev(NULL, NULL, 0, WEFT_FOREVER);
}

static int run_no_parts(void)
{
    struct link link = link_up();
    return weft_writev(link.ours, NULL, 2, WEFT_FOREVER);
}

static int run_fewer_than_none(void)
{
    struct link link = link_up();
    return weft_writev(link.ours, &(struct iovec){bytes, 1}, -1, WEFT_FOREVER);
}

static int run_part_of_nothing(void)
{
    struct link link = link_up();
    return weft_writev(link.ours, &(struct iovec){NULL, 7}, 1, WEFT_FOREVER);
}

static int run_two_writers(void)
{
    struct link link = link_up();
    shrink(&link);
    struct call call = {.run = call_writev, .conn = link.ours, .deadline = WEFT_FOREVER};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    await_asleep(&call.spot);
    (void)weft_writev(link.ours, &(struct iovec){bytes, 1}, 1, WEFT_FOREVER);
    return weft_join(&f, NULL, 0);
}

static void misuse_aborts(void **state)
{
    (void)state;
    assert_aborts("no_connection", "weft_writev", "NULL");
    assert_aborts("no_parts", "weft_writev", "NULL, 2");
    assert_aborts("fewer_than_none", "weft_writev", "-1");
    assert_aborts("part_of_nothing", "weft_writev", "part 0 is NULL");
    assert_aborts("two_writers", "weft_writev", "another task");
}

static const struct scene scenes[] = {
    {"no_connection", run_no_connection},     {"no_parts", run_no_parts},
    {"fewer_than_none", run_fewer_than_none}, {"part_of_nothing", run_part_of_nothing},
    {"two_writers", run_two_writers},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(small_parts_are_gathered_and_large_ones_are_not_copied),
    cmocka_unit_test(parts_arrive_as_if_they_were_in_a_row),
    cmocka_unit_test(they_come_after_what_was_posted),
    cmocka_unit_test(no_post_comes_between_the_parts),
    cmocka_unit_test(after_an_error_a_connection_can_only_be_closed),
    cmocka_unit_test(a_close_or_a_reset_ends_it),
    cmocka_unit_test(misuse_aborts),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
