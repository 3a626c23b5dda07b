// SPDX-License-Identifier: MIT
// record_index.h - the URLs of a file of runs: their numbers, and what is known of each.
#ifndef WEFT_PROGRAMS_FETCH_RECORD_INDEX_H
#define WEFT_PROGRAMS_FETCH_RECORD_INDEX_H

#include <stdint.h>

struct record_index;

struct record_index *record_index_new(void); // NULL: out of memory
void record_index_free(struct record_index **x);

// The number of this URL, from 1 on; 0: it has none.
uint32_t record_index_find(const struct record_index *x, const char *url);
// A URL without a number gets this one, from 1 on: 0 or -ENOMEM.
int record_index_add(struct record_index *x, const char *url, uint32_t id);

// A size that goes with a number, less than INT64_MAX; or -1. Setting: 0 or -ENOMEM.
enum record_size { SIZE_BEFORE, SIZE_DONE, RECORD_SIZES }; // of the run before; of this, resumed
int64_t record_index_size(const struct record_index *x, uint32_t id, enum record_size which);
int record_index_set(struct record_index *x, uint32_t id, enum record_size which, int64_t size);

#endif
