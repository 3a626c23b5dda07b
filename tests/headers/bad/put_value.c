// SPDX-License-Identifier: MIT
// an item by value
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_put(queue, number, WEFT_FOREVER);
#else
    return weft_put(queue, *number, WEFT_FOREVER);
#endif
}
