// SPDX-License-Identifier: MIT
// stack.c - a store of stacks, in regions of many.
//
//     | guard | ............ stack grows down ............ | record | guard | ...
//
// A region is one NORESERVE mapping of 64 MiB: 1,024 stacks, neighbours. A stack costs the pages
// that it has touched. Huge pages are refused: one would back 32 stacks at their first touch. Where
// addresses are short (RLIMIT_AS, or a system that counts what is reserved) a region is half as
// large, or half of that. A stack of another size is a region for itself; these come in classes by
// powers of two, so that one that fits is found at once.
//
// Of a store's unused stacks the latest stay warm, 16 MiB in all; the others give all their memory
// back, records too, and their region notes which they are. (A list through their records, which we
// had, kept a page of each for ever: 400 MB after 100,000 fibers.)
//
// Records are type-stable, so a region is never unmapped. When its store ends, the region gives its
// memory back in one call, keeps its addresses and its guards, and lies in the list of the passed
// until a store needs one like it. So there are never more regions than were needed at one time.
//
// Locks: a store's `busy`, which only who starts a fiber on the loop from elsewhere disputes, and
// `passed.busy`, once for a region. They are held for a few instructions, never one with the other,
// and never across a call of the kernel's or of malloc's, or the first touch of a page. What such a
// call works on is in no list then, and so nobody's but the caller's:
//   - a stack that was found, while its finder guards it and writes its record; and one that is
//     given back, until it has been emptied and is noted as cold;
//   - a region that was mapped, or taken from the passed, until it is added to the store. Two who
//     find a store empty may both come with one: the second looks again, uses what the first has
//     added, and passes his own on;
//   - a region of a store that ends: all its stacks were given back, and nobody takes any more.
#define _GNU_SOURCE // MAP_NORESERVE
#include "os/stack.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "os/futex.h"
#include "os/valgrind.h"

enum { GUARD = WF_GUARD_SIZE, LARGEST = 1 << 30, MOST_WARM = 16 << 20 };
enum { REGION_STACKS = (64 << 20) / WF_STACK_SIZE };
enum { USUAL = 0, CLASSES = 31 }; // else the exponent of two

struct note {
    uint16_t cold; // of the nth that is cold, which it is; guarded by the store's busy
    uint8_t guard; // of the nth stack; 0: not yet. Its user's
};

struct wf_region {
    struct wf_region *next;      // of all in its store; or of the passed
    struct wf_region *next_open; // of those that can give a stack
    struct wf_stacks *store;     // NULL: nobody's
    char *memory;
    size_t each, room; // bytes of a stack, guard and record included; of its record
    int class;
    uint32_t count;             // of its stacks
    uint32_t begun, cold_count; // in this store: the rest is as it was mapped, or passed on
    struct note notes[];
};

struct shelf {
    struct wf_stack *warm;
    struct wf_region *open; // with at least one that is not begun, or cold
};

struct wf_stacks {
    uint32_t busy; // spin bit: guards all below, and its regions' lists and counts
    size_t warm;   // bytes
    struct wf_region *regions;
    struct shelf shelves[CLASSES];
    size_t room; // never changes
};

// Regions of stores that have ended: nothing in them is used, and reads zero.
static struct {
    uint32_t busy; // spin bit: guards the lists
    struct wf_region *regions[CLASSES];
} passed;

// ---- classes and layout -----------------------------------------------------------------

static int class_for(size_t size, size_t room)
{
    if (size + GUARD + room <= WF_STACK_SIZE)
        return USUAL;
    return size <= 1 ? 0 : 64 - __builtin_clzl(size - 1); // the next power of two
}

// Guard and record included; the record's page is its own.
static size_t whole_size(int class)
{
    return class == USUAL ? WF_STACK_SIZE : ((size_t)1 << class) + (size_t)2 * GUARD;
}

static uint32_t index_of(const struct wf_stack *stack)
{
    const struct wf_region *region = stack->region;
    return (uint32_t)((size_t)(stack->bottom - region->memory) / region->each);
}

// The record at the top, where it stays.
static struct wf_stack *lay_out(struct wf_region *region, uint32_t index)
{
    struct note *note = &region->notes[index];
    char *floor = region->memory + index * region->each;
    char *record = floor + region->each - region->room;
    if (note->guard == 0)
        note->guard = (uint8_t)wf_guard_page(floor);
    struct wf_stack *stack = (struct wf_stack *)(void *)record;
    stack->bottom = floor + GUARD;
    stack->size = (size_t)(record - stack->bottom);
    stack->guard = (enum wf_guard)note->guard;
    stack->region = region;
    return stack;
}

// ---- regions ----------------------------------------------------------------------------

static char *map(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, size, MADV_NOHUGEPAGE); // EINVAL: a kernel without them
    return memory;
}

// As many stacks as it may have, or half as many, or half of that.
static struct wf_region *new_region(int class, size_t room)
{
    uint32_t count = class == USUAL ? REGION_STACKS : 1;
    size_t each = whole_size(class);
    struct wf_region *region = calloc(1, sizeof *region + count * sizeof *region->notes);
    if (!region)
        return NULL;
    char *memory = map(count * each);
    while (!memory && (count /= 2) > 0)
        memory = map(count * each);
    if (!memory) {
        free(region);
        return NULL;
    }
    region->memory = memory;
    region->each = each;
    region->room = room;
    region->class = class;
    region->count = count;
    return region;
}

