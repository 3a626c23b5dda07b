// SPDX-License-Identifier: MIT
// an option that pools do not have
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_pool *mine = weft_pool_open(WEFT_THREADS, .workers = 4);
    return mine != NULL;
#else
    weft_pool *mine = weft_pool_open(WEFT_THREADS, .thread = 4);
    return mine != NULL;
#endif
}
