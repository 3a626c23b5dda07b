// SPDX-License-Identifier: MIT
// turns.h - whose turn it is: so many requests at once in all, so many to each host, a delay
// between two to the same host, and hosts that asked for a pause.
//
// A task waits for its turn at the host first, and then for one of the places of all; so a slow
// host holds up nobody else. Tasks of a host go in the order in which they came, and so do those
// that wait for a place. A host is remembered while somebody has a turn or waits there, and until
// its delay or pause is over.
#ifndef WEFT_PROGRAMS_FETCH_TURNS_H
#define WEFT_PROGRAMS_FETCH_TURNS_H

#include <stddef.h>
#include <stdint.h>
#include <weft/time.h>

struct turns_set {
    int at_once;      // at least 1
    int per_host;     // 0: as many as at_once
    int64_t delay_ns; // between two starts at a host; 0: none
};

struct turns; // of all tasks of a run
struct turn;  // one task's, while it has it

struct turns *turns_open(const struct turns_set *set); // NULL: out of memory
void turns_close(struct turns **t);                    // nobody has a turn or waits

// Wait for a turn at `host` ("https://example.org:443"; case does not count). 0: *turn is to be
// given back by turn_end; -ECANCELED, -ETIMEDOUT (the deadline came first), -ENOMEM, or what else
// weft_cond_wait returns. Blocks the task; on fibers and threads alike.
int turn_begin(struct turns *t, const char *host, weft_time deadline, struct turn **turn);
void turn_end(struct turn **turn);

// Nobody else starts at this host before so long from now; a shorter pause than there is already
// changes nothing. What runs goes on, the caller's turn too.
void turn_hold(struct turn *turn, int64_t ns);

// For tests: until when the host is held, or 0; how many hosts are remembered.
weft_time turn_held_until(const struct turn *turn);
size_t turns_hosts(struct turns *t);

#endif
