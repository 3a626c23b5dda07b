// SPDX-License-Identifier: MIT
// complete.h - the word before the cursor, made whole: a nick of those who are there, who spoke
// last first; a room after '#', a command after '/'. Again: the next that fits, round and round.
#ifndef WEFT_CHAT_JOIN_COMPLETE_H
#define WEFT_CHAT_JOIN_COMPLETE_H

#include "chat/join/editor.h"
#include "chat/join/model.h"

// Zeroed before any other key.
struct completion {
    bool active;
    size_t start, end; // what stands there of the last try
    char stem[128];    // what was typed
    int turn;          // which of those that fit
};

// False: nothing fits. commands ends with NULL; they have their '/'.
bool complete(struct completion *c, struct editor *e, const struct model *m,
              const char *const *commands);

#endif
