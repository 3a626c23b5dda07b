// SPDX-License-Identifier: MIT
// fault.h - what broke, in a few plain words.
#ifndef WEFT_PROGRAMS_FETCH_FAULT_H
#define WEFT_PROGRAMS_FETCH_FAULT_H

#include <stdio.h>

#include "fetch/page.h"

// "name not known (DNS)". On one line, whatever the server sent.
void fault_print(FILE *out, const struct page *page);

// Text from elsewhere, with control characters as \xNN, so that it moves no cursor.
void print_clean(FILE *out, const char *text);

#endif
