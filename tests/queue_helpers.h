// SPDX-License-Identifier: MIT
// queue_helpers.h - queues of small items, and puts and gets that can be made elsewhere.
#ifndef WEFT_TESTS_QUEUE_HELPERS_H
#define WEFT_TESTS_QUEUE_HELPERS_H

#include "contract.h"

struct ranked {
    int rank, serial;
};

SHARED int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

SHARED weft_queue *numbers(size_t capacity)
{
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = capacity);
    assert_non_null(q);
    return q;
}

SHARED int put_one(void *q)
{
    return weft_put((weft_queue *)q, &(int){1}, WEFT_FOREVER);
}

SHARED int put_now(void *q)
{
    return weft_put((weft_queue *)q, &(int){1}, WEFT_POLL);
}

SHARED int put_soon(void *q)
{
    return weft_put((weft_queue *)q, &(int){1}, soon());
}

SHARED int get_one(void *q)
{
    int item = -1;
    int rc = weft_get((weft_queue *)q, &item, WEFT_FOREVER);
    CHECK((rc == 0) == (item != -1));
    return rc;
}

SHARED int get_now(void *q)
{
    int item = -1;
    int rc = weft_get((weft_queue *)q, &item, WEFT_POLL);
    CHECK((rc == 0) == (item != -1));
    return rc;
}

SHARED int get_soon(void *q)
{
    int item = -1;
    int rc = weft_get((weft_queue *)q, &item, soon());
    CHECK((rc == 0) == (item != -1));
    return rc;
}

SHARED void fill(weft_queue *q, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(weft_put(q, &i, WEFT_POLL), 0);
}

#endif
