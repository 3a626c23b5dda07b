// SPDX-License-Identifier: MIT
// trace.c - the recorder: who does what at which time, into memory that only its thread writes.
//
// To record takes a look at the clock and a few stores: no lock, and no step that another thread
// could make us repeat, but for the first event of a thread. A chunk that is full is followed by a
// new one from malloc; when that gives none, or the limit is reached, this and all later events of
// the thread's are dropped and counted. So a thread's cells are always the begin of its story,
// never one with holes: each end in them has its begin, and what is open at their end was open when
// they ended.
//
// The cells are read by another thread once, at exit (trace_write.c), while daemons and threads
// that weft knows nothing of may still record. That is right without a lock: `used` is stored with
// release after the cells that it counts, `next` and `first` after what they point to, and the
// reader loads each with acquire. So it sees whole cells, those that it sees never change again,
// and what comes later it does not look at. Nothing of it is ever freed. (A buffer goes from a
// thread that ends to one that begins; the two steps pair below, so the second continues what the
// first left.)
//
// Who woke whom: a waker leaves the address of its cell in the parker that it wakes, and the
// parker takes it along when its wait is over. One that comes late may find the next wait there:
// it is named as its waker, which it also is, for it made it look again. (Two words in the parker,
// who and when, could come from two wakers.)
#define _GNU_SOURCE // secure_getenv
#include "core/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/misuse.h"
#include "core/park.h"
#include "os/atomic.h"
#include "os/before_main.h"
#include "os/clock.h"
#include "os/spawn.h"

enum { DEFAULT_MB = 64, MB = 1 << 20, TRACKS = (1 << 27) - 1 };

bool wf_tracing;

static struct {
    char path[PATH_MAX]; // absolute: the program may change its folder
    int64_t origin_ns;
    size_t most_chunks;
    // ---- atomic
    size_t chunks;
    uint32_t tracks;
    uint64_t dropped; // by threads without a buffer
    struct wf_trace_buffer *all, *idle;
} trace;

static _Thread_local struct wf_trace_buffer *mine;

// ---- memory -----------------------------------------------------------------------------

static struct wf_trace_chunk *new_chunk(void)
{
    if (wf_add(&trace.chunks, 1, WF_RELAXED) >= trace.most_chunks)
        return NULL;
    struct wf_trace_chunk *chunk = malloc(sizeof *chunk);
    if (chunk)
        chunk->next = NULL, chunk->used = 0;
    return chunk;
}

// Those without a thread, from *first on, back into the list.
static void give_idle(struct wf_trace_buffer *first)
{
    struct wf_trace_buffer *last = first;
    while (last->next_idle)
        last = last->next_idle;
    struct wf_trace_buffer *next = wf_load(&trace.idle, WF_RELAXED);
    do
        last->next_idle = next;
    while (!wf_cas(&trace.idle, &next, first, WF_RELEASE)); // pairs with take_idle
}

// All are taken and the rest given back, for who takes only the first may find, after a look at the
// second, that the first was taken and given back meanwhile.
static struct wf_trace_buffer *take_idle(void)
{
    struct wf_trace_buffer *first = wf_load(&trace.idle, WF_RELAXED)
                                        ? wf_exchange(&trace.idle, NULL, WF_ACQUIRE)
                                        : NULL;
    if (first && first->next_idle)
        give_idle(first->next_idle);
    if (first)
        first->next_idle = NULL;
    return first;
}

static struct wf_trace_buffer *new_buffer(void)
{
    struct wf_trace_buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer)
        return NULL;
    struct wf_trace_buffer *next = wf_load(&trace.all, WF_RELAXED);
    do
        buffer->next = next;
    while (!wf_cas(&trace.all, &next, buffer, WF_RELEASE)); // pairs with wf_trace_buffers
    return buffer;
}

static bool make_room(struct wf_trace_buffer *buffer)
{
    struct wf_trace_chunk *chunk = new_chunk();
    if (!chunk)
        return false;
    // release: pairs with the writer's acquire
    wf_store(buffer->last ? &buffer->last->next : &buffer->first, chunk, WF_RELEASE);
    buffer->last = chunk;
    return true;
}

