// SPDX-License-Identifier: MIT
// a task that could write its argument
#include "misuse.h"

#ifdef RIGHT
static int f(const int *a, long *r)
#else
static int f(int *a, long *r)
#endif
{
    *r = *a;
    return 0;
}
WEFT_TASK(f, int, long);
