// SPDX-License-Identifier: MIT
// a pointer to a task, of which nothing else is known
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = weft_submit(pool, square, number);
    return f != NULL;
#else
    int (*fn)(const int *, long *) = square;
    weft_future *f = weft_submit(pool, fn, number);
    return f != NULL;
#endif
}
