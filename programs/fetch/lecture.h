// SPDX-License-Identifier: MIT
// lecture.h - the lecture's program, to the letter: its five URLs, its lines, Python's words.
#ifndef WEFT_PROGRAMS_FETCH_LECTURE_H
#define WEFT_PROGRAMS_FETCH_LECTURE_H

#include <stdio.h>

enum { LECTURE_URLS = 5 };
extern const char *const lecture_urls[LECTURE_URLS];

// A number as Python prints a float: the fewest digits that mean it, and always a point.
void lecture_print_float(FILE *out, double x);

#endif
