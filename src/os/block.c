// SPDX-License-Identifier: MIT
// block.c - see block.h. It is the thread's own: no lock.
//
// A region of addresses is filled from its beginning, and whenever all blocks are back, which is at
// the end of nearly every turn, from its beginning again. So in a period no more was touched than
// what was filled at most, and the pages behind can go.
#include "os/block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "os/sanitizer.h"

static const size_t region_size = WF_KEEPS_MEMORY ? (size_t)32 << 20 : 0;
static const size_t line = 64, page_size = 65536; // of the cache; the largest that there is
static const int64_t period_ns = 100000000;

static _Thread_local struct {
    bool may;             // have a region
    char *region;         // NULL: it has none
    size_t filled, used;  // bytes from its beginning; blocks in use
    size_t most, touched; // the largest `filled` of this period; what may have memory
    int64_t ends;         // the period
} mine __attribute__((tls_model("initial-exec")));

// At first need: a loop may never send.
static void reserve(void)
{
    mine.may = false;
    void *region = mmap(NULL, region_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return;                                          // malloc does
    (void)madvise(region, region_size, MADV_NOHUGEPAGE); // EINVAL: a kernel without them
    mine.region = region;
}

// An odd number of lines: else many blocks begin in the same few sets of the cache.
static size_t rounded(size_t size)
{
    return ((size + line - 1) / line | 1) * line;
}

void *wf_block_take(size_t size)
{
    if (mine.may)
        reserve();
    if (!mine.region || rounded(size) > region_size - mine.filled)
        return malloc(size);
    char *block = mine.region + mine.filled;
    mine.filled += rounded(size);
    mine.used++;
    return block;
}

void wf_block_give(void *block)
{
    uintptr_t at = (uintptr_t)block, begin = (uintptr_t)mine.region;
    if (!mine.region || at < begin || at >= begin + region_size) {
        free(block);
        return;
    }
    if (--mine.used > 0)
        return;
    if (mine.filled > mine.most)
        mine.most = mine.filled;
    mine.filled = 0;
}

void wf_blocks_begin(void)
{
    mine.may = region_size > 0;
}

void wf_blocks_end(void)
{
    if (mine.region)
        (void)munmap(mine.region, region_size);
    memset(&mine, 0, sizeof mine);
}

static void give_back(size_t from)
{
    size_t begin = (from + page_size - 1) / page_size * page_size;
    (void)madvise(mine.region + begin, region_size - begin, MADV_DONTNEED);
}

int64_t wf_blocks_tidy(int64_t now)
{
    if (mine.most > mine.touched)
        mine.touched = mine.most;
    if (mine.touched == 0 || now < mine.ends)
        return mine.touched == 0 ? INT64_MAX : mine.ends;
    if (mine.used == 0 && mine.most < mine.touched) {
        give_back(mine.most);
        mine.touched = mine.most;
    }
    mine.most = 0;
    mine.ends = now + period_ns;
    return mine.touched > 0 ? mine.ends : INT64_MAX;
}
