// SPDX-License-Identifier: MIT
// a future that nobody joins or drops
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = weft_submit(pool, square, number);
    weft_drop(&f);
    return 0;
#else
    weft_submit(pool, square, number);
    return 0;
#endif
}
