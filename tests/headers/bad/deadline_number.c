// SPDX-License-Identifier: MIT
// a deadline that is a number of nobody-knows-what
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    return weft_sleep(weft_after_ms(500));
#else
    return weft_sleep(500);
#endif
}
