// SPDX-License-Identifier: MIT
// a queue that nobody frees
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_queue *mine = weft_queue_new(sizeof(int));
    weft_queue_free(&mine);
    return 0;
#else
    weft_queue_new(sizeof(int));
    return 0;
#endif
}
