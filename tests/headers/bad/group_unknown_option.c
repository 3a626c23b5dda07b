// SPDX-License-Identifier: MIT
// an option that groups do not have
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_group *mine = weft_group_open(pool, .cancel_rest = true);
    return mine != NULL;
#else
    weft_group *mine = weft_group_open(pool, .cancel = true);
    return mine != NULL;
#endif
}
