// SPDX-License-Identifier: MIT
// an option that a start does not have
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = weft_start_as(WEFT_WITH(.daemon = true), square, number);
    return f != NULL;
#else
    weft_future *f = weft_start_as(WEFT_WITH(.demon = true), square, number);
    return f != NULL;
#endif
}
