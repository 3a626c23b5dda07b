// SPDX-License-Identifier: MIT
// text.c - see text.h.
#include "core/text.h"

#include <string.h>

#include "os/fault.h"

void wf_text_add_some(struct wf_text *text, const char *more, size_t size)
{
    size_t room = sizeof text->bytes - 1 - text->used;
    size = size < room ? size : room;
    memcpy(text->bytes + text->used, more, size);
    text->used += size;
}

void wf_text_add(struct wf_text *text, const char *more)
{
    wf_text_add_some(text, more, strlen(more));
}

void wf_text_add_number(struct wf_text *text, uint64_t number)
{
    char digits[24], *first = digits + sizeof digits - 1;
    *first = '\0';
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    wf_text_add(text, first);
}

void wf_text_say(struct wf_text *text)
{
    text->bytes[text->used++] = '\n';
    wf_say(text->bytes, text->used);
}
