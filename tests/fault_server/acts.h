// SPDX-License-Identifier: MIT
// acts.h - the pages that are more than some bytes; what each does is said in the table, pages.c.
#ifndef WEFT_TESTS_FAULT_SERVER_ACTS_H
#define WEFT_TESTS_FAULT_SERVER_ACTS_H

#include "server.h"

// acts.c: the row's bytes, and what then
page say_and_close, say_and_keep, say_and_hang, say_and_cut, say_and_reset, say_and_half_close;
// ... ends, lengths, time
page list_pages, chunked, close_ends, longer, longer_large, poison, poison_late, drip, drip_header;
page slow, stale;
page endless, endless_chunked, endless_header, endless_headers, endless_interim;
page giant_header, giant_trailer, many_headers, interim, status_page;
// ... from here to there
page redirect, redirects, cookie, cookie_set, cookie_show;
// packed.c: Content-Encoding
page gzip_page, gzip_chunked, gzip_cut, gzip_garbage, gzip_members, gzip_layers;
page gzip_checksum, deflate_page, deflate_raw, brotli, brotli_cut, brotli_garbage;
page bomb_page, bomb_layers, bomb_brotli;

#endif
