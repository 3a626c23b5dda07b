// SPDX-License-Identifier: MIT
// seen.h - which texts came before. Not the texts are kept but a fingerprint of 16 bytes of each:
// about 21 to 43 bytes a text, 64 for a moment when the set grows, however long the texts are.
//
// Two texts have the same fingerprint by chance once in 2^128, with a key that is new in each run:
// of a thousand million texts none is taken for another (1 to 2^69).
#ifndef WEFT_PROGRAMS_FETCH_SEEN_H
#define WEFT_PROGRAMS_FETCH_SEEN_H

#include <stddef.h>

struct seen;

struct seen *seen_new(void); // NULL: out of memory
void seen_free(struct seen **s);

int seen_add(struct seen *s, const char *text); // 1: it is new; 0: it was there; -ENOMEM
size_t seen_bytes(const struct seen *s);        // of memory, now

#endif
