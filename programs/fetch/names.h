// SPDX-License-Identifier: MIT
// names.h - names to addresses, in front of libcurl: a bounded number of lookups at once, each name
// asked for once however many wait for it, and none that holds up another or the program's end.
#ifndef WEFT_PROGRAMS_FETCH_NAMES_H
#define WEFT_PROGRAMS_FETCH_NAMES_H

#include <weft/time.h>

enum { NAMES_ADDRESSES = 16, NAMES_TEXT = 48 };

struct names;

struct name_found {
    int code;                                    // 0, or getaddrinfo's: EAI_NONAME, EAI_AGAIN...
    int length;                                  // of the addresses; 0 if code is not
    char addresses[NAMES_ADDRESSES][NAMES_TEXT]; // "127.0.0.1", "::1", in getaddrinfo's order
};

// family: AF_UNSPEC, AF_INET or AF_INET6. NULL: out of memory.
struct names *names_open(int at_once, int family);
// Lookups that still run are left to themselves: what they use lives on until they end.
void names_close(struct names **n);

// Blocks the task. 0 (see found->code), -ETIMEDOUT: the deadline came first; -ECANCELED, -ENOMEM.
// An answer is remembered for a minute, that there is no such name for as long; that the name
// server did not answer is not.
int names_find(struct names *n, const char *host, weft_time deadline, struct name_found *found);

#endif
