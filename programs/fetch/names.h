// SPDX-License-Identifier: MIT
// names.h - names to addresses, in front of libcurl: a bounded number of lookups at once, each name
// asked for once however many wait for it, and none that holds up another or the program's end.
//
// A lookup that takes more than a second, because a name server does not answer, counts no longer
// among those that run at once: another may begin beside it, up to NAMES_SLOW of them. When all
// who want a name gave up before its turn came, it is not asked for.
#ifndef WEFT_PROGRAMS_FETCH_NAMES_H
#define WEFT_PROGRAMS_FETCH_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <weft/time.h>

enum {
    NAMES_ADDRESSES = 16,
    NAMES_TEXT = 48,
    NAMES_SLOW = 64,       // lookups that may be left waiting for servers
    NAMES_REMEMBERED = 512 // answers; then the oldest is forgotten. 1 KB each
};

struct names;

struct name_found {
    int code;                                    // 0, or getaddrinfo's: EAI_NONAME, EAI_AGAIN...
    int error;                                   // of EAI_SYSTEM: the errno; 0: not known
    int length;                                  // of the addresses; 0 if code is not
    char addresses[NAMES_ADDRESSES][NAMES_TEXT]; // "127.0.0.1", "::1", in getaddrinfo's order
};

// at_once: at least 1. family: AF_UNSPEC, AF_INET or AF_INET6. NULL: out of memory.
struct names *names_open(int at_once, int family);
// Nobody is in names_find. Lookups that still run are left to themselves: what they use lives on
// until they end. A program that exits meanwhile is held up for the 100 ms that daemons get.
void names_close(struct names **n);

// How long somebody waits. A lookup that stands in line behind others is not to blame for that: its
// own time does not pass there.
struct names_time {
    weft_time end;     // of it all, in line too
    int64_t lookup_ns; // for the lookup, since it began, or was asked for if it was under way
    weft_time begun;   // set: when that was; or when he gave up, if it did not begin
};

// Blocks the task, on fibers and threads alike. 0 (see found->code), -ETIMEDOUT: there is no more
// time; -ECANCELED, -ENOMEM, -EAGAIN: no thread can be had, or what else weft_cond_wait returns.
// An answer is remembered for a minute, that there is no such name for as long; that the name
// server did not answer is not. A number ("127.0.0.1", "::1", without brackets) needs no lookup.
int names_find(struct names *n, const char *host, struct names_time *time,
               struct name_found *found);

const char *names_why(const struct name_found *found); // in words; of a code that is not 0

size_t names_remembered(struct names *n); // for tests: how many answers there are just now

#endif
