// SPDX-License-Identifier: MIT
// a function without its WEFT_TASK
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = weft_submit(pool, square, number);
    return f != NULL;
#else
    weft_future *f = weft_submit(pool, abs, *number);
    return f != NULL;
#endif
}
