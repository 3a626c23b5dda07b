// SPDX-License-Identifier: MIT
// arena.c - regions of shared memory, and where they lie.
//
// A region takes a power of two of pages (of addresses: memory comes and goes with what was asked
// for). It is cut from the end of what was ever used, or taken from the free ones of its size, or
// of the next larger. They are never joined again, so that nothing here is ever half done: each
// list is a stack whose head changes in one store, and a process that is killed in between loses a
// region, and no more. So the lock's -EOWNERDEAD asks for no mending.
#include "core/arena.h"

#include <errno.h>
#include <unistd.h>

#include <weft/shared.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/round.h"
#include "core/shared.h"
#include "os/atomic.h"
#include "os/shm.h"
#include "os/valgrind.h"

// Sizes are PAGE << 0 .. PAGE << 23; any machine's page divides it.
enum { PAGE = 65536, SIZES = 24 };
enum { FREE, TAKEN };
enum { SMALLEST = 1 << 26 }; // bytes, of an arena

// Of the region that begins at a page.
struct page {
    uint32_t next; // FREE: the next free one of this size, or 0
    uint16_t state;
    uint16_t size; // PAGE << size
};

struct arena {
    weft_shared_mutex mu; // guards all but kin
    uint32_t used;        // pages, from the start: this and the table first
    uint32_t free[SIZES]; // pages; 0: none
    struct wf_kin kin;
    struct page pages[]; // one for each
};

static struct {
    weft_mutex mu;            // guards the opening
    struct wf_arena_place is; // at: atomic, NULL: not open
    int fd;                   // the root's, to hand on; -1: a worker has none
    int refused;              // there are processes without one
} here;

static struct arena *arena(void)
{
    return wf_load(&here.is.at, WF_ACQUIRE); // pairs with the store in announce
}

struct wf_kin *wf_arena_kin(void)
{
    struct arena *a = arena();
    return a ? &a->kin : NULL;
}

static bool is_within(const struct arena *a, const void *address)
{
    return (uintptr_t)address - (uintptr_t)a < here.is.size;
}

bool wf_arena_hands_on(const void *address)
{
    const struct arena *a = arena();
    return a && here.fd >= 0 && is_within(a, address);
}

// ---- it is opened -----------------------------------------------------------------------

static size_t header_size(size_t size)
{
    return wf_round_up(sizeof(struct arena) + size / PAGE * sizeof(struct page), PAGE);
}

static void announce(void *at, size_t size)
{
    here.is.size = size;
    wf_store(&here.is.at, at, WF_RELEASE);
}

// Four times the machine's memory, in powers of two: more than can be used, since a region takes up
// to twice its size. Less where a limit wants it so; and under valgrind, which for each byte that
// is mapped has some of its own, and touches them all when it looks for leaks.
static size_t wanted_size(void)
{
    enum { LEAST = 30, MOST = 40 };
    if (RUNNING_ON_VALGRIND)
        return SMALLEST;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    unsigned bits = LEAST;
    while (bits < MOST && (double)(UINT64_C(1) << bits) < 4.0 * (double)pages * (double)page)
        bits++;
    return (size_t)1 << bits;
}

// With here.mu held.
static int open_of(size_t size)
{
    int fd = wf_shm_new("weft-shared", size);
    if (fd < 0)
        return fd == -EFBIG ? -ENOMEM : fd;
    struct arena *a = wf_shm_map_apart(fd, size);
    if (!a) {
        (void)close(fd);
        return -ENOMEM;
    }
    wf_shm_hide(a, size);
    a->used = (uint32_t)(header_size(size) / PAGE);
    a->kin.last = WF_KIN_ROOT;
    a->kin.living[WF_KIN_ROOT] = WF_KIN_ROOT;
    here.fd = fd;
    announce(a, size);
    return 0;
}

int wf_arena_open(struct wf_arena_place *place)
{
    wf_guard(&here.mu);
    int rc = here.refused;
    if (rc == 0 && !here.is.at) {
        rc = -ENOMEM;
        for (size_t size = wanted_size(); rc == -ENOMEM && size >= SMALLEST; size /= 4)
            rc = open_of(size);
    }
    *place = here.is;
    return rc < 0 ? rc : here.fd;
}

