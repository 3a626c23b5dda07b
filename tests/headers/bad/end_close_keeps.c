// SPDX-License-Identifier: MIT
// an end closed by its value, which would leave a copy behind
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
    weft_end a = {-1};
#ifdef RIGHT
    weft_end_close(&a);
#else
    weft_end_close(a);
#endif
    return a.fd;
}
