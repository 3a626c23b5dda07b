// SPDX-License-Identifier: MIT
// block.c - a list of unused blocks. Its lock is only tried: who does not get it asks malloc, which
// is as good, so nobody waits here, and the end of a turn may call it.
#include "net/block.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/mutex.h"
#include "os/context.h"

// At most 4 MiB. None where a sanitizer is to see who uses what he gave back.
#if defined(WF_ASAN) || defined(WF_TSAN)
enum { MOST = 0 };
#else
enum { MOST = 4096 };
#endif

struct block {
    struct block *next;
};

static struct {
    weft_mutex mu; // guards both
    struct block *first;
    int count;
} unused;

void *wf_block_take(void)
{
    struct block *block = NULL;
    if (MOST > 0 && weft_trylock(&unused.mu)) {
        block = unused.first;
        if (block) {
            unused.first = block->next;
            unused.count--;
        }
        weft_unlock(&unused.mu);
    }
    return block ? block : malloc(WF_BLOCK);
}

void wf_block_give(void *given)
{
    struct block *block = given;
    if (MOST > 0 && block && weft_trylock(&unused.mu)) {
        bool keeps = unused.count < MOST;
        if (keeps) {
            block->next = unused.first;
            unused.first = block;
            unused.count++;
        }
        weft_unlock(&unused.mu);
        if (keeps)
            return;
    }
    free(block);
}
