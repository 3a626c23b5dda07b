// SPDX-License-Identifier: MIT
// fetch_slices_test.c - programs/fetch/decode.h: a body that is decoded a slice at a time, beside
// others on the same thread.
#include "decode_helpers.h"

enum { SLICE = 10000, MIB = 1 << 20 };

static struct body zeros(size_t size)
{
    struct body plain = {calloc(1, size + 1), size};
    assert_non_null(plain.bytes);
    return plain;
}

// One inside another, if there are two.
static const struct coding {
    const char *name;
    struct body (*inner)(struct body), (*outer)(struct body);
} codings[] = {
    {"gzip", as_gzip, NULL},
    {"deflate", as_zlib, NULL},
    {"deflate", as_raw, NULL},
    {"br", brotlied, NULL},
    {"gzip, br", as_gzip, brotlied},
    {"br, gzip", brotlied, as_gzip},
    {"gzip, deflate", as_gzip, as_zlib},
};

static struct body encoded(const struct coding *coding, struct body plain)
{
    struct body inner = coding->inner(plain);
    if (!coding->outer)
        return inner;
    struct body made = coding->outer(inner);
    free(inner.bytes);
    return made;
}

// One slice more. What is handed to it is gone afterwards, as a receive buffer is.
static enum decode_state push_a_slice(struct decoder *d, struct body body, size_t *at, size_t piece)
{
    size_t size = piece < body.size - *at ? piece : body.size - *at;
    unsigned char *gone = malloc(size + 1);
    assert_non_null(gone);
    memcpy(gone, body.bytes + *at, size);
    enum decode_state state = decoder_push_some(d, gone, size, SLICE);
    memset(gone, 0xa5, size);
    free(gone);
    *at += size;
    return state;
}

static void work_off(struct decoder *d)
{
    while (decoder_is_behind(d))
        (void)decoder_go_on(d, SLICE);
}

static struct told in_slices(const char *encodings, struct body body, size_t piece, int64_t limit)
{
    struct decoder *d = opened(encodings, limit);
    size_t at = 0;
    for (unsigned i = 0; at < body.size; i++)
        if (push_a_slice(d, body, &at, piece) != DECODE_MORE)
            break;
        else if (i % 3 == 2)
            (void)decoder_go_on(d, SLICE);
    work_off(d);
    return told_by(d);
}

static void is_as_at_once(const struct coding *coding, struct body plain)
{
    static const size_t pieces[] = {1000, 65536, 8 << 20};
    struct body body = encoded(coding, plain), cut = body;
    int64_t size = (int64_t)plain.size;
    cut.size -= body.size > 9 ? 9 : 0;
    struct told whole = decoded(coding->name, cut);
    for (size_t p = 0; p < COUNT(pieces); p++) {
        assert_told(in_slices(coding->name, body, pieces[p], INT64_MAX), DECODE_DONE, size);
        assert_told(in_slices(coding->name, cut, pieces[p], INT64_MAX), whole.state, whole.size);
        if (size > 0)
            assert_told(in_slices(coding->name, body, pieces[p], size - 1), DECODE_LIMIT, size - 1);
    }
    free(body.bytes);
}

TEST(in_slices_it_is_as_it_is_at_once)
{
    static const size_t sizes[] = {0, 1, SLICE, 65536, 65537, 3 << 19};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct body text = some_text(sizes[i]), nothing = zeros(sizes[i]);
        for (size_t w = 0; w < COUNT(codings); w++) {
            is_as_at_once(&codings[w], text);
            is_as_at_once(&codings[w], nothing);
        }
        free(text.bytes);
        free(nothing.bytes);
    }
}

TEST(a_slice_is_hardly_more_than_was_asked_for)
{
    enum { ALL = 40 << 20, ZLIB_STEP = 65536, BROTLI_STEP = 4 << 20 }; // 22 bits of window
    struct body plain = zeros(ALL);
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(plain);
        int64_t step = strcmp(ways[w].name, "br") == 0 ? BROTLI_STEP : ZLIB_STEP, before = 0;
        struct decoder *d = opened(ways[w].name, INT64_MAX);
        assert_int_equal(decoder_push_some(d, body.bytes, body.size, SLICE), DECODE_MORE);
        int slices = 1;
        for (; decoder_is_behind(d); slices++) {
            assert_true(decoder_size(d) - before < SLICE + step);
            before = decoder_size(d);
            assert_int_equal(decoder_go_on(d, SLICE), DECODE_MORE);
        }
        assert_true(slices >= ALL / (SLICE + step));
        assert_told(told_by(d), DECODE_DONE, ALL);
        free(body.bytes);
    }
    free(plain.bytes);
}

