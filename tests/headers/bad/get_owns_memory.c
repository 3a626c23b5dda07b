// SPDX-License-Identifier: MIT
// an item that is not its bytes: in C++ it owns memory, in C its size is not known
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

int move(struct owner *item);
int move(struct owner *item)
{
    return weft_get(queue, item, WEFT_FOREVER);
}
