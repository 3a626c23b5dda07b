// SPDX-License-Identifier: MIT
// name.h - what users and rooms may be called, and when two names are the same.
//
// Names are UTF-8. Two are the same if they differ only in the case of ASCII letters
// (CASEMAPPING=ascii): a rule that every client knows, and no other is known by all of them.
#ifndef WEFT_CHAT_NAME_H
#define WEFT_CHAT_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { NICK_MAX = 32, ROOM_NAME_MAX = 64 }; // bytes, without the NUL

char name_fold_char(char c);
// The name by which a table finds it; `out` has room for as many bytes as `name`, and a NUL.
void name_fold(char *out, const char *name);
bool name_same(const char *a, const char *b);

// A nick: 1 to NICK_MAX bytes, no space or invisible character, no accent without its letter, and
// nothing that a command would take for something else: a mask's * ? ! @, a list's comma, a room's
// first character, a rank.
bool nick_is_valid(const char *nick);
// A room: '#' and up to 63 bytes more; no space, comma, control or invisible character, and behind
// the '#' no accent without its letter.
bool room_name_is_valid(const char *name);

#endif
