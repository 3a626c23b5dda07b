// SPDX-License-Identifier: MIT
// record.h - runs kept in a file (SQLite), to compare with and to go on from.
//
// The file has a schema number (user_version): an older one is copied and brought up, a newer one
// is refused with the version it needs. A run is committed as it goes on, so that one cut short
// (Ctrl+C, kill -9, power) can be resumed from the same file.
#ifndef WEFT_PROGRAMS_FETCH_RECORD_H
#define WEFT_PROGRAMS_FETCH_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/page.h"

struct record;

// Open or make the file; begin a run in it, or with `resume` go on with its last run, which must be
// unfinished. NULL: the reason is in weft_error(). Blocks on the disk, as all here.
struct record *record_open(const char *path, bool resume);
// Whether the run that is resumed has this URL already, done: then *page_ok says how it ended.
bool record_has(struct record *r, const char *url);
// Decoded bytes of this URL in the last finished run in which it did not fail, or -1.
int64_t record_before(struct record *r, const char *url);
int record_page(struct record *r, const char *url, const struct page *page); // 0, or -errno
// The run is finished (or, not `whole`, was cut short and can be resumed). 0, or -errno.
int record_close(struct record **r, bool whole);

#endif
