// SPDX-License-Identifier: MIT
// a close that would leave a dangling pointer
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_pool_close(&pool);
    return 0;
#else
    weft_pool_close(pool);
    return 0;
#endif
}
