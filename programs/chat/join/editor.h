// SPDX-License-Identifier: MIT
// editor.h - the line that is being typed, and those before it.
#ifndef WEFT_CHAT_JOIN_EDITOR_H
#define WEFT_CHAT_JOIN_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

enum { EDITOR_MAX = 4096, EDITOR_HISTORY = 100 };

// Zeroed is an empty one. The text is always NUL-terminated, and the cursor between two clusters.
struct editor {
    char text[EDITOR_MAX];
    size_t size, cursor;
    char cut[EDITOR_MAX]; // what was cut out last
    char *history[EDITOR_HISTORY];
    int history_count;
    int back;               // so many lines back in the history; 0: the line of now
    char draft[EDITOR_MAX]; // that line, meanwhile
};

void editor_release(struct editor *e);

void editor_insert(struct editor *e, const char *bytes, size_t size); // what has room, whole
void editor_replace(struct editor *e, size_t from, size_t to, const char *with); // cursor behind it
void editor_clear(struct editor *e);
void editor_left(struct editor *e);
void editor_right(struct editor *e);
void editor_word_left(struct editor *e);
void editor_word_right(struct editor *e);
void editor_home(struct editor *e);
void editor_end(struct editor *e);
void editor_backspace(struct editor *e);
void editor_delete(struct editor *e);
void editor_cut_word(struct editor *e); // before the cursor; as the next two, kept for the last
void editor_cut_start(struct editor *e);
void editor_cut_end(struct editor *e);
void editor_put_back(struct editor *e);

// Older and newer lines. What was typed so far comes back behind the newest.
void editor_older(struct editor *e);
void editor_newer(struct editor *e);
// Take the line into the history (not twice the same) and begin a new one.
void editor_enter(struct editor *e);

#endif
