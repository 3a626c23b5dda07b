// SPDX-License-Identifier: MIT
// tags_fuzz.c - any bytes as the tags of a line (chat/irc/line.h), against a plain reading of them:
// parts between semicolons, the last one of a name counts.
#include "fuzz.h"

#include <string.h>

#include "chat/irc/line.h"

// The last part that has this name, found from the end. NULL: none has.
static const char *plain_find(const char *tags, const char *name, size_t *size)
{
    const char *end = tags + strlen(tags);
    while (end >= tags) {
        const char *begin = end;
        while (begin > tags && begin[-1] != ';')
            begin--;
        size_t length = (size_t)(end - begin), wanted = strlen(name);
        if (length > 0 && length >= wanted && memcmp(begin, name, wanted) == 0 &&
            (length == wanted || begin[wanted] == '=')) {
            size_t value = wanted + (length > wanted);
            *size = length - value;
            return begin + value;
        }
        end = begin - 1;
    }
    return NULL;
}

static void check_find(const char *tags, const char *name)
{
    size_t size = 0, plain_size = 0;
    const char *value = tag_find(tags, name, &size);
    const char *plain = plain_find(tags, name, &plain_size);
    must(value == plain && (!value || size == plain_size));
}

// Each tag, and its name looked up. The tags leave nothing out but semicolons.
static void check_walk(const char *tags)
{
    const char *at = tags, *tag, *from = tags;
    char name[256];
    size_t size;
    while (tag_next(&at, &tag, &size)) {
        must(size > 0 && !memchr(tag, ';', size) && at == tag + size);
        must(strspn(from, ";") == (size_t)(tag - from));
        from = at;
        size_t key = strcspn(tag, "=;");
        if (key < sizeof name) {
            (void)snprintf(name, sizeof name, "%.*s", (int)key, tag);
            check_find(tags, name);
        }
    }
    must(at[strspn(at, ";")] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *tags = malloc(size + 1);
    must(tags);
    memcpy(tags, data, size);
    tags[size] = '\0'; // what is behind a NUL is not there
    check_walk(tags);
    check_find(tags, "label");
    check_find(tags, "batch");
    free(tags);
    return 0;
}
