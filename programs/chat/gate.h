// SPDX-License-Identifier: MIT
// gate.h - how many may come in: of all, of one network at once, and of one network anew within a
// time.
//
// A network is what one person has: an IPv4 address, or 64 bits of IPv6, unless the rules say
// otherwise. Some are exempt: they are counted, but let in. It is remembered while connections of
// it are here, until its time has passed, and as long as its account says; of those with none here
// at most GATE_MEMORY, then the oldest are forgotten.
//
// It belongs to the loop of the doors. Times are milliseconds of a clock that is not set back.
#ifndef WEFT_CHAT_GATE_H
#define WEFT_CHAT_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "chat/seats.h"
#include "chat/network.h"

enum { GATE_MEMORY = 10000 };

enum gate_answer {
    GATE_OPEN,
    GATE_FULL,    // as many are here as may be
    GATE_CROWDED, // of this network
    GATE_HASTY,   // too many of this network came within the time
};
enum { GATE_ANSWERS = 4 };

struct gate_rules {
    int most;          // at once; 0: any number, here and below
    int most_each;     // of one network
    int new_each;      // within window_ms
    int64_t window_ms; // from the first of them on
    int bits_v4, bits_v6;
    const struct networks *exempt; // borrowed
};

struct neighbours; // those of one network

// What they use of the server together; all 0 at first. It is for who counts with it: the gate only
// keeps it.
struct gate_account {
    int64_t budget;           // as irc_charge has it
    struct seats_party party; // of those who search by HTTP
    struct seats_party talks; // and in sessions; as long as that is held against them it is kept
    int64_t keep_until;       // by the clock of gate_enter, which is weft_now's
};

struct gate {
    struct gate_rules rules; // may be changed at any time
    size_t here;             // connections that came in and did not leave
    size_t remembered;       // networks of which none is here
    struct neighbours *all;
    TAILQ_HEAD(, neighbours) gone; // these networks; the oldest first
    int64_t told_full;             // when that was last said
    uint64_t refused[GATE_ANSWERS];
    struct gate_account others; // see gate_account
};

void gate_init(struct gate *gate);
void gate_free(struct gate *gate);

// A connection from this host (address_host) wants to come in. GATE_OPEN: it is counted, until
// gate_leave with what *of is set to. Else *first says whether this is news: once for each network
// and window. Without memory for one more network it comes in uncounted there.
enum gate_answer gate_enter(struct gate *gate, const char *host, int64_t now,
                            struct neighbours **of, bool *first);
void gate_leave(struct gate *gate, struct neighbours **of);

// Of one network, while a connection of it is here. Of those that are counted in none (no address,
// no memory) there is one for all of them.
struct gate_account *gate_account(struct gate *gate, struct neighbours *of);

const char *gate_reason(enum gate_answer answer); // in words, for client and log; of GATE_OPEN NULL

#endif
