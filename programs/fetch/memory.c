// SPDX-License-Identifier: MIT
// memory.c - see memory.h.
//
// libcurl takes a buffer of REQUEST_READ bytes for each transfer, over TLS of REQUEST_READ_TLS,
// from before it connects until it has ended, of which a small page touches the first page of
// memory. malloc would keep those: of 2,000 transfers at once 9 MB of 55; larger ones it would map
// and unmap each. Here each buffer begins a page, in one region that is only reserved, and but for
// the first few each gives its memory back with each transfer; those too while many are in use,
// where keeping it spares few a fault and adds to the most that is ever held. Whoever takes one
// waits for an answer first: if any 64 kept theirs while idle, a thousand transfers that follow a
// thousand would wait with a page each, because the last idle one goes to the next at once. Where
// there is no room for the region, and for what it does not hold, there is malloc.
#include "fetch/memory.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fetch/request.h"
#include "fetch/settings.h"

enum {
    SIZE = REQUEST_READ_TLS + 1, // libcurl puts a zero behind it
    EACH = REQUEST_READ_TLS + 4096,
    WARM = 64,  // the first ones, which keep their memory
    MANY = 256, // but not while more than these are in use
};

// An idle one is warm or cold; the last that came goes first. Beyond `used` none was ever taken.
static struct {
    char *region;
    int most, used, warm_count, cold_count;
    uint16_t warm[WARM], cold[SETTINGS_AT_ONCE];
} buffers;

static size_t region_size(void)
{
    return (size_t)buffers.most * EACH;
}

static bool is_buffer(const void *at)
{
    return buffers.region && (uintptr_t)at - (uintptr_t)buffers.region < region_size();
}

void *memory_take(size_t size)
{
    int which;
    if (size != SIZE && size != REQUEST_READ + 1)
        return malloc(size);
    if (buffers.warm_count > 0)
        which = buffers.warm[--buffers.warm_count];
    else if (buffers.cold_count > 0)
        which = buffers.cold[--buffers.cold_count];
    else if (buffers.region && buffers.used < buffers.most)
        which = buffers.used++;
    else
        return malloc(size);
    return buffers.region + (size_t)which * EACH;
}

void memory_give(void *at)
{
    if (!is_buffer(at)) {
        free(at);
        return;
    }
    uint16_t which = (uint16_t)((size_t)((char *)at - buffers.region) / EACH);
    if (which >= WARM || buffers.used - buffers.warm_count - buffers.cold_count > MANY)
        (void)madvise(at, EACH, MADV_DONTNEED);
    if (which < WARM)
        buffers.warm[buffers.warm_count++] = which;
    else
        buffers.cold[buffers.cold_count++] = which;
}

void *memory_take_again(void *at, size_t size)
{
    if (!is_buffer(at))
        return realloc(at, size);
    void *other = malloc(size);
    if (!other)
        return NULL;
    memcpy(other, at, size < SIZE ? size : SIZE);
    memory_give(at);
    return other;
}

bool memory_begin(int at_once)
{
#ifdef M_ARENA_MAX
    // Of glibc's malloc an arena other than the first grows by an mprotect for each page: 4,656 of
    // them for 2,000 transfers, and the loop's thread has most of what there is.
    (void)mallopt(M_ARENA_MAX, 1);
#endif
    buffers.most = at_once < SETTINGS_AT_ONCE ? at_once : SETTINGS_AT_ONCE;
    void *region = mmap(NULL, region_size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    buffers.region = region == MAP_FAILED ? NULL : region;
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_take, memory_give, memory_take_again,
                                strdup, calloc) == CURLE_OK;
}

void memory_end(void)
{
    curl_global_cleanup();
    if (buffers.region)
        (void)munmap(buffers.region, region_size());
    memset(&buffers, 0, sizeof buffers);
}
