// SPDX-License-Identifier: MIT
// the release of another type
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    WEFT_SCOPED(weft_pool_close) weft_pool *mine = weft_pool_open(WEFT_THREADS);
    return mine != NULL;
#else
    WEFT_SCOPED(weft_drop) weft_pool *mine = weft_pool_open(WEFT_THREADS);
    return mine != NULL;
#endif
}
