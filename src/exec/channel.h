// SPDX-License-Identifier: MIT
// channel.h - how tasks go to a worker process, and results come back: a ring in memory that the
// two share and nobody else.
//
// The root fills the slots in order, the worker runs them in order, the root takes the results in
// order. Each keeps its place in the ring to itself; what they share is a slot's state:
//
//     EMPTY   -root->   SENT      a task is there
//     SENT    -worker-> STARTED   it runs: if the worker dies now, this task dies with it
//     STARTED -worker-> DONE      the result is there
//     DONE    -root->   EMPTY
//     STARTED -root->   DOOMED    the worker is about to be killed for this task
//     SENT    -root->   DOOMED    likewise, where it is there for this task alone: it never begins
//     SENT    -root->   REVOKED   taken back; the worker has not begun it
//     REVOKED -worker-> PASSED    the worker has gone by; -root-> EMPTY
//
// SENT is left by compare-and-swap, so a task is either begun or taken back. STARTED too: a worker
// whose task was doomed before it was done waits for its end, and no other task dies in its place.
//
// Nothing that the worker writes is believed: the root knows itself which task lies where and how
// large its result is, and a state that cannot be makes it end the worker. What the worker does not
// write is no harm: its death or its silence is seen elsewhere (family.h).
//
// Whoever sleeps says so first and looks then; whoever wakes changes the state first and looks
// then whether somebody sleeps; all four in the one order of seq_cst. So one sees the other.
#ifndef WF_EXEC_CHANNEL_H
#define WF_EXEC_CHANNEL_H

#include <stddef.h>

#include <weft/error.h>
#include <weft/task.h>

#include "core/round.h"
#include "os/atomic.h"

enum { WF_SLOTS = 256, WF_SLOT_SIZE = 512, WF_SLOT_ALIGN = 64, WF_PAYLOAD = WF_SLOT_SIZE - 40 };

enum wf_slot_state {
    WF_SLOT_EMPTY,
    WF_SLOT_SENT,
    WF_SLOT_STARTED,
    WF_SLOT_DONE,
    WF_SLOT_REVOKED,
    WF_SLOT_PASSED,
    WF_SLOT_DOOMED
};

// A small argument and its result share the first cache line with the rest: to bring lines from
// core to core is most of what a short task costs.
struct wf_slot {
    _Alignas(WF_SLOT_ALIGN) uint32_t state; // atomic; enum wf_slot_state
    uint32_t cancelled;                     // atomic: the root asks the task to stop
    uint64_t what;                          // where its struct weft_task lies in the worker
    int64_t deadline_ns;                    // CLOCK_MONOTONIC is one clock for all processes
    int64_t id;                             // of its future: the worker tells it by this
    uint16_t serial; // of the message that brings its descriptors; the socket never holds so many
    uint16_t count;  // of those; the first is its parcel, if it has one
    int32_t code;    // once DONE. If it is negative, the payload holds the message, or ""
    char payload[WF_PAYLOAD];
};
_Static_assert(sizeof(struct wf_slot) == WF_SLOT_SIZE, "the slots of a ring are of one size");
_Static_assert((int)WEFT_ERROR_MAX <= (int)WF_PAYLOAD, "a message fits");

// When a worker rings the bell. DRY: before it sleeps, for no task follows.
enum wf_tell { WF_TELL_NOTHING, WF_TELL_DRY, WF_TELL_EACH };

// LEAVING is none of the small numbers that a stray write leaves: whoever says it is not ended.
enum wf_phase { WF_STARTING, WF_READY, WF_START_FAILED, WF_LEAVING = 0x1eaf1e55 };

struct wf_channel {
    // What the root writes, and the worker when it lies down.
    uint32_t asleep; // atomic: 1 while the worker sleeps on it
    uint32_t stop;   // atomic: leave, when what was sent is done
    uint32_t tell;   // atomic: ring the bell after a result; enum wf_tell. The ring clears it
    uint32_t lacks;  // atomic: tasks are queued for want of a worker that does not wait
    uint32_t traces; // say in `runs` when tasks ran; never changes
    uint32_t waited; // atomic: not 0 while somebody in the root sleeps on it until the next result
    // What the worker writes.
    _Alignas(WF_SLOT_ALIGN) uint32_t phase; // atomic; enum wf_phase
    int32_t pid;                            // atomic, for traces: its own, once it has begun
    uint32_t blocked;                       // atomic: 1 while the task waits for something
    int32_t start_code;                     // of on_start, once START_FAILED
    char start_text[WEFT_ERROR_MAX];
    _Alignas(WF_SLOT_SIZE) struct wf_slot slots[WF_SLOTS];
    struct wf_run { // of the task in the slot: 0 until it has begun. Both atomic
        int64_t begun_ns, ended_ns;
    } runs[WF_SLOTS];
};

// Where argument and result lie: in the slot, if they fit, else in a parcel, a file of their own.
struct wf_layout {
    bool fits;
    size_t arg_at, result_at; // from the begin of the slot, or the parcel
    size_t size;              // of the parcel
};

static inline struct wf_layout wf_lay_out(const struct weft_task *what, size_t begin)
{
    size_t arg_at = wf_round_up(begin, what->arg_align);
    size_t result_at = wf_round_up(arg_at + what->arg_size, what->result_align);
    return (struct wf_layout){
        .arg_at = arg_at, .result_at = result_at, .size = result_at + what->result_size};
}

// Here, and not in channel.c: to return it by memory took longer than to compute it.
static inline struct wf_layout wf_layout_of(const struct weft_task *what)
{
    struct wf_layout in_slot = wf_lay_out(what, offsetof(struct wf_slot, payload));
    in_slot.fits = in_slot.size <= WF_SLOT_SIZE && what->arg_align <= WF_SLOT_ALIGN &&
                   what->result_align <= WF_SLOT_ALIGN;
    return in_slot.fits ? in_slot : wf_lay_out(what, 0);
}

// A new one, for the root; *fd is for the worker, and the caller closes it. Its size is sealed.
// NULL with *fd a negative errno: -EMFILE, -ENFILE, -ENOMEM.
struct wf_channel *wf_channel_new(int *fd);
struct wf_channel *wf_channel_join(int fd);       // in the worker; NULL: -errno is in errno
void wf_channel_free(struct wf_channel *channel); // NULL: nothing

// A file for an argument and a result that do not fit a slot: mapped, NULL as above.
void *wf_parcel_new(size_t size, int *fd);
void *wf_parcel_join(int fd, const struct weft_task *what); // where the task may use it
void wf_parcel_free(void *parcel, size_t size);

#endif
