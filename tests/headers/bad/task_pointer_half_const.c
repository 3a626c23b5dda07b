// SPDX-License-Identifier: MIT
// a pointer's target is const, the pointer is not
#include "misuse.h"

#ifdef RIGHT
static int f(const char *const *a, long *r)
#else
static int f(const char **a, long *r)
#endif
{
    *r = **a;
    return 0;
}
WEFT_TASK(f, const char *, long);
