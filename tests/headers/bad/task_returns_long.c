// SPDX-License-Identifier: MIT
// a task whose code is no int
#include "misuse.h"

#ifdef RIGHT
static int f(const int *a, long *r)
#else
static long f(const int *a, long *r)
#endif
{
    *r = *a;
    return 0;
}
WEFT_TASK(f, int, long);
