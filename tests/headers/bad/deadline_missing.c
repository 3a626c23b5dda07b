// SPDX-License-Identifier: MIT
// a wait without a deadline
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_get(queue, number, WEFT_FOREVER);
#else
    return weft_get(queue, number);
#endif
}
