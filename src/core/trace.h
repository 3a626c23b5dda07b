// SPDX-License-Identifier: MIT
// trace.h - what is recorded under WEFT_TRACE=FILE; and where the library says what happens.
//
// A *cell* is one event. Each thread writes cells into chunks of its own, in the order of time. A
// *track* is a row of the picture: of one parker, a thread or a fiber, from its first event to its
// end. All events of a track are in the cells of one thread, since fibers do not migrate.
#ifndef WF_CORE_TRACE_H
#define WF_CORE_TRACE_H

#include <weft/trace.h>

#include "core/current.h"

// WEFT_TRACE names a file that can be written. Set before main; false for good in a child of a
// fork, in the ancestor and in its workers, for what they do is not this process's.
#ifndef wf_tracing // the explorer records nothing
extern bool wf_tracing;
#endif
#define wf_traced() __builtin_expect(wf_tracing, 0)

// ---- only while wf_tracing --------------------------------------------------------------
void wf_trace_queued(struct wf_task *task); // before anybody else may run it
void wf_trace_begins(struct wf_parker *parker, struct wf_task *task);
void wf_trace_ends(struct wf_parker *parker, struct wf_task *task);
void wf_trace_ended(struct wf_task *task); // if it has never begun, it never will
// It ran in another process, whose name that is; from begun_ns (0: nobody knows) to ended_ns (0:
// until now).
struct wf_trace_run {
    pid_t pid;
    const char *process;
    int64_t begun_ns, ended_ns;
};
void wf_trace_ran(struct wf_task *task, const struct wf_trace_run *run);

void wf_trace_waits(struct wf_parker *self, const struct wf_wait *wait);
void wf_trace_goes_on(struct wf_parker *self, const struct wf_wait *wait);
void wf_trace_wakes(struct wf_parker *parker); // before it is given its token

void wf_trace_thread_ends(void); // the caller's cells may be continued by another
void wf_trace_forget(void);      // in the child of a fork

// ---- trace.c and trace_write.c ----------------------------------------------------------
enum wf_trace_kind {
    WF_TRACE_TRACK,    // text: "thread" or "fiber"; its name follows
    WF_TRACE_QUEUED,   // id: of the task; its name follows
    WF_TRACE_UNRUN,    // id; other: the cell of QUEUED
    WF_TRACE_BEGIN,    // id; other: the cell of QUEUED, or NULL: then its name follows
    WF_TRACE_END,      // id
    WF_TRACE_RAN,      // id; other: the cell of QUEUED; number: pid; a struct wf_trace_process
    WF_TRACE_WAIT,     // text: the call; other: the thing, or NULL; id: the object; number: fd
    WF_TRACE_GO_ON,    // other: the cell of WAKE, or NULL
    WF_TRACE_WAKE,     // other: the cell of BEGIN of who wakes, or NULL
    WF_TRACE_SPAN,     // text
    WF_TRACE_SPAN_END, //
    WF_TRACE_MARK,     // text
};

struct wf_trace_process {
    char name[WF_NAME_MAX];
    int64_t ended_ns;
};

union wf_trace_cell {
    struct {
        int64_t ns;
        uint64_t id;
        const char *text; // lives as long as the program
        const union wf_trace_cell *other;
        uint32_t track : 27, kind : 5;
        int32_t number;
    };
    // What follows some kinds, in the next cell.
    char name[WF_NAME_MAX];
    struct wf_trace_process process;
};
_Static_assert(sizeof(union wf_trace_cell) == 40, "that of processes fits");

enum { WF_TRACE_CELLS = 818 }; // in a chunk: 32 KiB
struct wf_trace_chunk {
    struct wf_trace_chunk *next; // atomic: set once
    uint32_t used;               // atomic: whole cells; only its thread writes, and in order
    union wf_trace_cell cells[WF_TRACE_CELLS];
};

// Of one thread at a time; never freed.
struct wf_trace_buffer {
    struct wf_trace_buffer *next;      // in the list of all
    struct wf_trace_buffer *next_idle; // in the list of those without a thread
    struct wf_trace_chunk *first;      // atomic
    struct wf_trace_chunk *last;       // its thread's
    uint64_t dropped;                  // atomic: events; once there is one, all that follow
};

struct wf_trace_buffer *wf_trace_buffers(void);             // all of them; any thread, any time
uint32_t wf_trace_tracks(void);                             // the highest number that a track has
uint64_t wf_trace_dropped_elsewhere(void);                  // events of threads without a buffer
const char *wf_trace_name(const union wf_trace_cell *cell); // of a task's cell, or a track's

void wf_trace_write(const char *path, int64_t origin_ns); // trace_write.c

#endif
