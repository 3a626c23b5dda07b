// SPDX-License-Identifier: MIT
// seen.h - which texts came before, each with a number. Not the texts are kept but a fingerprint of
// each and its number, 16 bytes: about 21 to 43 bytes a text, 64 for a moment when the set grows,
// however long the texts are.
//
// Two texts have the same fingerprint by chance once in 2^96, with a key that is new in each run:
// of a thousand million texts one is taken for another once in 10^11 runs.
#ifndef WEFT_PROGRAMS_FETCH_SEEN_H
#define WEFT_PROGRAMS_FETCH_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(void); // NULL: out of memory
void seen_free(struct seen **s);

uint32_t seen_find(const struct seen *s, const char *text); // its number; 0: it did not come yet

// A text that did not come yet gets this number, which is not 0. 1: so it is; 0: it came before,
// and keeps its own; -ENOMEM.
int seen_add(struct seen *s, const char *text, uint32_t number);
size_t seen_bytes(const struct seen *s); // for tests: of memory, now

#endif
