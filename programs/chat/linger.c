// SPDX-License-Identifier: MIT
// linger.c - see linger.h. A read that finds bytes looks at no deadline and lets nobody else run:
// who sends faster than we throw away would keep us here, and the loop.
#include "chat/linger.h"

void linger(weft_conn *conn, weft_time until)
{
    char waste[512];
    while (weft_now().ns < until.ns && weft_read(conn, waste, sizeof waste, until) > 0)
        weft_yield();
}
