// SPDX-License-Identifier: MIT
// record_parts.h - what the parts of the record share.
//
//     record.c         opening, closing; what is asked
//     record_schema.c  what the file looks like
//     record_index.c   its URLs, in memory
//     record_run.c     a run: begun, gone on with, finished
//     record_writer.c  a thread: pages become rows
#ifndef WEFT_PROGRAMS_FETCH_RECORD_PARTS_H
#define WEFT_PROGRAMS_FETCH_RECORD_PARTS_H

#include <weft/pool.h>
#include <weft/sync.h>

#include "common/schema.h"
#include "common/sql.h"
#include "fetch/record.h"
#include "fetch/record_index.h"

enum { RECORD_ROWS = 1000 }; // that are written without further delay

struct record_batch { // pages, one behind the other
    char *bytes;
    size_t used, room;
    int rows;
};

struct record {
    // These do not change while it is open.
    char *path;
    int lock;               // the file's own descriptor; its flock says that it is ours
    int64_t run, last;      // the run's id; the last finished one's, or 0
    int64_t part, begin_us; // which part of the run this is, 0 the first; when in the run it began
    struct record_past past;
    weft_future *writer;

    sqlite3 *db; // the writer's, while that runs
    sqlite3_stmt *add_url, *add_page;

    weft_mutex mu;   // guards all below
    weft_cond work;  // the writer has something to do
    weft_cond moved; // a batch is settled
    struct record_index *index;
    uint32_t urls;                       // that have a number: the last one's
    struct record_batch coming, waiting; // pages that are not let out; that the writer takes
    int64_t settled;                     // pages that were written or given up
    bool ended;                          // there will be no more
    bool told;                           // of `code`
    int code;                            // why nothing is kept any more, or 0
    char reason[256];
};

extern const struct schema record_schema;

int record_run_load(struct record *r);                                    // the index, first of all
int record_run_begin(struct record *r, const struct fetch_settings *set); // or go on
int record_run_finish(struct record *r, bool whole);

void record_stop(struct record *r, int code); // with mu held: for the reason in weft_error()
int record_writer_prepare(struct record *r);
void record_writer_release(struct record *r);
// `url` is NULL if its number `id` stands in the file. 0 or -ENOMEM.
int record_batch_add(struct record_batch *batch, uint32_t id, const char *url,
                     const struct page *page, int64_t begin_us);
// Put all of `from` behind. 0 or -ENOMEM: then all is as it was.
int record_batch_move(struct record_batch *batch, struct record_batch *from);
int record_write(struct record *const *arg, weft_none *none);
WEFT_TASK(record_write, struct record *, weft_none);

#endif