// All that zlib writes goes through one room of the thread.
TEST(decoders_that_stop_between_two_layers_do_not_disturb_each_other)
{
    enum { MANY = 2 * COUNT(codings) };
    struct body plain = some_text(MIB), bodies[MANY];
    struct decoder *d[MANY];
    size_t at[MANY] = {0};
    for (size_t i = 0; i < MANY; i++) {
        const struct coding *coding = &codings[i % COUNT(codings)];
        bodies[i] = encoded(coding, plain);
        d[i] = opened(coding->name, MIB);
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < MANY; i++) {
            if (decoder_is_behind(d[i]))
                (void)decoder_go_on(d[i], SLICE);
            else
                (void)push_a_slice(d[i], bodies[i], &at[i], 5000 + i);
            more = more || decoder_is_behind(d[i]) || at[i] < bodies[i].size;
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_told(told_by(d[i]), DECODE_DONE, MIB);
        free(bodies[i].bytes);
    }
    free(plain.bytes);
}

TEST(who_is_behind_keeps_a_mebibyte_and_then_takes_it_all)
{
    struct body plain = zeros(64 << 20), first = as_gzip(plain), text = some_text(3 << 20);
    struct body second = as_gzip(text), body = joined(first, second); // members
    struct decoder *d = opened("gzip", INT64_MAX);
    size_t at = 0;
    assert_true(second.size > (3 << 19));
    assert_int_equal(push_a_slice(d, body, &at, first.size), DECODE_MORE);
    assert_true(decoder_is_behind(d) && decoder_size(d) < 64 << 20);
    while (at < first.size + MIB / 2)
        assert_int_equal(push_a_slice(d, body, &at, 65536), DECODE_MORE);
    assert_true(decoder_size(d) < MIB); // they were only kept
    while (at < first.size + (3 << 19))
        assert_int_equal(push_a_slice(d, body, &at, 65536), DECODE_MORE);
    assert_true(decoder_size(d) > 64 << 20);
    while (at < body.size)
        assert_int_equal(push_a_slice(d, body, &at, 65536), DECODE_MORE);
    assert_told(told_by(d), DECODE_DONE, 67 << 20); // the end decodes what is left
    struct body bodies[] = {plain, first, text, second, body};
    for (size_t i = 0; i < COUNT(bodies); i++)
        free(bodies[i].bytes);
}

TEST(what_is_wrong_is_found_in_its_slice_and_ends_it)
{
    struct body plain = zeros(8 << 20), body = as_gzip(plain);
    body.bytes[body.size - 6] ^= 0x55; // of the checksum
    struct decoder *d = opened("gzip", INT64_MAX);
    assert_int_equal(decoder_push_some(d, body.bytes, body.size, SLICE), DECODE_MORE);
    work_off(d);
    assert_int_equal(decoder_go_on(d, SLICE), DECODE_BAD);
    assert_false(decoder_is_behind(d));
    assert_int_equal(decoder_push_some(d, body.bytes, 1, SLICE), DECODE_BAD);
    assert_told(told_by(d), DECODE_BAD, decoded("gzip", body).size);
    d = opened("gzip", INT64_MAX); // and one that is left in the middle leaks nothing
    assert_int_equal(decoder_push_some(d, body.bytes, body.size, SLICE), DECODE_MORE);
    assert_true(decoder_is_behind(d));
    decoder_close(&d);
    free(body.bytes);
    free(plain.bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_slices_it_is_as_it_is_at_once),
    cmocka_unit_test(a_slice_is_hardly_more_than_was_asked_for),
    cmocka_unit_test(decoders_that_stop_between_two_layers_do_not_disturb_each_other),
    cmocka_unit_test(who_is_behind_keeps_a_mebibyte_and_then_takes_it_all),
    cmocka_unit_test(what_is_wrong_is_found_in_its_slice_and_ends_it),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
