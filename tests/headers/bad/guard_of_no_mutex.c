// SPDX-License-Identifier: MIT
// a guard of what is no mutex
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_guard(&mutex);
    return 0;
#else
    weft_guard(&sem);
    return 0;
#endif
}
