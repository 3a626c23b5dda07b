// SPDX-License-Identifier: MIT
// tidy.h - after many came or went, their memory is given back to the system.
//
// What a crowd needs while it comes (its greetings, the names of all, who came after it) lies
// between what each of them keeps, so malloc cannot give it back by itself. Once nobody has come or
// gone for a second, a thread does it: each 100 MB take it some 10 ms, and who needs memory of
// the same arena waits for it, so it is not done for a few.
#ifndef WEFT_CHAT_TIDY_H
#define WEFT_CHAT_TIDY_H

#include <stdint.h>
#include <weft/weft.h>

enum { TIDY_ENOUGH = 256 }; // comings and goings that are worth it

struct tidy {          // valid when zeroed
    uint64_t moves;    // since the last time
    weft_event enough; // there are TIDY_ENOUGH
    weft_future *task;
};

// Start to wait for many; on the hub's loop, as the next. 0, or an error with weft_error().
int tidy_start(struct tidy *t);
void tidy_end(struct tidy *t);

static inline void tidy_moved(struct tidy *t) // somebody came or went
{
    if (++t->moves == TIDY_ENOUGH)
        weft_event_set(&t->enough);
}

#endif
