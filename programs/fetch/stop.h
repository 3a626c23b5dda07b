// SPDX-License-Identifier: MIT
// stop.h - Ctrl+C.
#ifndef WEFT_PROGRAMS_FETCH_STOP_H
#define WEFT_PROGRAMS_FETCH_STOP_H

#include <weft/weft.h>

// Waits for SIGINT, SIGTERM or SIGHUP, if that is not ignored, on a thread of its own, then sets
// `asked` and cancels the pool; what is done can then be told. A second one ends the program at
// once, if it comes half a second later: before, it counts as the same. Valid when zeroed.
struct stop {
    weft_pool *pool;
    weft_event asked;
    int signal; // which, once asked is set
    weft_future *watch;
};

// Block the signals: before any thread is started.
void stop_block(void);
int stop_watch(struct stop *stop, weft_pool *pool); // 0, or as weft_start
void stop_end(struct stop *stop);                   // before the pool is closed

#endif
