// SPDX-License-Identifier: MIT
// 29_process_map.c - a hundred squares, by four processes. Lecture: L63, L65.
//
// The lecture says that each element gets a process. Neither in Python nor here: the four share the
// elements out in pieces. How large a piece is, nobody has to say.
#include "example.h"

enum { N = 100 };

static int square(const int *n, int *out)
{
    *out = *n * *n;
    return 0;
}
WEFT_TASK(square, int, int);

int main(void)
{
    int in[N], out[N];
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 4);

    for (int i = 0; i < N; i++)
        in[i] = i;
    if (!pool || weft_map(pool, WEFT_FOREVER, square, N, out, in) < 0)
        return failed("square");
    printf("Pool  : [");
    for (int i = 0; i < N; i++)
        printf("%s%d", i > 0 ? ", " : "", out[i]);
    printf("]\n");
    return 0;
}