bool wf_arena_join(const struct wf_arena_place *place, int fd)
{
    void *at = wf_shm_map_at(fd, place->size, place->at);
    if (!at)
        return false;
    wf_shm_hide(at, place->size);
    announce(at, place->size);
    here.fd = -1;
    return true;
}

void wf_arena_forgo(void)
{
    here.refused = -ENOTSUP;
}

// ---- regions ----------------------------------------------------------------------------

static uint16_t size_for(size_t size)
{
    uint16_t bits = 0;
    while (bits < SIZES && (size_t)PAGE << bits < size)
        bits++;
    return bits; // SIZES: none is so large
}

// With the lock held: one that was free, of this size or the next larger, or 0.
static uint32_t take_free(struct arena *a, unsigned size)
{
    for (; size < SIZES; size++) {
        uint32_t page = a->free[size];
        if (page != 0) {
            a->free[size] = a->pages[page].next;
            return page;
        }
    }
    return 0;
}

// Likewise, of what was never used, or 0.
static uint32_t cut(struct arena *a, unsigned size)
{
    uint64_t pages = UINT64_C(1) << size;
    if (size >= SIZES || a->used + pages > here.is.size / PAGE)
        return 0;
    uint32_t page = a->used;
    a->pages[page].size = (uint16_t)size;
    a->used += (uint32_t)pages;
    return page;
}

static uint32_t take_page(struct arena *a, unsigned size)
{
    uint32_t page = size < SIZES && a->free[size] == 0 ? cut(a, size) : 0;
    if (page == 0)
        page = take_free(a, size);
    if (page != 0)
        a->pages[page].state = TAKEN;
    return page;
}

static void *address_of(struct arena *a, uint32_t page)
{
    return (char *)a + (size_t)page * PAGE;
}

static void put_back(struct arena *a, uint32_t page)
{
    struct page *p = &a->pages[page];
    wf_shm_give_back(address_of(a, page), (size_t)PAGE << p->size);
    p->state = FREE;
    p->next = a->free[p->size];
    a->free[p->size] = page;
}

// What was never used, or was given back, reads as zeros, and takes no memory before.
static bool fill(struct arena *a, uint32_t page, size_t size)
{
    if (wf_shm_take(address_of(a, page), size) == 0)
        return true;
    wf_shared_enter(&a->mu);
    put_back(a, page);
    wf_shared_leave(&a->mu);
    return false;
}

// 0, or with the error set.
static int open_here(const char *call)
{
    struct wf_arena_place place;
    if (wf_kin_self() == 0)
        return weft_fail(-ENOTSUP, "%s: the child of a plain fork shares no memory", call);
    int rc = arena() ? 0 : wf_arena_open(&place);
    if (rc == -ENOTSUP)
        return weft_fail(rc, "%s: this process was started without shared memory", call);
    if (rc == -ENOMEM)
        return weft_fail(rc, "%s: no addresses for shared memory, or RLIMIT_FSIZE is too small",
                         call);
    return rc < 0 ? weft_fail(rc, "%s: no descriptor for shared memory", call) : 0;
}

void *weft_shared(size_t size)
{
    wf_require(size > 0, "weft_shared: a region of no size");
    if (open_here("weft_shared") < 0)
        return NULL;
    struct arena *a = arena();
    wf_shared_enter(&a->mu);
    uint32_t page = take_page(a, size_for(size));
    wf_shared_leave(&a->mu);
    if (page != 0 && fill(a, page, size))
        return address_of(a, page);
    (void)weft_fail(-ENOMEM, "weft_shared: no memory for %zu bytes", size);
    return NULL;
}

// The page of a region, or 0.
static uint32_t page_of(const struct arena *a, const void *region)
{
    size_t offset = (uintptr_t)region - (uintptr_t)a;
    if (!is_within(a, region) || offset % PAGE != 0 || a->pages[offset / PAGE].state != TAKEN)
        return 0;
    return (uint32_t)(offset / PAGE);
}

void weft_shared_free_(void *region)
{
    struct arena *a = arena();
    if (!region || wf_kin_self() == 0)
        return;
    wf_require(a, "weft_shared_free(%p): no region", region);
    wf_shared_enter(&a->mu);
    uint32_t page = page_of(a, region);
    if (page != 0)
        put_back(a, page);
    wf_shared_leave(&a->mu);
    wf_require(page != 0, "weft_shared_free(%p): no region, or free already", region);
}
