// SPDX-License-Identifier: MIT
// line.c - see line.h. The tags stay as they are: what we pass on of them is passed on unread.
#include "chat/irc/line.h"

#include <errno.h>
#include <string.h>

char *line_word(char **at)
{
    char *word = *at;
    *at += strcspn(*at, " ");
    while (**at == ' ')
        *(*at)++ = '\0';
    return word;
}

int line_params(char *at, char *params[LINE_PARAMS])
{
    int count = 0;
    for (bool last = false; *at && !last;) {
        last = *at == ':' || count == LINE_PARAMS - 1;
        params[count++] = *at == ':' ? at + 1 : last ? at : line_word(&at);
    }
    return count;
}

int line_parse(struct line *line, char *text, size_t size)
{
    static char none[] = "";
    *line = (struct line){.tags = none};
    if (strlen(text) != size)
        return -EINVAL;
    char *at = text;
    if (*at == '@') {
        line->tags = at + 1;
        (void)line_word(&at);
        if (strlen(line->tags) > LINE_CLIENT_TAGS_MAX)
            return -EMSGSIZE;
    }
    if (size - (size_t)(at - text) > LINE_BODY_MAX)
        return -EMSGSIZE;
    while (*at == ' ')
        at++;
    if (*at == ':')
        (void)line_word(&at); // who a client says that it is; we know better
    line->command = line_word(&at);
    if (!*line->command)
        return -ENOENT;
    line->count = line_params(at, line->params);
    return 0;
}

bool tag_next(const char **at, const char **tag, size_t *size)
{
    while (**at == ';')
        ++*at;
    *tag = *at;
    *size = strcspn(*at, ";");
    *at += *size;
    return *size > 0;
}

const char *tag_find(const char *tags, const char *name, size_t *size)
{
    const char *tag, *found = NULL;
    size_t length, wanted = strlen(name);
    while (tag_next(&tags, &tag, &length)) {
        size_t key = strcspn(tag, "=;");
        if (key > length)
            key = length;
        if (key != wanted || memcmp(tag, name, key) != 0)
            continue;
        found = tag + key + (key < length); // the last one counts
        *size = length - (size_t)(found - tag);
    }
    return found;
}
