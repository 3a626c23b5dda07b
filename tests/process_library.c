// SPDX-License-Identifier: MIT
#include "process_library.h"

static int twice(const int *n, long *out)
{
    *out = 2L * *n;
    return 0;
}
WEFT_TASK(twice, int, long);

static int start_well(void *ctx)
{
    (void)ctx;
    return 0;
}

static const struct library library = {&twice_task, start_well};

#ifdef LINKED
const struct library *linked_library(void)
#else
const struct library *loaded_library(void)
#endif
{
    return &library;
}
