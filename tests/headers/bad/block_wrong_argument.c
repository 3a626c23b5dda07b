// SPDX-License-Identifier: MIT
// the argument of another type
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_block(square, result, number);
#else
    return weft_block(square, result, other);
#endif
}
