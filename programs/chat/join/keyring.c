// SPDX-License-Identifier: MIT
// keyring.c - see keyring.h. A table of few rows: who is in more rooms with keys types one again.
#include "chat/join/keyring.h"

#include <stdio.h>
#include <string.h>

static int find(const struct keyring *k, enum casemap map, const char *room)
{
    for (int i = 0; i < KEYRING_MOST; i++)
        if (*k->keys[i].room && names_equal(map, k->keys[i].room, room))
            return i;
    return -1;
}

void keyring_put(struct keyring *k, enum casemap map, const char *room, const char *key)
{
    int at = find(k, map, room);
    if (!*key || strlen(key) >= KEYRING_KEY || strlen(room) >= NAME_ROOM)
        return;
    if (at < 0) {
        at = k->next;
        k->next = (at + 1) % KEYRING_MOST;
    }
    (void)snprintf(k->keys[at].room, NAME_ROOM, "%s", room);
    (void)snprintf(k->keys[at].key, KEYRING_KEY, "%s", key);
}

const char *keyring_find(const struct keyring *k, enum casemap map, const char *room)
{
    int at = find(k, map, room);
    return at < 0 ? "" : k->keys[at].key;
}

// Of the letters that servers have, these have a word behind them: also in "-k *".
static bool takes_word(char letter, bool on)
{
    return strchr("beIkqaohv", letter) || (letter == 'l' && on);
}

void keyring_learn(struct keyring *k, enum casemap map, const char *room, const char *modes)
{
    const char *word = modes + strcspn(modes, " ");
    bool on = true;
    for (const char *at = modes; *at && *at != ' '; at++) {
        char key[KEYRING_KEY];
        on = *at == '+' || (on && *at != '-');
        if (!takes_word(*at, on))
            continue;
        word += strspn(word, " ");
        size_t size = strcspn(word, " ");
        bool hidden = size == 1 && *word == '*';
        if (*at == 'k' && on && !hidden && size < sizeof key) {
            (void)snprintf(key, sizeof key, "%.*s", (int)size, word);
            keyring_put(k, map, room, key);
        }
        word += size;
    }
}
