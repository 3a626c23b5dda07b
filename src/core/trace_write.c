// SPDX-License-Identifier: MIT
// trace_write.c - what was recorded, as Chrome trace JSON (the Trace Event Format).
//
// A track of ours is a `tid` of this process. Tasks, waits and spans are "B" and "E", which nest;
// the recorder does not look whether they do, so that is seen to here: each track has a stack of
// what is open, an end closes what was left open in it, one without a begin is dropped, and what
// is open when the cells of its thread end is closed there, and marked. The time in a queue is no
// part of a track: "b" and "e". A task of another process is an "X" of that process. A wake-up is
// an arrow, "s" and "f", from the waker's task to the end of the wait. The viewers sort by time,
// so we do not.
//
// It may run on a fiber's small stack (exit), so what is large is static.
#define _GNU_SOURCE // program_invocation_short_name
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/trace.h"
#include "os/atomic.h"
#include "os/clock.h"

enum { BUFFER = 1 << 16, SEEN = 256, US = 1000 };

struct open {
    enum wf_trace_kind kind;
    uint64_t task;
};

struct track {
    const union wf_trace_cell *cell; // of its name; NULL: that was dropped
    struct open *open;               // a stack
    size_t depth, room;
    struct track *next; // of the same thread
    bool is_listed;
};

static struct {
    int fd, error; // error: errno of the first failure; nothing is written after it
    size_t used;
    bool any; // an event was written
    int pid;
    int64_t origin_ns, now_ns;
    struct track *tracks; // by number, from 1
    uint32_t track_count;
    struct track *listed; // those in the cells of this thread so far
    uint64_t arrows, dropped;
    int seen[SEEN]; // other processes whose name was written
    char buffer[BUFFER];
} out;

// ---- text -------------------------------------------------------------------------------

static void flush(void)
{
    const char *at = out.buffer;
    while (out.used > 0 && out.error == 0) {
        ssize_t n = write(out.fd, at, out.used);
        if (n < 0 && errno != EINTR)
            out.error = errno;
        at += n > 0 ? n : 0;
        out.used -= n > 0 ? (size_t)n : 0;
    }
    out.used = 0;
}

static void put(const char *text, size_t size)
{
    if (sizeof out.buffer - out.used < size)
        flush();
    memcpy(out.buffer + out.used, text, size);
    out.used += size;
}

