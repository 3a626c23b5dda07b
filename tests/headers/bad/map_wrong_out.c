// SPDX-License-Identifier: MIT
// an output of another type
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_map(pool, WEFT_FOREVER, square, 3, result, number);
#else
    return weft_map(pool, WEFT_FOREVER, square, 3, other, number);
#endif
}
