// SPDX-License-Identifier: MIT
// pages.c - the table of pages: a row is a name, what it does, the bytes it says, and the same in
// words.
//
// A parameter's value without the query stands in brackets. Two that every page has: times=N makes
// it well again (/ok) once a target was asked for N times; group=NAME counts it under that name.
#include "acts.h"
#include "tally.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_5 OK "Content-Length: 5\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define GZIP_ OK "Content-Encoding: gzip\r\n"

// clang-format off
#define TEXT(literal) {(literal), sizeof(literal) - 1}
#define NOTHING {NULL, 0}

const struct row rows[] = {
    {"", list_pages, NOTHING, "this list"},
    {"count", count_page, NOTHING, "?KEY: how often that target, or group, was asked for"},
    {"log", log_page, NOTHING, "?KEY: a line each: when, how many at once, earlier ones, target"},

    // Right ones.
    {"ok", ok, NOTHING, "size= bytes [5] with a Content-Length"},
    {"chunked", chunked, NOTHING, "size= bytes [5000] in chunks"},
    {"chunked-trailers", say_and_keep,
     TEXT(CHUNKED "5;name=value\r\n12345\r\n0\r\nX-Sum: 1\r\nX-End: 2\r\n\r\n"),
     "5 bytes in a chunk that has an extension, and two headers behind"},
    {"trailers-lie", say_and_keep,
     TEXT(CHUNKED "5\r\n12345\r\n0\r\nContent-Length: 7\r\nContent-Encoding: gzip\r\n\r\n"),
     "5 bytes in a chunk, and behind it a length and an encoding, which count no more"},
    {"close", close_ends, NOTHING, "size= bytes [300] that end with the connection"},
    {"half-close", say_and_half_close, TEXT(OK "\r\n12345"),
     "5 bytes that end with the stream, while the connection stays"},
    {"http10", say_and_close, TEXT("HTTP/1.0 200 OK\r\n\r\n12345"), "HTTP/1.0, to the close"},
    {"http10-keep", say_and_keep,
     TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n12345"),
     "HTTP/1.0 that keeps its connection"},
    {"204", say_and_keep, TEXT("HTTP/1.1 204 No Content\r\n\r\n"), "204, without a body"},
    {"empty", say_and_keep, TEXT(OK "Content-Length: 0\r\n\r\n"), "a body of no bytes"},
    {"no-reason", say_and_keep, TEXT("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n12345"),
     "a status line of two words"},
    {"bare-newlines", say_and_keep, TEXT("HTTP/1.1 200 OK\nContent-Length: 5\n\n12345"),
     "lines that end without a carriage return"},
    {"folded-header", say_and_keep, TEXT(OK_5 "X-Folded: a\r\n b\r\n\tc\r\n\r\n12345"),
     "a header on three lines, as was once allowed"},
    {"same-lengths", say_and_keep, TEXT(OK_5 "Content-Length: 5\r\n\r\n12345"),
     "the same Content-Length twice"},
    {"list-length", say_and_keep, TEXT(OK "Content-Length: 5, 5\r\n\r\n12345"),
     "the same Content-Length twice in one line"},
    {"slow", slow, NOTHING, "as /ok, after ms= [300]"},
    {"interim", interim, NOTHING, "n= answers 103 [50], then as /ok"},
    {"continue", say_and_keep, TEXT("HTTP/1.1 100 Continue\r\n\r\n" OK_5 "\r\n12345"),
     "100, though nobody waited for it, then 5 bytes"},

    // Statuses. after=S adds a Retry-After in seconds; with date=1, as a date.
    {"404", status_page, TEXT("404 Not Found"), "404 with a page of its own"},
    {"404-endless", endless, TEXT("404 Not Found"), "404 with a page without end"},
    {"404-hang", say_and_hang,
     TEXT("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nabc"),
     "404 with a page of which 3 bytes of 100 come"},
    {"410", status_page, TEXT("410 Gone"), "410"},
    {"429", status_page, TEXT("429 Too Many Requests"), "429; after=, date="},
    {"500", status_page, TEXT("500 Internal Server Error"), "500; after=, date="},
    {"503", status_page, TEXT("503 Service Unavailable"), "503; after=, date="},
    {"206", say_and_keep, TEXT("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/100\r\n"
                               "Content-Length: 5\r\n\r\n12345"),
     "5 bytes of 100, of which nobody asked for a part"},
    {"304", say_and_keep, TEXT("HTTP/1.1 304 Not Modified\r\n\r\n"),
     "not modified, though nobody said since when"},
    {"101", say_and_close, TEXT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\n\r\n\x81\x01x"),
     "goes on in a protocol that nobody asked for"},
    {"status-word", say_and_close, TEXT("HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\n12345"),
     "a status that is no number"},
    {"status-2-digits", say_and_close, TEXT("HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\n12345"),
     "a status of two digits"},
    {"status-4-digits", say_and_close, TEXT("HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n12345"),
     "a status of four digits"},
    {"status-version", say_and_close, TEXT("HTTP/9.7 200 OK\r\nContent-Length: 5\r\n\r\n12345"),
     "HTTP of a version that does not exist"},

    // Redirects and cookies.
    {"redirect", redirect, NOTHING, "to to= [/ok], %XX undone, with status= [302]"},
    {"redirect-endless", endless, TEXT("302 Found\r\nLocation: /ok"),
     "to /ok, with a page without end"},
    {"redirects", redirects, NOTHING, "n= [5] of them, then as /ok"},
    {"nowhere", say_and_keep, TEXT("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
     "a redirect without a Location"},
    {"cookie", cookie, NOTHING, "sets a cookie, redirects to itself until it comes; then as /ok"},
    {"cookie-set", cookie_set, NOTHING, "sets a cookie and redirects to to= [/cookie-show]"},
    {"cookie-show", cookie_show, NOTHING, "a page that is the Cookie header that came, or empty"},

    // Time.
    {"hang", say_and_hang, NOTHING, "never answers"},
    {"hang-in-header", say_and_hang, TEXT(OK "Content-Le"), "stops inside the headers"},
    {"hang-after-header", say_and_hang, TEXT(OK "Content-Length: 100\r\n\r\n"),
     "stops between the headers and a body of 100 bytes"},
    {"hang-in-body", say_and_hang, TEXT(OK "Content-Length: 100\r\n\r\nabc"),
     "stops after 3 bytes of 100"},
    {"hang-in-chunk", say_and_hang, TEXT(CHUNKED "5\r\nabc"), "stops inside a chunk"},
    {"hang-interim", say_and_hang, TEXT("HTTP/1.1 103 Early Hints\r\n\r\n"),
     "an interim answer, and no other"},
    {"drip", drip, NOTHING, "a byte each ms= [1000], 1000000 announced"},
    {"drip-header", drip_header, NOTHING, "a header that grows by a byte each ms= [1000]"},

    // Connections that end.
    {"empty-reply", say_and_close, NOTHING, "closes without an answer"},
    {"reset", say_and_reset, NOTHING, "resets instead of an answer"},
    {"reset-in-header", say_and_reset, TEXT(OK "Content-Le"), "resets inside the headers"},
    {"reset-in-body", say_and_reset, TEXT(OK "Content-Length: 100\r\n\r\nabc"),
     "resets after 3 bytes of 100"},
    {"reset-at-close", say_and_reset, TEXT(OK "\r\nabc"),
     "3 bytes that should end with the connection, which is reset"},
    {"cut-in-header", say_and_close, TEXT(OK "Content-Le"), "ends inside the headers"},
    {"short", say_and_close, TEXT(OK "Content-Length: 100\r\n\r\nabc"), "3 bytes of 100"},
    {"short-of-all", say_and_close, TEXT(OK "Content-Length: 100\r\n\r\n"), "no byte of 100"},
    {"short-half-close", say_and_half_close, TEXT(OK "Content-Length: 100\r\n\r\nabc"),
     "3 bytes of 100, then the end of the stream, while the connection stays"},
    {"tls-cut", say_and_cut, TEXT(OK "\r\nabc"),
     "3 bytes that end with the connection; over TLS without its word of the end"},
    {"tls-cut-whole", say_and_cut, TEXT(OK_5 "\r\n12345"), "the same behind 5 bytes of 5"},
    {"tls-cut-short", say_and_cut, TEXT(OK "Content-Length: 100\r\n\r\nabc"),
     "the same behind 3 bytes of 100"},
    {"tls-cut-last-chunk", say_and_cut, TEXT(CHUNKED "5\r\n12345\r\n0\r\n\r\n"),
     "the same behind the last chunk"},
    {"tls-cut-chunk", say_and_cut, TEXT(CHUNKED "5\r\n12345\r\n"),
     "the same behind a chunk that is not the last"},
    {"tls-cut-header", say_and_cut, TEXT(OK "Content-Le"), "the same inside the headers"},
    {"tls-cut-first", say_and_cut, NOTHING, "the same instead of an answer"},
    {"chunked-cut", say_and_close, TEXT(CHUNKED "5\r\n12345\r\n"), "a chunk, not the last one"},
    {"chunk-cut", say_and_close, TEXT(CHUNKED "5\r\n123"), "ends inside a chunk"},
    {"trailers-cut", say_and_close, TEXT(CHUNKED "5\r\n12345\r\n0\r\nX-Sum: "),
     "ends inside the headers behind the body"},
    {"stale", stale, NOTHING, "as /ok; ends the connection at the next request. now=1: at once"},

    // Lengths.
    {"longer", longer, NOTHING, "11 bytes, 5 announced"},
    {"longer-large", longer_large, NOTHING, "100,005 bytes, 100,000 announced"},
    {"poison", poison, NOTHING, "5 bytes, and a second answer behind, to whom may ask next"},
    {"poison-chunked", say_and_keep,
     TEXT(CHUNKED "5\r\n12345\r\n0\r\n\r\n" OK "Content-Length: 7\r\n\r\npoisons"),
     "the same, the first one in chunks"},
    {"poison-empty", say_and_keep,
     TEXT(OK "Content-Length: 0\r\n\r\n" OK "Content-Length: 7\r\n\r\npoisons"),
     "the same, the first one without a body"},
    {"poison-late", poison_late, NOTHING, "the same, the second after ms= [50]"},
    {"two-lengths", say_and_close, TEXT(OK_5 "Content-Length: 7\r\n\r\n1234567"),
     "two lengths that differ"},
    {"two-in-one", say_and_close, TEXT(OK "Content-Length: 5, 7\r\n\r\n1234567"),
     "two lengths that differ, in one line"},
    {"negative-length", say_and_close, TEXT(OK "Content-Length: -5\r\n\r\n12345"), "-5"},
    {"plus-length", say_and_close, TEXT(OK "Content-Length: +5\r\n\r\n12345"), "+5"},
    {"hex-length", say_and_close, TEXT(OK "Content-Length: 0x5\r\n\r\n12345"), "0x5"},
    {"no-length", say_and_close, TEXT(OK "Content-Length:\r\n\r\n12345"), "an empty length"},
    {"word-length", say_and_close, TEXT(OK "Content-Length: five\r\n\r\n12345"), "five"},
    {"length-tail", say_and_close, TEXT(OK "Content-Length: 5 bytes\r\n\r\n12345"), "5 bytes"},
    {"overflow-length", say_and_close,
     TEXT(OK "Content-Length: 18446744073709551621\r\n\r\n12345"), "2^64 + 5"},
    {"length-1tb", say_and_hang, TEXT(OK "Content-Length: 1099511627776\r\n\r\nabc"),
     "3 bytes of a TiB, and silence"},
    {"length-and-chunked", say_and_keep,
     TEXT(OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n"),
     "a length of 3, and 5 bytes in chunks"},
    {"204-with-body", say_and_keep,
     TEXT("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n12345"), "204, and 5 bytes"},

    // Chunks.
    {"chunk-word", say_and_close, TEXT(CHUNKED "zz\r\nabc\r\n0\r\n\r\n"), "a size that is none"},
    {"chunk-negative", say_and_close, TEXT(CHUNKED "-5\r\n12345\r\n0\r\n\r\n"), "a size of -5"},
    {"chunk-overflow", say_and_close, TEXT(CHUNKED "10000000000000005\r\n12345\r\n0\r\n\r\n"),
     "a size of 2^64 + 5"},
    {"chunk-no-end", say_and_close, TEXT(CHUNKED "5\r\n12345678\r\n0\r\n\r\n"),
     "a chunk of 8 bytes that says 5"},
    {"te-unknown", say_and_close, TEXT(OK "Transfer-Encoding: rot13\r\n\r\n12345"),
     "a transfer encoding that nobody knows"},

    // Headers.
    {"giant-header", giant_header, NOTHING, "a header of kb= KiB [200]"},
    {"many-headers", many_headers, NOTHING, "n= headers [5000]"},
    {"endless-header", endless_header, NOTHING, "a header without end"},
    {"endless-headers", endless_headers, NOTHING, "headers without end"},
    {"endless-interim", endless_interim, NOTHING, "interim answers without end"},
    {"nul-in-header", say_and_close, TEXT(OK_5 "X-Nul: a\0b\r\n\r\n12345"), "a zero byte"},
    {"nul-in-status", say_and_close,
     TEXT("HTTP/1.1 404 a\0b\r\nContent-Length: 5\r\n\r\n12345"), "a zero byte in the reason"},
    {"no-colon", say_and_close, TEXT(OK_5 "what is this\r\n\r\n12345"), "a header without colon"},
    {"space-colon", say_and_close, TEXT(OK "Content-Length : 5\r\n\r\n12345"),
     "a space before the colon, which makes it another header"},

    // Not HTTP.
    {"not-http", say_and_close, TEXT("what is HTTP?\r\nnothing\r\n"), "two lines of something"},
    {"not-http-binary", say_and_close, TEXT("\x16\x03\x01\0\x05\x01\0\0\x01\0\n"), "bytes"},
    {"not-http-hangs", say_and_hang, TEXT("SSH-2.0-OpenSSH_9.2p1\r\n"), "another protocol's door"},
    {"http09", say_and_close, TEXT("<html>a page of HTTP/0.9</html>"), "a page without any header"},

    // Encodings: size= bytes [100000], packed.
    {"gzip", gzip_page, NOTHING, "gzip"},
    {"gzip-chunked", gzip_chunked, NOTHING, "gzip, in chunks of a byte, ms= [0] between them"},
    {"gzip-members", gzip_members, NOTHING, "gzip, in two members: twice the size"},
    {"gzip-layers", gzip_layers, NOTHING, "gzip in gzip"},
    {"gzip-empty", say_and_keep, TEXT(GZIP_ "Content-Length: 0\r\n\r\n"), "gzip, no bytes of it"},
    {"gzip-lie", say_and_keep, TEXT(GZIP_ "Content-Length: 11\r\n\r\nnot gzipped"), "no gzip"},
    {"gzip-cut", gzip_cut, NOTHING, "a gzip stream without its last less= bytes [20]"},
    {"gzip-garbage", gzip_garbage, NOTHING, "gzip, and ten bytes behind it"},
    {"gzip-checksum", gzip_checksum, NOTHING, "gzip with a wrong checksum"},
    {"deflate", deflate_page, NOTHING, "deflate, as RFC 9110 says it: with zlib's header"},
    {"deflate-raw", deflate_raw, NOTHING, "deflate, as some servers understand it: without"},
    {"brotli", brotli, NOTHING, "brotli"},
    {"brotli-cut", brotli_cut, NOTHING, "a brotli stream without its last 3 bytes"},
    {"brotli-garbage", brotli_garbage, NOTHING, "brotli, and ten bytes behind it"},
    {"identity", say_and_keep, TEXT(OK_5 "Content-Encoding: identity\r\n\r\n12345"), "as it is"},
    {"encoding-unknown", say_and_keep, TEXT(OK_5 "Content-Encoding: rot13\r\n\r\n12345"),
     "an encoding that nobody asked for"},
    {"encodings", say_and_keep,
     TEXT(OK_5 "Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip\r\n\r\n12345"),
     "seven encodings, one in another"},
    {"bomb", bomb_page, NOTHING, "gzip of mb= MiB [1024] of zeros, a thousandth of it"},
    {"bomb-layers", bomb_layers, NOTHING, "the same in gzip again, a few kilobytes"},
    {"bomb-brotli", bomb_brotli, NOTHING, "the same in brotli"},

    // Bodies without end.
    {"endless", endless, TEXT("200 OK"), "as fast as it is taken, to the close"},
    {"endless-chunked", endless_chunked, NOTHING, "the same in chunks"},
    {NULL, NULL, NOTHING, NULL},
};
// clang-format on
