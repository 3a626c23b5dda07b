// SPDX-License-Identifier: MIT
// fetch_bombs_test.c - programs/fetch/decode.h: the limit, bombs, and memory.
#include "decode_helpers.h"

#include <malloc.h>

// ---- memory: counted, and refused -----------------------------------------------------------

static _Thread_local struct {
    int spared; // so many blocks are given, then one is refused; negative: none is
    size_t now, most;
} memory = {-1, 0, 0};

void *real_malloc(size_t size) __asm__("__real_malloc");
void *wrapped_malloc(size_t size) __asm__("__wrap_malloc");
void *real_calloc(size_t n, size_t size) __asm__("__real_calloc");
void *wrapped_calloc(size_t n, size_t size) __asm__("__wrap_calloc");
void real_free(void *block) __asm__("__real_free");
void wrapped_free(void *block) __asm__("__wrap_free");

static bool is_refused(void)
{
    if (memory.spared < 0 || memory.spared-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *block)
{
    memory.now += malloc_usable_size(block);
    if (memory.now > memory.most)
        memory.most = memory.now;
    return block;
}

void *wrapped_malloc(size_t size)
{
    return is_refused() ? NULL : counted(real_malloc(size));
}

void *wrapped_calloc(size_t n, size_t size)
{
    return is_refused() ? NULL : counted(real_calloc(n, size));
}

void wrapped_free(void *block)
{
    memory.now -= malloc_usable_size(block);
    real_free(block);
}

// ---- limits ---------------------------------------------------------------------------------

TEST(up_to_the_limit_it_is_right_and_one_byte_more_is_too_much)
{
    struct body plain = some_text(200000);
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(plain);
        for (size_t piece = 0; piece < 3000; piece += 1000) {
            assert_told(decoded_so(ways[w].name, body, piece, 200000), DECODE_DONE, 200000);
            struct told told = decoded_so(ways[w].name, body, piece, 199999);
            assert_told(told, DECODE_LIMIT, 199999);
            assert_non_null(strstr(told.error, ": more than the limit comes out of it"));
            assert_told(decoded_so(ways[w].name, body, piece, 0), DECODE_LIMIT, 0);
        }
        free(body.bytes);
    }
    free(plain.bytes);
}

// A gzip stream of 1 GiB of zeros, in 1 MiB: one piece of it again and again.
static struct body bomb(void)
{
    enum { PIECE = 1 << 20, PIECES = 1 << 10 };
    struct body zeros = {calloc(1, PIECE), PIECE};
    z_stream z = {0};
    unsigned char made[16384];
    assert_non_null(zeros.bytes);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t ends[2];
    z.next_out = made;
    z.avail_out = sizeof made;
    for (int i = 0; i < 2; i++) {
        z.next_in = zeros.bytes;
        z.avail_in = PIECE;
        assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
        ends[i] = sizeof made - z.avail_out;
    }
    (void)deflateEnd(&z); // it did not end
    free(zeros.bytes);
    struct body body = {malloc(ends[0] + PIECES * (ends[1] - ends[0])), ends[0]};
    assert_non_null(body.bytes);
    memcpy(body.bytes, made, ends[0]);
    for (int i = 1; i < PIECES; i++, body.size += ends[1] - ends[0])
        memcpy(body.bytes + body.size, made + ends[0], ends[1] - ends[0]);
    assert_true(body.size < 2 << 20);
    return body;
}

static struct told decoded_in(size_t *memory_most, const char *encodings, struct body body,
                              size_t piece, int64_t limit)
{
    size_t before = memory.most = memory.now;
    struct told told = decoded_so(encodings, body, piece, limit);
    *memory_most = memory.most - before;
    return told;
}

TEST(a_bomb_stops_at_the_limit_and_needs_no_memory)
{
    enum { LIMIT = 10000000, ROOMS = 256 << 10 };
    struct body body = bomb();
    size_t most;
    assert_told(decoded_in(&most, "gzip", body, 0, LIMIT), DECODE_LIMIT, LIMIT);
    assert_true(most < ROOMS + (64 << 10));
    assert_told(decoded_in(&most, "gzip", body, 1000, LIMIT), DECODE_LIMIT, LIMIT);
    assert_true(most < (64 << 10));
    struct body twice = as_gzip(body), thrice = brotlied(twice);
    assert_told(decoded_in(&most, "gzip,gzip", twice, 0, LIMIT), DECODE_LIMIT, LIMIT);
    assert_true(most < (128 << 10));
    assert_told(decoded_so("gzip,gzip,br", thrice, 0, LIMIT), DECODE_LIMIT, LIMIT);
    free(body.bytes);
    free(twice.bytes);
    free(thrice.bytes);
}

TEST(a_bomb_of_brotli_needs_no_more_than_its_window)
{
    enum { SIZE = 64 << 20 };
    struct body zeros = {calloc(1, SIZE), SIZE}, body = brotlied(zeros);
    size_t most;
    assert_told(decoded_in(&most, "br", body, 0, SIZE), DECODE_DONE, SIZE);
    assert_told(decoded_in(&most, "br", body, 0, SIZE / 2), DECODE_LIMIT, SIZE / 2);
    assert_true(most < (17 << 20));
    free(body.bytes);
    free(zeros.bytes);
}

