// SPDX-License-Identifier: MIT
// line.h - one line of IRC, taken apart: [@tags] [:source] COMMAND [parameters] [:last].
//
// Sizes are the Modern IRC document's and message-tags': 512 bytes with the line's end, and before
// them the tags.
#ifndef WEFT_CHAT_IRC_LINE_H
#define WEFT_CHAT_IRC_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LINE_BODY_MAX = 510,         // without tags, without "\r\n"
    LINE_CLIENT_TAGS_MAX = 4094, // between '@' and the space
    LINE_TAGS_MAX = 8191,        // the server's too, in what a client is sent
    LINE_TEXT_MAX = 1 + LINE_CLIENT_TAGS_MAX + 1 + LINE_BODY_MAX,
    LINE_PARAMS = 15,
};

struct line {
    char *tags; // without the '@'; empty: none
    char *command;
    int count;
    char *params[LINE_PARAMS + 1]; // NULL after the last
};

// Ends the word at *at and moves behind it and the spaces that follow.
char *line_word(char **at);
// The parameters there, of which the last may have spaces, or begin with ':'. How many.
int line_params(char *at, char *params[LINE_PARAMS]);

// Takes `text` apart in place. 0; -ENOENT: no command in it; -EMSGSIZE: tags or body too long;
// -EINVAL: a NUL inside, `size` tells.
int line_parse(struct line *line, char *text, size_t size);

// The value of a tag as it stands there, "" if it has none; NULL: not there. *size is its length.
const char *tag_find(const char *tags, const char *name, size_t *size);
// Tags, one after another: *at is moved behind it. False at the end. *size is that of name=value.
bool tag_next(const char **at, const char **tag, size_t *size);

#endif
