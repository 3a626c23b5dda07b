// SPDX-License-Identifier: MIT
// number.c - see number.h.
//
// From the last digit to the first, as they come when one divides.
#include "common/number.h"

char *number_before(char *end, int64_t number, int digits)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number
                               : (uint64_t)number; // the least has no negative
    for (; left > 0 || digits > 0; left /= 10, digits--)
        *--end = (char)('0' + left % 10);
    if (number < 0)
        *--end = '-';
    return end;
}