static bool has_room(const struct wf_trace_buffer *buffer, uint32_t count)
{
    return buffer->last && wf_load(&buffer->last->used, WF_RELAXED) + count <= WF_TRACE_CELLS;
}

static struct wf_trace_buffer *my_buffer(void)
{
    if (!mine)
        mine = take_idle();
    if (!mine)
        mine = new_buffer();
    return mine;
}

// More than is at hand. Malloc's failure is no failure of the program's: errno stays.
static bool find_room(uint32_t count)
{
    int error = errno;
    struct wf_trace_buffer *buffer = my_buffer();
    bool found = buffer && wf_load(&buffer->dropped, WF_RELAXED) == 0 &&
                 (has_room(buffer, count) || make_room(buffer));
    if (!found)
        (void)wf_add(buffer ? &buffer->dropped : &trace.dropped, 1, WF_RELAXED);
    errno = error;
    return found;
}

// `count` cells in a row that nobody sees before `publish`; NULL: dropped.
static union wf_trace_cell *take_cells(uint32_t count)
{
    bool at_hand = mine && wf_load(&mine->dropped, WF_RELAXED) == 0 && has_room(mine, count);
    if (__builtin_expect(!at_hand, 0) && !find_room(count))
        return NULL;
    return &mine->last->cells[wf_load(&mine->last->used, WF_RELAXED)];
}

static void publish(uint32_t count)
{
    struct wf_trace_chunk *chunk = mine->last;
    // release: pairs with the writer's acquire
    wf_store(&chunk->used, wf_load(&chunk->used, WF_RELAXED) + count, WF_RELEASE);
}

void wf_trace_thread_ends(void)
{
    if (mine)
        give_idle(mine); // it has no next: see take_idle
    mine = NULL;
}

struct wf_trace_buffer *wf_trace_buffers(void)
{
    return wf_load(&trace.all, WF_ACQUIRE); // pairs with new_buffer
}

uint32_t wf_trace_tracks(void)
{
    return wf_load(&trace.tracks, WF_RELAXED);
}

uint64_t wf_trace_dropped_elsewhere(void)
{
    return wf_load(&trace.dropped, WF_RELAXED);
}

const char *wf_trace_name(const union wf_trace_cell *cell)
{
    return cell->other ? cell->other[1].name : cell[1].name;
}

// ---- events -----------------------------------------------------------------------------

// The event in the cell, and a name behind it, if it is not NULL. What was written, or NULL.
static const union wf_trace_cell *put(const union wf_trace_cell *event, const char *name)
{
    uint32_t count = name ? 2 : 1;
    union wf_trace_cell *cell = take_cells(count);
    if (!cell)
        return NULL;
    cell[0] = *event;
    if (name)
        memcpy(cell[1].name, name, WF_NAME_MAX);
    publish(count);
    return cell;
}

// A worker goes by its own name, another by its task's.
static uint32_t new_track(struct wf_parker *parker)
{
    parker->track = wf_add(&trace.tracks, 1, WF_RELAXED) + 1;
    const union wf_trace_cell event = {.kind = WF_TRACE_TRACK,
                                       .track = parker->track & TRACKS,
                                       .text = parker->parking ? "fiber" : "thread",
                                       .ns = wf_clock_now()};
    char text[WF_NAME_MAX];
    const char *name = wf_parker_name(parker, text);
    (void)put(&event, name[0] != '\0' ? name : parker->own.name);
    return parker->track;
}

static uint32_t track_of(struct wf_parker *parker)
{
    return __builtin_expect(parker->track != 0, 1) ? parker->track : new_track(parker);
}

void wf_trace_queued(struct wf_task *task)
{
    const union wf_trace_cell event = {
        .kind = WF_TRACE_QUEUED, .ns = wf_clock_now(), .id = (uint64_t)task->id};
    char text[WF_NAME_MAX];
    task->traced = put(&event, wf_task_name(task, text));
}

