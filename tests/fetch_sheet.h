// SPDX-License-Identifier: MIT
// fetch_sheet.h - an output of weft fetch into memory, and pages to print. After cmocka.h.
#ifndef WEFT_TESTS_FETCH_SHEET_H
#define WEFT_TESTS_FETCH_SHEET_H

#include <stdio.h>
#include <stdlib.h>

#include "fetch/output.h"

#define SHEET __attribute__((unused)) static

enum { BEGUN = 1795902454 }; // 2026-11-28T21:47:34Z

// An output into memory, with settings of its own.
struct sheet {
    struct fetch_settings set;
    struct output output;
    FILE *out, *err;
    char *out_text, *err_text;
    size_t out_size, err_size;
};

SHEET void open_sheet(struct sheet *s, enum fetch_format format)
{
    *s = (struct sheet){.set = {.format = format}};
    s->out = open_memstream(&s->out_text, &s->out_size);
    s->err = open_memstream(&s->err_text, &s->err_size);
    assert_true(s->out && s->err);
    assert_int_equal(output_open(&s->output, &s->set, output_form(format), s->out, s->err, BEGUN),
                     0);
    assert_false(s->output.terminal || s->output.err_terminal || s->output.color);
}

SHEET void close_sheet(struct sheet *s)
{
    output_close(&s->output);
    assert_int_equal(fclose(s->out), 0);
    assert_int_equal(fclose(s->err), 0);
    free(s->out_text);
    free(s->err_text);
}

SHEET void show(struct sheet *s, const char *url, const struct page *page)
{
    output_page(&s->output, url, page, NULL);
}

SHEET void assert_said(struct sheet *s, const char *out, const char *err)
{
    assert_int_equal(output_flush(&s->output), 0);
    assert_int_equal(fflush(s->err), 0);
    assert_string_equal(s->out_text, out);
    assert_string_equal(s->err_text, err);
}

SHEET const struct page plain = {
    .status = 200,
    .encoded = 102399,
    .decoded = 102399,
    .claimed = 102399,
    .attempts = 1,
    .ns = 402499999,
};

// Everything that can be said of a page that is whole.
SHEET struct page full_page(void)
{
    static struct page_hop hops[] = {{301, "http://x/"}, {302, "http://x/2"}};
    struct page page = {
        .stage = STAGE_BODY,
        .status = 200,
        .http = 20,
        .attempts = 3,
        .redirects = 2,
        .hops = hops,
        .encoded = 48374,
        .decoded = 102399,
        .claimed = -1,
        .header_bytes = 210,
        .request_bytes = 95,
        .ns = 1234567890,
        .begin_ns = 500,
        .excess = true,
        .unverified = true,
        .times = {.name = 1, .connect = 200, .first_byte = 100000, .total = 1000000},
        .target = "http://x/3",
        .encoding = "gzip",
        .address = "127.0.0.1",
    };
    return page;
}

SHEET const struct page cut = {
    .fault = FAULT_CUT,
    .stage = STAGE_BODY,
    .status = 200,
    .http = 11,
    .encoded = 3,
    .decoded = 3,
    .claimed = 100,
    .attempts = 1,
};

#endif
