// SPDX-License-Identifier: MIT
// keyring.h - the keys of rooms (+k) as they were given, or set while one was there, for when the
// connection is made again.
#ifndef WEFT_CHAT_JOIN_KEYRING_H
#define WEFT_CHAT_JOIN_KEYRING_H

#include "chat/join/names.h"
#include "chat/join/past.h"

enum { KEYRING_MOST = 16, KEYRING_KEY = 128 };

// Zeroed it is empty. Of more rooms than it holds it forgets the oldest.
struct keyring {
    struct {
        char room[NAME_ROOM], key[KEYRING_KEY];
    } keys[KEYRING_MOST];
    int next; // the place of the next new room
};

// An empty key is none, and one that does not fit is not kept.
void keyring_put(struct keyring *k, enum casemap map, const char *room, const char *key);
// Modes of the room have changed, "+lk 5 word": is there a new key, it counts. That of one that was
// taken away stays, as a server does not mind.
void keyring_learn(struct keyring *k, enum casemap map, const char *room, const char *modes);
const char *keyring_find(const struct keyring *k, enum casemap map, const char *room); // "": none

#endif
