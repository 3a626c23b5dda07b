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

int move(weft_shared_queue *shared, struct owner *item);
int move(weft_shared_queue *shared, struct owner *item)
{
    return weft_shared_get(shared, item, WEFT_FOREVER);
}
