// SPDX-License-Identifier: MIT
// a join that would leave the future behind
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = NULL;
    return weft_join(&f, NULL, 0);
#else
    weft_future *f = NULL;
    return weft_join(f, NULL, 0);
#endif
}
