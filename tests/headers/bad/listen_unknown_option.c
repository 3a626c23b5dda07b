// SPDX-License-Identifier: MIT
// an option that listeners do not have
#include "misuse.h"

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
#ifdef RIGHT
    weft_listener *mine = weft_listen(":80", .reuse_port = true);
    return mine != NULL;
#else
    weft_listener *mine = weft_listen(":80", .reuse_address = true);
    return mine != NULL;
#endif
}
