// SPDX-License-Identifier: MIT
// an end to move with the task that is a pointer to one
#include "misuse.h"

struct feed {
    weft_end *where;
    weft_end out;
};

static int stream(const struct feed *s, long *sent)
{
    *sent = s->out.fd;
    return 0;
}
#ifdef RIGHT
WEFT_TASK(stream, struct feed, long, .ends = {WEFT_END(struct feed, out)});
#else
WEFT_TASK(stream, struct feed, long, .ends = {WEFT_END(struct feed, where)});
#endif

int misuse(int *number, long *result, double *other, void *any)
{
    (void)number, (void)result, (void)other, (void)any;
    return (int)stream_task.ends[0];
}
