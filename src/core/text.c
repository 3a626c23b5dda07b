// SPDX-License-Identifier: MIT
#include "core/text.h"

void wf_text_add(struct wf_text *text, const char *more)
{
    while (*more != '\0' && text->used < sizeof text->bytes)
        text->bytes[text->used++] = *more++;
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
