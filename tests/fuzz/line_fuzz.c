// SPDX-License-Identifier: MIT
// line_fuzz.c - any bytes as a line of IRC (chat/irc/line.h).
//
// What is taken apart lies within the line, each part is what the grammar says, and put together
// again and taken apart once more it is the same.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "chat/irc/line.h"

static void check_words(const struct line *line, const char *text, size_t size)
{
    must(line->count >= 0 && line->count <= LINE_PARAMS && !line->params[line->count]);
    must(*line->command && !strchr(line->command, ' '));
    must(strlen(line->tags) <= LINE_CLIENT_TAGS_MAX && !strchr(line->tags, ' '));
    must(line->command >= text && line->command <= text + size);
    for (int i = 0; i < line->count; i++) {
        const char *param = line->params[i];
        must(param >= text && param + strlen(param) <= text + size);
        bool middle = i < line->count - 1;
        must(!middle || (*param && *param != ':' && !strchr(param, ' ')));
    }
}

static size_t put_together(const struct line *line, char *out, size_t room)
{
    int n = snprintf(out, room, "%s%s%s:source %s", *line->tags ? "@" : "", line->tags,
                     *line->tags ? " " : "", line->command); // which may begin with ':', too
    for (int i = 0; i < line->count; i++)
        n += snprintf(out + n, room - (size_t)n, " %s%s", i == line->count - 1 ? ":" : "",
                      line->params[i]);
    must(n > 0 && (size_t)n < room);
    return (size_t)n;
}

static void check_again(const struct line *line)
{
    char text[LINE_TEXT_MAX + LINE_PARAMS + 64];
    struct line again;
    size_t size = put_together(line, text, sizeof text);
    int rc = line_parse(&again, text, size);
    if (rc == -EMSGSIZE) // what we put before it was too much
        return;
    must(rc == 0 && again.count == line->count);
    must(strcmp(again.tags, line->tags) == 0 && strcmp(again.command, line->command) == 0);
    for (int i = 0; i < line->count; i++)
        must(strcmp(again.params[i], line->params[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line line;
    char *text = malloc(size + 1);
    must(text);
    memcpy(text, data, size);
    text[size] = '\0';
    int rc = line_parse(&line, text, size);
    must((rc == -EINVAL) == (size > 0 && memchr(data, '\0', size) != NULL));
    must(rc == 0 || rc == -EINVAL || rc == -ENOENT || rc == -EMSGSIZE);
    must(rc != -EMSGSIZE || size > LINE_BODY_MAX);
    must(rc != 0 || size <= LINE_TEXT_MAX + LINE_BODY_MAX);
    if (rc == 0) {
        check_words(&line, text, size);
        check_again(&line);
    }
    free(text);
    return 0;
}
