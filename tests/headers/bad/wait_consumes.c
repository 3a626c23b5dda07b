// SPDX-License-Identifier: MIT
// a wait that would take the future away
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_future *f = NULL;
    return weft_wait(f, WEFT_FOREVER);
#else
    weft_future *f = NULL;
    return weft_wait(&f, WEFT_FOREVER);
#endif
}
