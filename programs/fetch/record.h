// SPDX-License-Identifier: MIT
// record.h - runs kept in a file (SQLite), to compare with and to go on from.
//
// The file has a schema number (user_version): an older one is copied and brought up, a newer one
// is refused with the version it needs. A run is committed as it goes on, every 100 ms or 1,000
// pages, so that one cut short (Ctrl+C, kill -9, power) can be resumed from the same file; no page
// before it is printed, so that its line is not lost then. What it keeps, and how to ask for it in
// SQL, is told in record_schema.c.
//
// All that fails says so in weft_error(), one line that names the file. All may be called by
// several tasks at once, but for opening and closing.
#ifndef WEFT_PROGRAMS_FETCH_RECORD_H
#define WEFT_PROGRAMS_FETCH_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/page.h"
#include "fetch/settings.h"

struct record;

// set->resume: go on with the last run in that file, which must be unfinished. Else begin a run in
// set->save, made if it is missing. The settings are kept with the run, of headers only the names.
// NULL: the reason is in weft_error(); the file is in use by another, say. Blocks on the disk. From
// then on SIGXFSZ is ignored: a file that may not grow is an error like a full disk.
struct record *record_open(const struct fetch_settings *set);

struct record_past {
    bool resumed;
    int64_t done, failed; // pages of the run that is resumed: kept; to be tried again
    int64_t decoded;      // bytes of those that are done
    int64_t last_ms;      // when the last finished run began, since 1970; 0: there is none
};
const struct record_past *record_past(const struct record *r);

// Whether the run that is resumed has this URL already, and it did not fail: 1, and its decoded
// bytes; or 0. What this run did since it was resumed does not count.
int record_has(struct record *r, const char *url, int64_t *decoded);
// The same of the last finished run in which it did not fail.
int record_before(struct record *r, const char *url, int64_t *decoded);

// Keep a page; of one URL the last. Copied, and written by a thread, once it is let out, or a
// thousand have come, or it is closed; waits only if that is some thousands of pages behind. 0; or
// once, a negative errno: nothing is kept any more, and the run should go on without.
int record_page(struct record *r, const char *url, const struct page *page);
// What came so far may be written: it was printed.
void record_let_out(struct record *r);

// The URLs that did not fail in the last finished run and are not in this one at all, in no order;
// there are no more pages: from then on it can only be closed. 0; 1: nobody knows, for not all was
// kept, which was said; or -errno.
typedef void record_seen(void *ctx, const char *url, int64_t decoded);
int record_gone(struct record *r, record_seen *seen, void *ctx);

// The run is finished (or, not `whole`, was cut short and can be resumed). A run without a page
// leaves no trace. 0; or -errno if not all was kept, unless record_page or record_gone said so. Of
// what was not all kept the run is not finished either.
int record_close(struct record **r, bool whole);

#endif
