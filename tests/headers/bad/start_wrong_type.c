// SPDX-License-Identifier: MIT
// an argument of another task
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = weft_start(WEFT_THREADS, square, number);
    return f != NULL;
#else
    weft_future *f = weft_start(WEFT_THREADS, page, number);
    return f != NULL;
#endif
}
