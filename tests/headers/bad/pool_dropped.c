// SPDX-License-Identifier: MIT
// a pool that nobody closes
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_pool *mine = weft_pool_open(WEFT_THREADS);
    weft_pool_close(&mine);
    return 0;
#else
    weft_pool_open(WEFT_THREADS);
    return 0;
#endif
}