__attribute__((format(printf, 1, 2))) static void print(const char *fmt, ...)
{
    char text[256]; // names go by put_string
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

// The bytes of the UTF-8 character that begins here; 0: none does (RFC 3629).
static size_t utf8_size(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, second_least, second_most, size;
    } forms[] = {
        {0x01, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        size_t size = forms[i].size;
        bool fits = size == 1 || (s[1] >= forms[i].second_least && s[1] <= forms[i].second_most);
        for (size_t at = 2; fits && at < size; at++) // a NUL ends it, before what lies behind
            fits = (s[at] & 0xC0) == 0x80;
        return fits ? size : 0;
    }
    return 0;
}

// What is no UTF-8 is replaced: a name may have been cut, and is the program's in any case.
static void put_string(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    put("\"", 1);
    while (*s) {
        size_t size = utf8_size(s);
        if (size == 0)
            put("\\ufffd", 6);
        else if (*s == '"' || *s == '\\')
            print("\\%c", *s);
        else if (*s < 0x20)
            print("\\u%04x", *s);
        else
            put((const char *)s, size);
        s += size > 0 ? size : 1;
    }
    put("\"", 1);
}

static void put_ns(const char *key, int64_t ns)
{
    print(",\"%s\":%lld.%03d", key, (long long)(ns / US), (int)(ns % US));
}

// ---- events -----------------------------------------------------------------------------

// {"ph":"B","pid":1,"tid":2,"ts":3.004 - and the caller goes on, and ends it.
static void begin_event(const char *phase, int pid, uint32_t tid, int64_t ns)
{
    print("%s{\"ph\":\"%s\",\"pid\":%d,\"tid\":%u", out.any ? ",\n" : "\n", phase, pid, tid);
    put_ns("ts", ns > out.origin_ns ? ns - out.origin_ns : 0);
    out.any = true;
}

static void end_event(void)
{
    put("}", 1);
}

static void put_name(const char *category, const char *name)
{
    print(",\"cat\":\"%s\",\"name\":", category);
    put_string(name);
}

static void name_it(const char *what, int pid, uint32_t tid, const char *name)
{
    begin_event("M", pid, tid, out.origin_ns);
    print(",\"name\":\"%s\",\"args\":{\"name\":", what);
    put_string(name);
    print("}");
    end_event();
}

// ---- tracks -----------------------------------------------------------------------------

static struct track *track_of(const union wf_trace_cell *cell)
{
    struct track *track = &out.tracks[cell->track];
    if (!track->is_listed) {
        track->is_listed = true;
        track->next = out.listed;
        out.listed = track;
    }
    return track;
}

static uint32_t number_of(const struct track *track)
{
    return (uint32_t)(track - out.tracks);
}

static bool push(struct track *track, enum wf_trace_kind kind, uint64_t task)
{
    if (track->depth == track->room) {
        size_t room = track->room > 0 ? 2 * track->room : 8;
        struct open *more = realloc(track->open, room * sizeof *more);
        if (!more) {
            out.error = ENOMEM;
            return false;
        }
        track->open = more;
        track->room = room;
    }
    track->open[track->depth++] = (struct open){kind, task};
    return true;
}

static void close_top(struct track *track, int64_t ns, const char *note)
{
    track->depth--;
    begin_event("E", out.pid, number_of(track), ns);
    if (note)
        print(",\"args\":{\"%s\":true}", note);
    end_event();
}

// An arrow to just before the end of the wait: at the end itself no slice is there to bind it to.
static void draw_arrow(const union wf_trace_cell *wake, const union wf_trace_cell *to)
{
    int64_t ns = to->ns - 1 > wake->ns ? to->ns - 1 : to->ns;
    out.arrows++;
    begin_event("s", out.pid, wake->track, wake->ns);
    print(",\"cat\":\"wake\",\"name\":\"wake\",\"id\":%llu", (unsigned long long)out.arrows);
    end_event();
    begin_event("f", out.pid, to->track, ns);
    print(",\"bp\":\"e\",\"cat\":\"wake\",\"name\":\"wake\",\"id\":%llu",
          (unsigned long long)out.arrows);
    end_event();
}

// The task, or else the track.
static const char *name_of_waker(const union wf_trace_cell *wake)
{
    if (wake->other)
        return wf_trace_name(wake->other);
    const union wf_trace_cell *cell = out.tracks[wake->track].cell;
    return cell ? wf_trace_name(cell) : "?";
}

// ---- one kind after the other -----------------------------------------------------------

static void write_track(const union wf_trace_cell *cell)
{
    char name[WF_NAME_MAX + 16];
    bool is_fiber = strcmp(cell->text, "fiber") == 0;
    (void)snprintf(name, sizeof name, "%s%s", wf_trace_name(cell), is_fiber ? " (fiber)" : "");
    name_it("thread_name", out.pid, cell->track, name);
}

static void write_queue(const char *phase, const union wf_trace_cell *queued, uint64_t task,
                        int64_t ns)
{
    begin_event(phase, out.pid, 0, ns);
    put_name("queued", queued[1].name);
    print(",\"id\":%llu", (unsigned long long)task);
    end_event();
}

static void write_queued(const union wf_trace_cell *cell)
{
    write_queue("b", cell, cell->id, cell->ns);
}

static void write_unrun(const union wf_trace_cell *cell)
{
    write_queue("e", cell->other, cell->id, cell->ns);
}

static void write_begin(const union wf_trace_cell *cell)
{
    if (cell->other)
        write_queue("e", cell->other, cell->id, cell->ns);
    if (!push(track_of(cell), WF_TRACE_BEGIN, cell->id))
        return;
    begin_event("B", out.pid, cell->track, cell->ns);
    put_name("task", wf_trace_name(cell));
    print(",\"args\":{\"task\":%llu}", (unsigned long long)cell->id);
    end_event();
}

static void write_end(const union wf_trace_cell *cell)
{
    struct track *track = track_of(cell);
    size_t at = track->depth;
    while (at > 0 &&
           (track->open[at - 1].kind != WF_TRACE_BEGIN || track->open[at - 1].task != cell->id))
        at--;
    while (at > 0 && track->depth >= at)
        close_top(track, cell->ns, track->depth > at ? "left_open" : NULL);
}

static void write_ran(const union wf_trace_cell *cell)
{
    int pid = cell->number;
    const struct wf_trace_process *process = &cell[1].process;
    if (out.seen[pid % SEEN] != pid)
        name_it("process_name", pid, (uint32_t)pid, process->name);
    out.seen[pid % SEEN] = pid;
    write_queue("e", cell->other, cell->id, cell->ns);
    begin_event("X", pid, (uint32_t)pid, cell->ns);
    put_ns("dur", process->ended_ns - cell->ns);
    put_name("task", cell->other[1].name);
    print(",\"args\":{\"task\":%llu,\"pid\":%d}", (unsigned long long)cell->id, pid);
    end_event();
}

static void write_wait(const union wf_trace_cell *cell)
{
    if (!push(track_of(cell), WF_TRACE_WAIT, 0))
        return;
    begin_event("B", out.pid, cell->track, cell->ns);
    put_name("wait", cell->text);
    const char *thing = (const char *)(const void *)cell->other;
    const char *separator = "";
    print(",\"args\":{");
    if (cell->id != 0) {
        print("\"%s\":\"0x%llx\"", thing ? thing : "object", (unsigned long long)cell->id);
        separator = ",";
    }
    if (cell->number >= 0)
        print("%s\"fd\":%d", separator, cell->number);
    print("}");
    end_event();
}

static bool is_top(const struct track *track, enum wf_trace_kind kind)
{
    return track->depth > 0 && track->open[track->depth - 1].kind == kind;
}

// Spans that were begun in the wait, by a function that weft_block calls, end with it.
static void write_go_on(const union wf_trace_cell *cell)
{
    struct track *track = track_of(cell);
    while (is_top(track, WF_TRACE_SPAN))
        close_top(track, cell->ns, "left_open");
    if (!is_top(track, WF_TRACE_WAIT))
        return;
    const union wf_trace_cell *wake = cell->other;
    if (wake && wake->other)
        draw_arrow(wake, cell);
    track->depth--;
    begin_event("E", out.pid, cell->track, cell->ns);
    if (wake) {
        print(",\"args\":{\"woken_by\":");
        put_string(name_of_waker(wake));
        print("}");
    }
    end_event();
}

static void write_wake(const union wf_trace_cell *cell)
{
    (void)cell; // drawn where the wait ends
}

static void write_span(const union wf_trace_cell *cell)
{
    if (!push(track_of(cell), WF_TRACE_SPAN, 0))
        return;
    begin_event("B", out.pid, cell->track, cell->ns);
    put_name("span", cell->text);
    end_event();
}

static void write_span_end(const union wf_trace_cell *cell)
{
    struct track *track = track_of(cell);
    if (is_top(track, WF_TRACE_SPAN))
        close_top(track, cell->ns, NULL);
}

static void write_mark(const union wf_trace_cell *cell)
{
    begin_event("i", out.pid, cell->track, cell->ns);
    put_name("mark", cell->text);
    print(",\"s\":\"t\"");
    end_event();
}

// By kind; how many cells it takes beside the first.
static const struct {
    void (*write)(const union wf_trace_cell *cell);
    int more;
} kinds[] = {
    [WF_TRACE_TRACK] = {write_track, 1},       [WF_TRACE_QUEUED] = {write_queued, 1},
    [WF_TRACE_UNRUN] = {write_unrun, 0},       [WF_TRACE_BEGIN] = {write_begin, 0},
    [WF_TRACE_END] = {write_end, 0},           [WF_TRACE_RAN] = {write_ran, 1},
    [WF_TRACE_WAIT] = {write_wait, 0},         [WF_TRACE_GO_ON] = {write_go_on, 0},
    [WF_TRACE_WAKE] = {write_wake, 0},         [WF_TRACE_SPAN] = {write_span, 0},
    [WF_TRACE_SPAN_END] = {write_span_end, 0}, [WF_TRACE_MARK] = {write_mark, 0},
};

// ---- all of them ------------------------------------------------------------------------

static uint32_t cells_of(const union wf_trace_cell *cell)
{
    bool has_name = cell->kind == WF_TRACE_BEGIN && !cell->other;
    return 1 + (has_name ? 1 : (uint32_t)kinds[cell->kind].more);
}

// The last of them, or NULL.
static const union wf_trace_cell *visit(const struct wf_trace_buffer *buffer,
                                        void (*each)(const union wf_trace_cell *cell))
{
    const union wf_trace_cell *last = NULL;
    const struct wf_trace_chunk *chunk = wf_load(&buffer->first, WF_ACQUIRE); // see trace.c
    for (; chunk; chunk = wf_load(&chunk->next, WF_ACQUIRE)) {
        uint32_t used = wf_load(&chunk->used, WF_ACQUIRE);
        for (uint32_t at = 0; at < used; at += cells_of(last)) {
            last = &chunk->cells[at];
            each(last);
        }
    }
    return last;
}

// A track that begins while we write is none of ours: it has a higher number.
static void find_name(const union wf_trace_cell *cell)
{
    if (cell->kind == WF_TRACE_TRACK && cell->track <= out.track_count)
        out.tracks[cell->track].cell = cell;
}

static void write_cell(const union wf_trace_cell *cell)
{
    if (cell->track <= out.track_count && out.error == 0)
        kinds[cell->kind].write(cell);
}

static void write_buffer(const struct wf_trace_buffer *buffer)
{
    const union wf_trace_cell *last = visit(buffer, write_cell);
    uint64_t dropped = wf_load(&buffer->dropped, WF_RELAXED);
    int64_t ns = dropped > 0 && last ? last->ns : out.now_ns;
    const char *note = dropped > 0 ? "cut_off" : "at_exit";
    for (; out.listed; out.listed = out.listed->next)
        while (out.listed->depth > 0 && out.error == 0)
            close_top(out.listed, ns, note);
    out.dropped += dropped;
}

static void write_all(void)
{
    out.tracks = calloc((size_t)out.track_count + 1, sizeof *out.tracks);
    if (!out.tracks) {
        out.error = ENOMEM;
        return;
    }
    for (const struct wf_trace_buffer *b = wf_trace_buffers(); b; b = b->next)
        (void)visit(b, find_name);
    print("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    name_it("process_name", out.pid, 0, program_invocation_short_name);
    for (const struct wf_trace_buffer *b = wf_trace_buffers(); b; b = b->next)
        write_buffer(b);
    print("\n],\"otherData\":{\"dropped\":%llu}}\n", (unsigned long long)out.dropped);
    flush();
    for (uint32_t i = 0; i <= out.track_count; i++)
        free(out.tracks[i].open);
    free(out.tracks);
}

static void tell(const char *path)
{
    if (out.error != 0)
        (void)fprintf(stderr, "weft: WEFT_TRACE: %s: %s; the trace is not whole\n", path,
                      strerror(out.error));
    else if (out.dropped > 0)
        (void)fprintf(stderr,
                      "weft: WEFT_TRACE: %llu events were dropped: WEFT_TRACE_MB=64, or more, "
                      "makes room for more\n",
                      (unsigned long long)out.dropped);
}

void wf_trace_write(const char *path, int64_t origin_ns)
{
    out.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    out.error = out.fd < 0 ? errno : 0;
    out.pid = getpid();
    out.origin_ns = origin_ns;
    out.now_ns = wf_clock_now();
    out.track_count = wf_trace_tracks();
    out.dropped = wf_trace_dropped_elsewhere();
    if (out.fd >= 0)
        write_all();
    if (out.fd >= 0 && close(out.fd) < 0 && out.error == 0)
        out.error = errno;
    tell(path);
}