// A head of gzip that has no end: nothing comes out of it, but it is a bomb all the same.
TEST(what_lies_between_two_layers_has_a_limit_too)
{
    enum { SIZE = 300000, LIMIT = 100000 };
    struct body head = {malloc(SIZE), SIZE};
    assert_non_null(head.bytes);
    memset(head.bytes, 'n', SIZE);
    memcpy(head.bytes, "\x1f\x8b\x08\x08\0\0\0\0\0\x03", 10); // a name follows
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(head);
        char encodings[32];
        snprintf(encodings, sizeof encodings, "gzip, %s", ways[w].name);
        struct told told = decoded_so(encodings, body, 0, LIMIT);
        assert_told(told, DECODE_LIMIT, 0);
        assert_ptr_equal(strstr(told.error, ways[w].name), told.error);
        assert_told(decoded_so(encodings, body, 0, 2 * LIMIT), DECODE_CUT, 0);
        free(body.bytes);
    }
    free(head.bytes);
}

// ---- memory and threads ---------------------------------------------------------------------

TEST(a_decoder_that_waits_is_small_and_a_small_page_needs_no_window)
{
    struct body plain = some_text(60000);
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(plain);
        (void)decoded(ways[w].name, body); // now this thread has its room
        size_t before = memory.now, most;
        struct decoder *d = opened(ways[w].name, INT64_MAX);
        assert_true(memory.now - before < 512);
        decoder_close(&d);
        assert_int_equal(memory.now, before);
        assert_told(decoded_in(&most, ways[w].name, body, 0, INT64_MAX), DECODE_DONE, 60000);
        assert_true(ways[w].encode == brotlied || most < 12000);
        assert_told(decoded_in(&most, ways[w].name, body, 5, INT64_MAX), DECODE_DONE, 60000);
        assert_true(ways[w].encode == brotlied || most < 45000);
        assert_int_equal(memory.now, before);
        free(body.bytes);
    }
    free(plain.bytes);
}

static void starve(const struct way *way, struct body body)
{
    struct told told = {.state = DECODE_MEMORY};
    for (int spared = 0; told.state == DECODE_MEMORY; spared++) {
        const char *why = "nothing";
        memory.spared = spared;
        struct decoder *d = decoder_open(way->name, INT64_MAX, &why);
        assert_null(why);
        assert_true((d == NULL) == (spared == 0));
        if (!d)
            continue;
        enum decode_state state = DECODE_MORE;
        for (size_t at = 0; at < body.size && state == DECODE_MORE; at++)
            state = decoder_push(d, body.bytes + at, 1);
        memory.spared = -1;
        told = told_by(d);
        if (state != DECODE_MORE)
            assert_non_null(strstr(told.error, ": out of memory"));
        assert_true(told.state == DECODE_DONE || told.state == DECODE_MEMORY);
    }
    assert_told(told, DECODE_DONE, (int64_t)1500);
}

// In a thread of its own, which has no room yet.
static int starve_each(void *arg)
{
    (void)arg;
    struct body plain = some_text(1500);
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(plain);
        starve(&ways[w], body);
        free(body.bytes);
    }
    free(plain.bytes);
    return 0;
}

TEST(without_memory_it_says_so)
{
    struct away a;
    go(&a, IN_THREAD, starve_each, NULL);
    assert_int_equal(back(&a), 0);
}

static int decode_often(void *arg)
{
    struct body *body = arg;
    for (int i = 0; i < 100; i++) {
        const char *why;
        struct decoder *d = decoder_open("gzip, gzip", INT64_MAX, &why);
        CHECK(d);
        for (size_t at = 0; at < body->size; at += 100)
            CHECK(decoder_push(d, body->bytes + at,
                               body->size - at < 100 ? body->size - at : 100) == DECODE_MORE);
        CHECK(decoder_end(d) == DECODE_DONE && decoder_size(d) == 20000);
        decoder_close(&d);
    }
    return 0;
}

TEST(threads_decode_beside_each_other)
{
    struct body plain = some_text(20000), once = as_gzip(plain), twice = as_gzip(once);
    struct away crowd[4];
    go_all(crowd, COUNT(crowd), decode_often, &twice);
    all_back_with(0, crowd, COUNT(crowd));
    free(plain.bytes);
    free(once.bytes);
    free(twice.bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(up_to_the_limit_it_is_right_and_one_byte_more_is_too_much),
    cmocka_unit_test(a_bomb_stops_at_the_limit_and_needs_no_memory),
    cmocka_unit_test(a_bomb_of_brotli_needs_no_more_than_its_window),
    cmocka_unit_test(what_lies_between_two_layers_has_a_limit_too),
    cmocka_unit_test(a_decoder_that_waits_is_small_and_a_small_page_needs_no_window),
    cmocka_unit_test(without_memory_it_says_so),
    cmocka_unit_test(threads_decode_beside_each_other),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
