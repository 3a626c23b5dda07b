// SPDX-License-Identifier: MIT
// results.h - what becomes of each page that completes: it is printed, added up, and shown as
// progress; and in the end it is all summed up.
#ifndef WEFT_PROGRAMS_FETCH_RESULTS_H
#define WEFT_PROGRAMS_FETCH_RESULTS_H

#include <weft/time.h>

#include "fetch/output.h"
#include "fetch/pages.h"
#include "fetch/progress.h"
#include "fetch/totals.h"

struct results { // zeroed, it can be closed
    struct output output;
    struct totals *totals;
    struct progress progress;
    weft_time begun;
    int64_t known;     // how many there will be, or -1
    int64_t under_way; // when last idle; before, -1
    int64_t arrived;   // bytes of bodies when last idle, also of pages that are not complete
    int write_error;   // of stdout: an errno, or 0
};

// On stdout and stderr. 0 or -ENOMEM, the message in weft_error(). set outlives it. Prints nothing.
int results_open(struct results *r, const struct fetch_settings *set);
void results_close(struct results *r);

// First and last: what stands around the pages, the summary. The summary is not told when it was
// not wanted (--quiet), is in the output itself and stderr is no terminal, or is of one page.
void results_begin(struct results *r);
// 0, or as results_idle. changes: as in output_end.
int results_end(struct results *r, const struct change_sum *changes, bool interrupted);
// Last, where the run failed: for people that is said, but a program is to read a whole of JSON.
int results_break_off(struct results *r, const struct change_sum *changes);

// r is a struct results. 0, or as results_idle.
int results_page(void *r, const char *url, const struct page *page);
// With how it compares; change may be NULL.
int results_change(struct results *r, const char *url, const struct page *page,
                   const struct page_change *change);
// Nothing more is ready just now: what was printed is written, and the progress line moves. To be
// called before each wait, and ten times a second while it lasts. 0, or the negative errno of
// stdout, which is in write_error too; its message is in weft_error().
int results_idle(void *r, const struct pages_now *now);
int results_flush(struct results *r); // the same without the line

#endif
