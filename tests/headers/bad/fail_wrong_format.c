// SPDX-License-Identifier: MIT
// a message whose arguments do not fit it
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_fail(-5, "%d", *number);
#else
    return weft_fail(-5, "%s", *number);
#endif
}
