// SPDX-License-Identifier: MIT
// fetch_decode_test.c - programs/fetch/decode.h: sizes of bodies that are whole, cut, damaged, or
// one inside another.
#include "decode_helpers.h"

// ---- whole ----------------------------------------------------------------------------------

TEST(what_was_encoded_has_its_size_again_in_whatever_pieces_it_comes)
{
    static const size_t sizes[] = {0, 1, 2, 1000, 65535, 65536, 65537, 131072, 1000000};
    static const size_t pieces[] = {0, 1, 2, 7, 1460, 65536};
    for (size_t i = 0; i < COUNT(sizes) * COUNT(ways); i++) {
        const struct way *way = &ways[i % COUNT(ways)];
        struct body plain = some_text(sizes[i / COUNT(ways)]), body = way->encode(plain);
        for (size_t p = 0; p < COUNT(pieces); p++)
            assert_told(decoded_so(way->name, body, pieces[p], INT64_MAX), DECODE_DONE,
                        (int64_t)plain.size);
        free(body.bytes);
        free(plain.bytes);
    }
}

TEST(a_body_that_is_not_encoded_has_its_own_size)
{
    static const char *const names[] = {"", "identity", " , ,\t", "Identity,identity"};
    struct body plain = some_text(5000);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_told(decoded(names[i], plain), DECODE_DONE, 5000);
        struct told told = decoded_so(names[i], plain, 1, 4999);
        assert_told(told, DECODE_LIMIT, 4999);
        assert_string_equal(told.error, "body: more than the limit comes out of it");
    }
    free(plain.bytes);
}

TEST(an_empty_body_has_no_bytes_whatever_it_is_called)
{
    static const char *const names[] = {"", "gzip", "deflate", "br", "br, gzip"};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_told(decoded(names[i], (struct body){NULL, 0}), DECODE_DONE, 0);
        struct decoder *d = opened(names[i], 0);
        assert_int_equal(decoder_push(d, "", 0), DECODE_MORE);
        assert_told(told_by(d), DECODE_DONE, 0);
    }
}

TEST(a_gzip_body_may_have_several_members)
{
    struct body plain = some_text(3000), one = as_gzip(plain), none = as_gzip((struct body){0});
    struct body two = joined(one, none), three = joined(two, one);
    for (size_t piece = 0; piece < 4; piece++) {
        assert_told(decoded_so("gzip", two, piece, INT64_MAX), DECODE_DONE, 3000);
        assert_told(decoded_so("gzip", three, piece, INT64_MAX), DECODE_DONE, 6000);
    }
    assert_told(decoded_so("gzip", three, 0, 5999), DECODE_LIMIT, 5999);
    three.size--;
    assert_told(decoded("gzip", three), DECODE_CUT, 6000);
    three.bytes[two.size + 12] ^= 0x55;
    assert_int_equal(decoded("gzip", three).state, DECODE_BAD);
    struct body bodies[] = {plain, one, none, two, three};
    for (size_t i = 0; i < COUNT(bodies); i++)
        free(bodies[i].bytes);
}

TEST(the_head_of_gzip_may_have_all_that_it_can)
{
    unsigned char extra[300] = "extra";
    gz_header head = {.text = 1,
                      .time = 12345,
                      .os = 3,
                      .extra = extra,
                      .extra_len = 300,
                      .name = (Bytef *)"page.html",
                      .comment = (Bytef *)"none",
                      .hcrc = 1};
    z_stream z = {0};
    unsigned char made[1000], *text = (unsigned char *)"hello";
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflateSetHeader(&z, &head), Z_OK);
    z.next_in = text;
    z.avail_in = 5;
    z.next_out = made;
    z.avail_out = sizeof made;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct body body = {made, sizeof made - z.avail_out};
    assert_int_equal(deflateEnd(&z), Z_OK);
    for (size_t piece = 0; piece < 3; piece++)
        assert_told(decoded_so("gzip", body, piece, INT64_MAX), DECODE_DONE, 5);
    made[20] ^= 1; // in the extra field, which the head's own checksum covers
    assert_int_equal(decoded("gzip", body).state, DECODE_BAD);
}

// ---- cut, damaged, too long -----------------------------------------------------------------

