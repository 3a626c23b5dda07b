// SPDX-License-Identifier: MIT
// an item of no known size
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_put(queue, number, WEFT_FOREVER);
#else
    return weft_put(queue, any, WEFT_FOREVER);
#endif
}