// All of a program have the same room; a test may not.
static struct wf_region *take_passed(int class, size_t room)
{
    wf_spin_lock(&passed.busy);
    struct wf_region **at = &passed.regions[class];
    while (*at && (*at)->room != room)
        at = &(*at)->next;
    struct wf_region *region = *at;
    if (region)
        *at = region->next;
    wf_spin_unlock(&passed.busy);
    return region;
}

// Refused (it is locked): then zeros are not written either, and it is used again as it is.
static void pass_on(struct wf_region *region)
{
    if (region->begun > 0)
        (void)madvise(region->memory, region->begun * region->each, MADV_DONTNEED);
    region->begun = region->cold_count = 0; // but the notes of guards stay
    region->store = NULL;
    wf_spin_lock(&passed.busy);
    region->next = passed.regions[region->class];
    passed.regions[region->class] = region;
    wf_spin_unlock(&passed.busy);
}

// ---- what a store has -------------------------------------------------------------------

static bool is_open(const struct wf_region *region)
{
    return region->cold_count > 0 || region->begun < region->count;
}

// With the store busy, as the next.
static void open_region(struct wf_stacks *stacks, struct wf_region *region)
{
    struct shelf *shelf = &stacks->shelves[region->class];
    region->next_open = shelf->open;
    shelf->open = region;
}

static void add_region(struct wf_stacks *stacks, struct wf_region *region)
{
    region->store = stacks;
    region->next = stacks->regions;
    stacks->regions = region;
    open_region(stacks, region);
}

// A stack as it was left, or the place of one: then it is to be laid out. Or neither.
struct found {
    struct wf_stack *warm;
    struct wf_region *region;
    uint32_t index;
};

static struct found find_place(struct shelf *shelf)
{
    struct wf_region *region = shelf->open;
    if (!region)
        return (struct found){.region = NULL};
    uint32_t index = region->cold_count > 0 ? region->notes[--region->cold_count].cold
                                            : region->begun++;
    if (!is_open(region))
        shelf->open = region->next_open;
    return (struct found){.region = region, .index = index};
}

// With the store busy.
static struct found find(struct wf_stacks *stacks, int class)
{
    struct shelf *shelf = &stacks->shelves[class];
    struct wf_stack *stack = shelf->warm;
    if (!stack)
        return find_place(shelf);
    shelf->warm = stack->next;
    stacks->warm -= stack->size;
    return (struct found){.warm = stack};
}

static bool is_something(const struct found *found)
{
    return found->warm || found->region;
}

// With one region more, unless another was quicker: see the top.
static struct found find_in_more(struct wf_stacks *stacks, int class)
{
    struct wf_region *more = take_passed(class, stacks->room);
    if (!more)
        more = new_region(class, stacks->room);
    wf_spin_lock(&stacks->busy);
    struct found found = find(stacks, class);
    bool is_needed = more && !is_something(&found);
    if (is_needed) {
        add_region(stacks, more);
        found = find(stacks, class);
    }
    wf_spin_unlock(&stacks->busy);
    if (more && !is_needed)
        pass_on(more);
    return found;
}

// ---- taking and giving ------------------------------------------------------------------

struct wf_stacks *wf_stacks_new(size_t record)
{
    struct wf_stacks *stacks = calloc(1, sizeof *stacks);
    if (stacks)
        stacks->room = (record + 63) / 64 * 64;
    return stacks;
}

void wf_stacks_free(struct wf_stacks *stacks)
{
    struct wf_region *next = stacks ? stacks->regions : NULL;
    while (next) {
        struct wf_region *region = next;
        next = region->next;
        pass_on(region);
    }
    free(stacks);
}

struct wf_stack *wf_stack_take(struct wf_stacks *stacks, size_t size)
{
    if (size > LARGEST)
        return NULL;
    int class = class_for(size, stacks->room);
    wf_spin_lock(&stacks->busy);
    struct found found = find(stacks, class);
    wf_spin_unlock(&stacks->busy);
    if (!is_something(&found))
        found = find_in_more(stacks, class);
    if (!is_something(&found))
        return NULL;
    struct wf_stack *stack = found.warm ? found.warm : lay_out(found.region, found.index);
    if (stack->guard == WF_GUARD_CANARY)
        *(uint64_t *)(void *)stack->bottom = WF_CANARY;
    stack->known = VALGRIND_STACK_REGISTER(stack->bottom, stack);
    return stack;
}

static bool keep_warm(struct wf_stacks *stacks, struct wf_stack *stack)
{
    struct shelf *shelf = &stacks->shelves[stack->region->class];
    if (stacks->warm + stack->size > MOST_WARM)
        return false;
    stacks->warm += stack->size;
    stack->next = shelf->warm;
    shelf->warm = stack;
    return true;
}

// Refused: as in pass_on.
static void give_back(struct wf_stack *stack)
{
    struct wf_region *region = stack->region; // before it turns into zeros
    uint32_t index = index_of(stack);
    (void)madvise(stack->bottom, region->each - GUARD, MADV_DONTNEED);
    wf_spin_lock(&region->store->busy);
    bool was_open = is_open(region);
    region->notes[region->cold_count++].cold = (uint16_t)index;
    if (!was_open)
        open_region(region->store, region);
    wf_spin_unlock(&region->store->busy);
}

void wf_stack_give(struct wf_stack *stack)
{
    struct wf_stacks *stacks = stack->region->store;
    VALGRIND_STACK_DEREGISTER(stack->known);
    wf_spin_lock(&stacks->busy);
    bool kept = keep_warm(stacks, stack);
    wf_spin_unlock(&stacks->busy);
    if (!kept)
        give_back(stack);
}