TEST(cut_at_any_byte_it_is_never_whole)
{
    struct body plain = some_text(1500);
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(plain), part = body;
        for (part.size = 1; part.size < body.size; part.size++) {
            for (size_t piece = 0; piece < 2; piece++) {
                struct told told = decoded_so(ways[w].name, part, piece, INT64_MAX);
                assert_int_equal(told.state, DECODE_CUT);
                assert_true(told.size <= 1500);
                assert_non_null(strstr(told.error, ": it has no end"));
            }
        }
        free(body.bytes);
    }
    free(plain.bytes);
}

TEST(with_any_bit_turned_round_it_is_bad_or_has_its_size)
{
    struct body plain = some_text(700);
    for (size_t w = 0; w < COUNT(ways); w++) {
        struct body body = ways[w].encode(plain);
        size_t bad = 0;
        for (size_t bit = 0; bit < 8 * body.size; bit++) {
            body.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            struct told told = decoded_so(ways[w].name, body, bit % 3, 100000);
            body.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (ways[w].checked && told.state == DECODE_DONE)
                assert_int_equal(told.size, 700);
            bad += told.state != DECODE_DONE;
        }
        assert_true(bad > 8 * body.size / (ways[w].checked ? 2 : 20));
        free(body.bytes);
    }
    free(plain.bytes);
}

TEST(bytes_behind_the_end_are_not_passed_over)
{
    struct body plain = some_text(700);
    static const char *const behind[] = {"x", "\0", "<!-- bytes -->"};
    for (size_t i = 0; i < COUNT(ways) * COUNT(behind); i++) {
        const struct way *way = &ways[i % COUNT(ways)];
        const char *more = behind[i / COUNT(ways)];
        struct body body = way->encode(plain), rest = text_of(*more ? more : "x");
        rest.bytes[0] = (unsigned char)*more;
        struct body all = joined(body, rest);
        for (size_t piece = 0; piece < 3; piece++) {
            struct told told = decoded_so(way->name, all, piece, INT64_MAX);
            assert_told(told, DECODE_BAD, 700);
            assert_non_null(strstr(told.error, ": there are bytes behind its end"));
        }
        free(body.bytes);
        free(rest.bytes);
        free(all.bytes);
    }
    free(plain.bytes);
}

TEST(what_is_not_encoded_as_it_says_is_bad)
{
    struct body html = text_of("<!DOCTYPE html><html><body>no, this is a page</body></html>");
    static const char *const names[] = {"gzip", "deflate", "br", "gzip, br", "br, gzip"};
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t piece = 0; piece < 3; piece++)
            assert_int_equal(decoded_so(names[i], html, piece, INT64_MAX).state, DECODE_BAD);
    assert_string_equal(decoded("gzip", html).error, "gzip: incorrect header check");
    assert_non_null(strstr(decoded("br", html).error, "br: it is damaged ("));
    for (size_t w = 0; w < COUNT(ways); w++) { // nor is one another
        struct body body = ways[w].encode(html);
        for (size_t i = 0; i < 3; i++)
            if (strcmp(names[i], ways[w].name) != 0)
                assert_int_not_equal(decoded(names[i], body).state, DECODE_DONE);
        free(body.bytes);
    }
    free(html.bytes);
}

TEST(a_dictionary_is_asked_for_in_vain)
{
    z_stream z = {0};
    unsigned char made[200], *text = (unsigned char *)"hello hello hello";
    assert_int_equal(deflateInit(&z, 9), Z_OK);
    assert_int_equal(deflateSetDictionary(&z, text, 5), Z_OK);
    z.next_in = text;
    z.avail_in = 17;
    z.next_out = made;
    z.avail_out = sizeof made;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct told told = decoded("deflate", (struct body){made, sizeof made - z.avail_out});
    assert_int_equal(deflateEnd(&z), Z_OK);
    assert_told(told, DECODE_BAD, 0);
    assert_string_equal(told.error, "deflate: it needs a dictionary");
}

// ---- layers ---------------------------------------------------------------------------------

