// SPDX-License-Identifier: MIT
// bodies.h - bodies, packed as Content-Encoding calls it.
//
// Each is its user's to free; bytes is NULL without memory, and stays so in what is made from it.
#ifndef WEFT_TESTS_FAULT_SERVER_BODIES_H
#define WEFT_TESTS_FAULT_SERVER_BODIES_H

#include <stdint.h>
#include <stddef.h>

struct body {
    char *bytes;
    size_t size;
};

enum packing { GZIP, DEFLATE, RAW_DEFLATE }; // RFC 1952, 1950, 1951

struct body plain_body(size_t size);                      // x's
struct body pack(enum packing packing, struct body from); // frees `from`
struct body pack_brotli(struct body from);                // likewise
struct body join(struct body first, struct body second);  // frees both
// So many bytes of zeros, whole MiB, in gzip, a thousandth of it, without ever being in memory.
struct body bomb(int64_t size);

#endif
