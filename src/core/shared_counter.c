// SPDX-License-Identifier: MIT
// shared_counter.c - a word that all processes add to.
#include <weft/shared.h>

#include "core/misuse.h"
#include "os/atomic.h"

// In one order with everything else that counters see: who reads 10 may rely on what the ten did.
int64_t weft_shared_add(weft_shared_counter *c, int64_t n)
{
    wf_require(c, "weft_shared_add(NULL)");
    return (int64_t)((uint64_t)wf_add(&c->value_, n, WF_SEQ_CST) + (uint64_t)n); // wraps around
}

int64_t weft_shared_value(const weft_shared_counter *c)
{
    wf_require(c, "weft_shared_value(NULL)");
    return wf_load(&c->value_, WF_SEQ_CST);
}
