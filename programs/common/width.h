// SPDX-License-Identifier: MIT
// width.h - text on a grid: how many columns characters take, and where rows and characters end.
//
// A character here is one code point as it is shown. A cluster is what a person calls a character:
// a letter with its accents, an emoji with its joiners. The cursor moves by clusters.
#ifndef WEFT_PROGRAMS_WIDTH_H
#define WEFT_PROGRAMS_WIDTH_H

#include <stddef.h>

// What is shown for the first character of a text. `bytes` never holds a control character: that
// is the rule of chat/text.h once more, where it cannot be got around.
struct glyph {
    const char *bytes; // to show
    size_t size;       // of them; 0: nothing is shown
    size_t taken;      // bytes of the text, at least 1
    int columns;       // 0, 1 or 2
};

struct glyph glyph_first(const char *text, size_t size); // size > 0

int text_columns(const char *text, size_t size);
// How many bytes fit into so many columns, whole characters. *used: the columns that they take.
size_t text_fit(const char *text, size_t size, int columns, int *used);
// How many bytes the first row takes, of rows so wide: up to a space or an ideograph if there is
// one in its second half, and at least one character.
size_t text_row(const char *text, size_t size, int columns);

// Where the cluster ends that begins at `at`, and where that begins which ends there.
size_t cluster_end(const char *text, size_t size, size_t at);
size_t cluster_start(const char *text, size_t at);

#endif
