// SPDX-License-Identifier: MIT
// a task of what is not its bytes: in C++ it owns memory, in C its size is not known
#include "misuse.h"

struct owner;
#if defined RIGHT || defined __cplusplus
struct owner {
    void *memory;
#ifndef RIGHT
    ~owner()
    {
        free(memory);
    }
#endif
};
#endif

static int f(const struct owner *a, long *r)
{
    *r = a != NULL;
    return 0;
}
WEFT_TASK(f, struct owner, long);
