// SPDX-License-Identifier: MIT
// an argument of another task
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_group_add(group, 1, square, number);
#else
    return weft_group_add(group, 1, page, number);
#endif
}
