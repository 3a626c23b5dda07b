// SPDX-License-Identifier: MIT
// an item that cannot be written
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    int item = 0;
    return weft_get(queue, &item, WEFT_FOREVER);
#else
    const int item = 0;
    return weft_get(queue, &item, WEFT_FOREVER);
#endif
}
