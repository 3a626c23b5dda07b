// SPDX-License-Identifier: MIT
// a result of another type
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = NULL;
    return weft_join_as(&f, square, result);
#else
    weft_future *f = NULL;
    return weft_join_as(&f, square, other);
#endif
}
