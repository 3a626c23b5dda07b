// SPDX-License-Identifier: MIT
// a connection that nobody closes
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_conn *mine = weft_connect("localhost:80", WEFT_POLL);
    weft_conn_close(&mine);
    return 0;
#else
    weft_connect("localhost:80", WEFT_POLL);
    return 0;
#endif
}
