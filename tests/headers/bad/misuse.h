// SPDX-License-Identifier: MIT
// misuse.h - what the mistakes in this folder are made with.
#ifndef WEFT_TESTS_MISUSE_H
#define WEFT_TESTS_MISUSE_H

#include <stddef.h>
#include <stdlib.h>

#include <weft/weft.h>

struct request {
    const char *url;
    int limit_ms;
};

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static int page(const struct request *r, long *out)
{
    *out = r->limit_ms;
    return 0;
}
WEFT_TASK(page, struct request, long);

extern weft_pool *pool;
extern weft_group *group;
extern weft_queue *queue;
extern weft_conn *conn;
extern weft_mutex mutex;
extern weft_cond cond;
extern weft_sem sem;

// Of the types that square does and does not take.
int misuse(int *number, long *result, double *other, void *any);

#endif
