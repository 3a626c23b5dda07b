// SPDX-License-Identifier: MIT
// seats.h - a few places for what takes long, and who of those that wait has the next one.
//
// Who asks belongs to a party. The next place is for the party that used least of late: what it
// used counts for a while (SEATS_WEIGHT times as long), so one that asks all the time waits behind
// those that ask now and then, and these wait for nobody's line but only until a place is free.
// One party never has all places.
//
// It belongs to one loop: there is no lock in it. A party asks for places of one kind only.
#ifndef WEFT_CHAT_SEATS_H
#define WEFT_CHAT_SEATS_H

#include <stdbool.h>
#include <sys/queue.h>
#include <weft/sync.h>
#include <weft/time.h>

enum {
    SEATS_WEIGHT = 10,        // a second is held against a party for ten
    SEATS_MEMORY_MS = 600000, // and no more than so much in all
};

// All 0 at first. It may go when none of it waits or has a place; what it used is then forgotten.
struct seats_party {
    int here;      // have a place
    int64_t until; // when what it used is forgotten; nanoseconds of weft_now
};

// On the stack of who waits, or has a place.
struct seats_turn {
    struct seats_party *party;
    weft_event called;
    weft_time begun; // while it has a place
    bool seated;
    TAILQ_ENTRY(seats_turn) in_waiting;
};

struct seats {
    int places, free;
    TAILQ_HEAD(, seats_turn) waiting; // in the order in which they came
};

void seats_init(struct seats *seats, int places);

// Wait for a place: 0, and then seats_leave gives it back; -ETIMEDOUT, -ECANCELED.
int seats_take(struct seats *seats, struct seats_party *party, struct seats_turn *turn,
               weft_time deadline);
void seats_leave(struct seats *seats, struct seats_turn *turn);

#endif