void wf_trace_begins(struct wf_parker *parker, struct wf_task *task)
{
    if (task == &parker->own && task->name[0] == '\0')
        return; // a thread of ours, which is about to say so
    const union wf_trace_cell event = {.kind = WF_TRACE_BEGIN,
                                       .track = track_of(parker) & TRACKS,
                                       .ns = wf_clock_now(),
                                       .id = (uint64_t)task->id,
                                       .other = task->traced};
    char text[WF_NAME_MAX];
    const union wf_trace_cell *begin = put(&event, task->traced ? NULL : wf_task_name(task, text));
    if (begin)
        task->traced = begin;
}

void wf_trace_ends(struct wf_parker *parker, struct wf_task *task)
{
    if (!task->traced || task->traced->kind != WF_TRACE_BEGIN)
        return;
    const union wf_trace_cell event = {.kind = WF_TRACE_END,
                                       .track = track_of(parker) & TRACKS,
                                       .ns = wf_clock_now(),
                                       .id = (uint64_t)task->id};
    (void)put(&event, NULL);
    parker->left = task->traced;
    parker->left_ns = event.ns;
}

void wf_trace_ended(struct wf_task *task)
{
    if (!task->traced || task->traced->kind != WF_TRACE_QUEUED)
        return;
    const union wf_trace_cell event = {.kind = WF_TRACE_UNRUN,
                                       .ns = wf_clock_now(),
                                       .id = (uint64_t)task->id,
                                       .other = task->traced};
    (void)put(&event, NULL);
    task->traced = NULL;
}

// The times are another process's word. What cannot be is not believed.
static int64_t between(int64_t first, int64_t ns, int64_t last, int64_t otherwise)
{
    return first <= ns && ns <= last ? ns : otherwise;
}

void wf_trace_ran(struct wf_task *task, const struct wf_trace_run *run)
{
    if (!task->traced || task->traced->kind != WF_TRACE_QUEUED)
        return;
    union wf_trace_cell *cell = take_cells(2);
    if (!cell)
        return;
    int64_t now = wf_clock_now(), queued = task->traced->ns;
    int64_t begun = between(queued, run->begun_ns, now, queued);
    cell[0] = (union wf_trace_cell){.kind = WF_TRACE_RAN,
                                    .ns = begun,
                                    .id = (uint64_t)task->id,
                                    .other = task->traced,
                                    .number = run->pid > 0 ? run->pid : 0};
    memcpy(cell[1].process.name, run->process, WF_NAME_MAX);
    cell[1].process.ended_ns = between(begun, run->ended_ns, now, now);
    publish(2);
    task->traced = NULL;
}

// ---- waits ------------------------------------------------------------------------------

// Not that of a worker for a task, nor those for the library's own locks: they pass in a moment.
static bool is_shown(const struct wf_parker *self, const struct wf_wait *wait)
{
    return self->task->id != 0 && !(wait->passes && wait->object);
}

void wf_trace_waits(struct wf_parker *self, const struct wf_wait *wait)
{
    if (self->task->id == 0 && !wait->passes)
        self->left = NULL; // what it does after that has to do with another task
    if (!is_shown(self, wait))
        return;
    wf_store(&self->waker, NULL, WF_RELAXED); // whoever woke it before ended another wait
    const union wf_trace_cell event = {.kind = WF_TRACE_WAIT,
                                       .track = track_of(self) & TRACKS,
                                       .ns = wf_clock_now(),
                                       .id = (uint64_t)(uintptr_t)wait->object,
                                       .text = wait->what,
                                       .other = (const void *)wait->thing,
                                       .number = wait->fd};
    (void)put(&event, NULL);
}

void wf_trace_goes_on(struct wf_parker *self, const struct wf_wait *wait)
{
    if (!is_shown(self, wait))
        return;
    const union wf_trace_cell event = {.kind = WF_TRACE_GO_ON,
                                       .track = track_of(self) & TRACKS,
                                       .ns = wf_clock_now(),
                                       .other = wf_load(&self->waker, WF_ACQUIRE)};
    (void)put(&event, NULL);
}

