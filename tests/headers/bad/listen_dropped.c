// SPDX-License-Identifier: MIT
// a listener that nobody closes
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_listener *mine = weft_listen(":80");
    weft_listener_close(&mine);
    return 0;
#else
    weft_listen(":80");
    return 0;
#endif
}
