// SPDX-License-Identifier: MIT
// place.h - where a time is in a conversation, which is in the order of its appends.
#ifndef WEFT_CHAT_STORE_PLACE_H
#define WEFT_CHAT_STORE_PLACE_H

#include <sqlite3.h>
#include <stdint.h>

struct place {
    int64_t first; // the id of the first message that is not before the time; INT64_MAX: none
    int64_t last;  // of the last that is not after it; -1: none
};

// Of so many last times that the clock was set back. What was said before the first of them is
// taken as if it had never been, so a place there may be beside the right one.
#define PLACE_STEPS "64"

// 0, or as sql.h.
int place_of_time(sqlite3 *db, int64_t conversation, int64_t time_ms, struct place *place);

#endif
