// SPDX-License-Identifier: MIT
// number.h - decimal digits without printf: for what prints many, and for handlers of signals.
#ifndef WEFT_PROGRAMS_NUMBER_H
#define WEFT_PROGRAMS_NUMBER_H

#include <stdint.h>

enum { NUMBER_TEXT = 24 }; // bytes that any number fits into

// The number, with at least so many digits (at most 20), written so that its last digit stands
// right before `end`. Returns where it begins. There is no NUL.
char *number_before(char *end, int64_t number, int digits);

#endif
