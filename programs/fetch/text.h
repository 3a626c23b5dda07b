// SPDX-License-Identifier: MIT
// text.h - pieces of text put together where a printf would cost more than all else of it: what is
// done for each page.
#ifndef WEFT_FETCH_TEXT_H
#define WEFT_FETCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// Write the bytes and a '\0' behind them, which the next piece takes the place of: there must be
// room. Returns where that goes. text may be NULL if size is 0.
static inline char *text_put(char *to, const char *text, size_t size)
{
    if (size > 0)
        memcpy(to, text, size);
    to[size] = '\0';
    return to + size;
}

// The text into cap bytes, at least one. False: it was cut to fit.
static inline bool text_copy(char *to, size_t cap, const char *text, size_t size)
{
    bool fits = size < cap;
    (void)text_put(to, text, fits ? size : cap - 1);
    return fits;
}

#endif
