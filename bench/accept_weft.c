// SPDX-License-Identifier: MIT
// accept_weft.c - one fiber takes connections and closes them.
#include "serving.h"

static int turn_away(weft_listener *const *l, weft_none *none)
{
    (void)none;
    for (weft_conn *c; (c = accept_weft(*l));)
        weft_conn_close(&c);
    return 0;
}
WEFT_TASK(turn_away, weft_listener *, weft_none);

int main(void)
{
    weft_listener *l = listen_weft();
    started(weft_start(WEFT_FIBERS, turn_away, &l));
    return sleep_for_ever();
}
