// SPDX-License-Identifier: MIT
// a task of another type than is said
#include "misuse.h"

#ifdef RIGHT
static int f(const int *a, long *r)
#else
static int f(const long *a, long *r)
#endif
{
    *r = *a;
    return 0;
}
WEFT_TASK(f, int, long);
