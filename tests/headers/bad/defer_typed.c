// SPDX-License-Identifier: MIT
// a deferred call of a function that takes no void *
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_defer(free, any);
    return 0;
#else
    weft_defer(weft_unlock, &mutex);
    return 0;
#endif
}
