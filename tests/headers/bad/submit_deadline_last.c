// SPDX-License-Identifier: MIT
// a deadline in the argument's place
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = weft_submit_until(pool, WEFT_FOREVER, square, number);
    return f != NULL;
#else
    weft_future *f = weft_submit(pool, square, number, WEFT_FOREVER);
    return f != NULL;
#endif
}
