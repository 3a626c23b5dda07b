// SPDX-License-Identifier: MIT
// tally.h - what a server counts of itself, for /metrics.
//
// Plain numbers of the hub's loop, without a lock: who counts runs on it, and so does who reads.
//
// Two figures are times, and samples:
//
//     delivery   from the moment that a message's line is taken up to the moment when the copies
//                for all who hear it have been handed to the kernel: so it holds the hub's work,
//                what else the loop did in that turn, and the system call; not the network. Of one
//                message each 10 ms at most.
//     lag        how much later than it should a fiber runs that sleeps for a quarter of a second:
//                so long everybody on the loop waits for his turn.
#ifndef WEFT_CHAT_TALLY_H
#define WEFT_CHAT_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/weft.h>

#include "chat/drop.h"
#include "chat/wire.h"

enum { HISTOGRAM_BOUNDS = 14 };
extern const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS]; // 50 us to 1 s

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; // of those up to each bound, and above the last
    uint64_t sum_ns;
};

void histogram_add(struct histogram *h, int64_t ns);

struct tally {
    struct traffic lines; // of all clients
    uint64_t drops[DROPS];
    struct histogram delivery, lag;
    bool armed;       // the next message is timed
    weft_time begun;  // that one
    weft_event timed; // it is there
    weft_event never;
    weft_future *timer, *sleeper; // tasks
};

// Start to measure times; on the hub's loop. 0, or an error with weft_error().
int tally_start(struct tally *t);
void tally_end(struct tally *t);
// A message was told that was taken up at `begun`; only while armed.
void tally_message(struct tally *t, weft_time begun);

#endif
