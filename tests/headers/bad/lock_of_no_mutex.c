// SPDX-License-Identifier: MIT
// a semaphore is no mutex
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_lock(&mutex);
    return 0;
#else
    weft_lock(&sem);
    return 0;
#endif
}