TEST(each_may_be_inside_each)
{
    struct body plain = some_text(100000);
    for (size_t i = 0; i < COUNT(ways) * COUNT(ways); i++) {
        const struct way *first = &ways[i / COUNT(ways)], *second = &ways[i % COUNT(ways)];
        struct body inner = first->encode(plain), body = second->encode(inner);
        char encodings[40];
        snprintf(encodings, sizeof encodings, "%s,identity, %s", first->name, second->name);
        for (size_t piece = 0; piece < 1400; piece += 700)
            assert_told(decoded_so(encodings, body, piece, 100000), DECODE_DONE, 100000);
        body.size--;
        assert_int_equal(decoded(encodings, body).state, DECODE_CUT);
        inner.size--;
        free(body.bytes);
        body = second->encode(inner); // whole, but what it holds is cut
        struct told told = decoded(encodings, body);
        assert_int_equal(told.state, DECODE_CUT);
        assert_ptr_equal(strstr(told.error, first->name), told.error);
        free(inner.bytes);
        free(body.bytes);
    }
    free(plain.bytes);
}

TEST(nothing_inside_something_is_cut)
{
    struct body body = as_gzip((struct body){0});
    struct told told = decoded("br, gzip", body);
    assert_told(told, DECODE_CUT, 0);
    assert_string_equal(told.error, "br: it has no end");
    free(body.bytes);
}

TEST(four_layers_are_decoded_and_five_are_refused)
{
    struct body plain = some_text(3000), body = plain;
    for (int i = 0; i < DECODE_LAYERS; i++) {
        struct body next = as_gzip(body);
        free(body.bytes);
        body = next;
    }
    for (size_t piece = 0; piece < 2; piece++)
        assert_told(decoded_so("gzip,gzip,gzip,gzip", body, piece, 3000), DECODE_DONE, 3000);
    const char *why = NULL;
    assert_null(decoder_open("gzip,gzip,gzip,gzip,gzip", 1, &why));
    assert_string_equal(why, "it is encoded too often");
    free(body.bytes);
}

TEST(encodings_have_names_in_any_case_and_some_are_not_known)
{
    static const char *const known[] = {
        "gzip", "GZip",   "x-gzip", "X-GZIP",  "deflate",       "br",
        "BR",   " gzip ", "\tbr\t", ",gzip,,", "identity, gzip"};
    static const char *const unknown[] = {"zstd",     "compress", "gzi",        "gzipp",
                                          "x-br",     "gzip br",  "gzip, zstd", "zstd, gzip",
                                          "gzip;q=1", "\"gzip\""};
    for (size_t i = 0; i < COUNT(known); i++) {
        struct decoder *d = opened(known[i], 1);
        (void)decoder_push(d, "no encoding", 11); // bad now, or has no end
        assert_int_not_equal(told_by(d).state, DECODE_DONE);
    }
    for (size_t i = 0; i < COUNT(unknown); i++) {
        const char *why = NULL;
        assert_null(decoder_open(unknown[i], 1, &why));
        assert_string_equal(why, "an encoding that is not known");
    }
    assert_string_equal(decoder_accepts, "gzip, deflate, br");
    decoder_close(&(struct decoder *){NULL});
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_encoded_has_its_size_again_in_whatever_pieces_it_comes),
    cmocka_unit_test(a_body_that_is_not_encoded_has_its_own_size),
    cmocka_unit_test(an_empty_body_has_no_bytes_whatever_it_is_called),
    cmocka_unit_test(a_gzip_body_may_have_several_members),
    cmocka_unit_test(the_head_of_gzip_may_have_all_that_it_can),
    cmocka_unit_test(cut_at_any_byte_it_is_never_whole),
    cmocka_unit_test(with_any_bit_turned_round_it_is_bad_or_has_its_size),
    cmocka_unit_test(bytes_behind_the_end_are_not_passed_over),
    cmocka_unit_test(what_is_not_encoded_as_it_says_is_bad),
    cmocka_unit_test(a_dictionary_is_asked_for_in_vain),
    cmocka_unit_test(each_may_be_inside_each),
    cmocka_unit_test(nothing_inside_something_is_cut),
    cmocka_unit_test(four_layers_are_decoded_and_five_are_refused),
    cmocka_unit_test(encodings_have_names_in_any_case_and_some_are_not_known),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