// Who ends a task wakes its joiners when he is between two tasks; it was the task all the same.
void wf_trace_wakes(struct wf_parker *parker)
{
    struct wf_parker *self = wf_running; // a thread without one is the library's (lookout.c)
    if (!self || self == parker)
        return;
    bool between_tasks = self->task->id == 0;
    const union wf_trace_cell event = {.kind = WF_TRACE_WAKE,
                                       .track = track_of(self) & TRACKS,
                                       .ns = between_tasks && self->left ? self->left_ns - 1
                                                                         : wf_clock_now(),
                                       .other = between_tasks ? self->left : self->task->traced};
    // release: pairs with wf_trace_goes_on, which hands the cell on to the writer
    wf_store(&parker->waker, put(&event, NULL), WF_RELEASE);
}

// ---- what the program says --------------------------------------------------------------

static void say(enum wf_trace_kind kind, const char *name)
{
    struct wf_parker *self = wf_self(); // first: it may begin a track, and a task on it
    const union wf_trace_cell event = {.kind = kind & 31u,
                                       .track = track_of(self) & TRACKS,
                                       .ns = wf_clock_now(),
                                       .text = name ? name : ""};
    (void)put(&event, NULL);
}

void weft_trace_begin(const char *name)
{
    if (wf_traced())
        say(WF_TRACE_SPAN, name);
}

void weft_trace_end(void)
{
    if (wf_traced())
        say(WF_TRACE_SPAN_END, NULL);
}

void weft_trace_mark(const char *name)
{
    if (wf_traced())
        say(WF_TRACE_MARK, name);
}

// ---- begin and end ----------------------------------------------------------------------

static void complain(const char *path, int error)
{
    (void)fprintf(stderr, "weft: WEFT_TRACE=%s: %s; nothing is recorded\n", path, strerror(error));
}

// Where it is to be written, from whatever folder that will be. 0 or -errno.
static int find_path(const char *path)
{
    size_t used = 0;
    if (path[0] != '/') {
        if (!getcwd(trace.path, sizeof trace.path - 1))
            return -errno;
        used = strlen(trace.path);
        trace.path[used++] = '/';
    }
    if (strlen(path) >= sizeof trace.path - used)
        return -ENAMETOOLONG;
    memcpy(trace.path + used, path, strlen(path) + 1);
    return 0;
}

// Now, and not after an hour of work. The old one goes, or it would be taken for the new one of a
// program that dies.
static int try_path(void)
{
    int fd = open(trace.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0)
        return -errno;
    (void)close(fd); // not kept: a daemon closes what it does not know, and opens another there
    return 0;
}

static size_t of_megabytes(long mb)
{
    return (size_t)mb * MB / sizeof(struct wf_trace_chunk);
}

static size_t wanted_chunks(void)
{
    const char *text = getenv("WEFT_TRACE_MB");
    if (!text || text[0] == '\0')
        return of_megabytes(DEFAULT_MB);
    char *end;
    long mb = strtol(text, &end, 10);
    if (*end == '\0' && mb > 0 && mb <= LONG_MAX / MB)
        return of_megabytes(mb);
    (void)fprintf(stderr, "weft: WEFT_TRACE_MB=%s: no number of megabytes; it is %d\n", text,
                  DEFAULT_MB);
    return of_megabytes(DEFAULT_MB);
}

// Before main, so that nobody sees it change. A program with more rights than who runs it writes
// nothing where he wants it.
WF_BEFORE_MAIN static void begin_trace(void)
{
    const char *path = secure_getenv("WEFT_TRACE");
    if (!path || path[0] == '\0' || wf_spawn_was())
        return;
    int rc = find_path(path);
    rc = rc == 0 ? try_path() : rc;
    if (rc < 0) {
        complain(path, -rc);
        return;
    }
    trace.origin_ns = wf_clock_now();
    trace.most_chunks = wanted_chunks();
    wf_tracing = wf_noting = true;
}

// After the handlers of exit, of which ours waits for the tasks: so it is all there.
__attribute__((destructor)) static void end_trace(void)
{
    if (wf_tracing)
        wf_trace_write(trace.path, trace.origin_ns);
}

// Without a trace nothing is written: every thread of the parent has read it, without a lock.
void wf_trace_forget(void)
{
    if (!wf_tracing)
        return;
    wf_tracing = false;
    wf_noting = wf_checking;
}
