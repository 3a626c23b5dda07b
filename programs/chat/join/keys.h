// SPDX-License-Identifier: MIT
// keys.h - the bytes of a terminal, made keys. They may come in pieces of any size.
//
// No timer tells a lone Escape from the beginning of a sequence: it waits for what follows, as Alt
// is sent the same way, so Escape and then 1 is Alt+1.
#ifndef WEFT_CHAT_JOIN_KEYS_H
#define WEFT_CHAT_JOIN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum { PASTE_MAX = 65536, SEQUENCE_MAX = 32, PASTE_SILENCE_MS = 2000 };

enum key_kind {
    KEY_TEXT, // one character, or a paste of one line
    KEY_ENTER,
    KEY_TAB,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_CONTROL, // letter: 'a' to 'z'
    KEY_ALT,     // letter: what was pressed with it
    KEY_PASTE,   // several lines, '\n' between them
};

struct key {
    enum key_kind kind;
    char letter;
    const char *text; // of KEY_TEXT and KEY_PASTE: without control characters, during the call
    size_t size;
    bool cut; // of KEY_PASTE: more lines followed than PASTE_MAX has room for
};

// Zeroed is a fresh one.
struct keys {
    enum { KEYS_GROUND, KEYS_ESCAPE, KEYS_SEQUENCE, KEYS_CHARACTER } state;
    char held[SEQUENCE_MAX]; // of a sequence or a character
    size_t held_size, wanted;
    bool pasting, paste_cut; // within a paste; it was longer than there is room
    char paste[PASTE_MAX];
    size_t paste_size;
};

void keys_feed(struct keys *k, const char *bytes, size_t size,
               void (*press)(void *ctx, const struct key *key), void *ctx);
// Nothing has come for PASTE_SILENCE_MS: a paste is over then, for its end may have been lost on
// the way, and all keys would be taken for more of it. Ctrl+C is no way out of one: if it was
// pasted, what stands behind it would be typed.
void keys_silence(struct keys *k, void (*press)(void *ctx, const struct key *key), void *ctx);

#endif
