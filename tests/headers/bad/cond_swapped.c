// SPDX-License-Identifier: MIT
// the mutex where the condition goes
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_cond_wait(&cond, &mutex, WEFT_FOREVER);
#else
    return weft_cond_wait(&mutex, &cond, WEFT_FOREVER);
#endif
}
