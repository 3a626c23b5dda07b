// SPDX-License-Identifier: MIT
// lecture.h - the lecture's program, to the letter: its five URLs, its lines, Python's words.
#ifndef WEFT_PROGRAMS_FETCH_LECTURE_H
#define WEFT_PROGRAMS_FETCH_LECTURE_H

#include <stdio.h>

#include "fetch/page.h"

enum { LECTURE_URLS = 5 };
extern const char *const lecture_urls[LECTURE_URLS];

// 'http://www.cnn.com/' page is 1123456 bytes
// 'http://some-made-up-domain.com/' generated an exception: <urlopen error ...>
void lecture_print(FILE *out, const char *url, const struct page *page);

// A number as Python prints a float: the fewest digits that mean it, and always a point.
void lecture_print_float(FILE *out, double x);

#endif
