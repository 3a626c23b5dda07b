// SPDX-License-Identifier: MIT
// pipe_weft.c - what a message costs through a pipe of weft: pipe_weft ROW prints nanoseconds.
#include <weft/weft.h>

#include "pipe.h"

static weft_end ends[2];

static void open_ends(void)
{
    if (weft_pipe(&ends[0], &ends[1]) < 0)
        (void)die(weft_error());
}

static void say(int end, size_t size)
{
    if (weft_send(ends[end], message, size, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}

static void hear(int end, size_t cap)
{
    if (weft_recv(ends[end], message, cap, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}
