// SPDX-License-Identifier: MIT
// an end to move with the task that is a plain descriptor
#include "misuse.h"

struct feed {
    int fd;
    weft_end out;
};

static int stream(const struct feed *s, long *sent)
{
    *sent = s->fd;
    return 0;
}
#ifdef RIGHT
WEFT_TASK(stream, struct feed, long, .ends = {WEFT_END(struct feed, out)});
#else
WEFT_TASK(stream, struct feed, long, .ends = {WEFT_END(struct feed, fd)});
#endif

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
    return (int)stream_task.ends[0];
}
