// SPDX-License-Identifier: MIT
// a group that nobody closes
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_group *mine = weft_group_open(pool);
    weft_group_close(&mine);
    return 0;
#else
    weft_group_open(pool);
    return 0;
#endif
}
