// SPDX-License-Identifier: MIT
// rwlock.c - many readers or one writer, in the order of their coming.
//
//     0                        free
//     readers << 6 | COUNT     held by so many readers, nobody waits
//     WRITER [| first waiter]  held by a writer
//     READERS | first waiter   held by as many readers as value_ says, and somebody waits
//
// The lock is handed over: when it falls free, the first in line gets it, and if that is a reader,
// all readers up to the first writer with it. So neither readers nor writers starve, and a waiting
// writer holds back the readers that come after it. Nobody stands in line while the lock is free.
#include <errno.h>

#include "core/check.h"
#include "core/misuse.h"
#include "core/waiters.h"

#include <weft/sync.h>

// Held by a writer, value_ says under WEFT_CHECK=1 who that is (check.h).
enum { COUNT = 2, WRITER = 4, READERS = 8 };
enum kind { READER_WAITS, WRITER_WAITS };

static uintptr_t with_readers(uintptr_t readers)
{
    return readers > 0 ? readers << WF_SHIFT | COUNT : 0;
}

// Counted in value_, in a way that is no owner's id.
static void set_readers(weft_rwlock *l, uint32_t readers)
{
    wf_store(&l->value_, readers | (uint32_t)WF_NO_OWNER, WF_RELAXED);
}

// How many are left.
static uint32_t drop_reader(weft_rwlock *l)
{
    uint32_t left = (wf_load(&l->value_, WF_RELAXED) & ~(uint32_t)WF_NO_OWNER) - 1;
    set_readers(l, left);
    return left;
}

static void stand_in_line(weft_rwlock *l, uintptr_t value, enum kind kind, const char *call)
{
    if (value & COUNT) { // the count makes room for the line
        set_readers(l, (uint32_t)(value >> WF_SHIFT));
        value = READERS;
    }
    struct weft_waiter node;
    wf_waiter_begin(&node, (int)kind);
    wf_word_unlock(&l->word_, wf_line_append(value, &node));
    struct wf_wait wait = {
        .what = call, .thing = "rwlock", .object = l, .owner = &l->value_, .fd = WF_NO_FD};
    (void)wf_line_wait(&l->word_, &node, &wait, WEFT_FOREVER, 0); // never stops, never times out
}

// The lock is free and this is its line (or 0): give it to the first who wait.
static uintptr_t hand_over(weft_rwlock *l, uintptr_t line, struct weft_waiter ***end)
{
    struct weft_waiter *first = wf_line_first(line);
    if (!first)
        return 0;
    wf_store(&l->value_, 0, WF_RELAXED);
    if (first->kind == WRITER_WAITS)
        return wf_line_take(line, end) | WRITER;
    uint32_t readers = 0;
    for (; first && first->kind == READER_WAITS; first = wf_line_first(line)) {
        line = wf_line_take(line, end);
        readers++;
    }
    set_readers(l, readers);
    return first ? line | READERS : with_readers(readers);
}

void weft_read_lock(weft_rwlock *l)
{
    wf_require(l, "weft_read_lock(NULL)");
    (void)wf_fresh(l, wf_after_fork_free);
    uintptr_t value = wf_word_lock(&l->word_);
    if (value == 0 || (value & COUNT))
        wf_word_unlock(&l->word_, with_readers((value >> WF_SHIFT) + 1));
    else
        stand_in_line(l, value, READER_WAITS, "weft_read_lock");
    if (__builtin_expect(wf_checking, 0))
        wf_check_took_shared(l);
}

void weft_write_lock(weft_rwlock *l)
{
    wf_require(l, "weft_write_lock(NULL)");
    (void)wf_fresh(l, wf_after_fork_free);
    char name[WF_NAME_MAX];
    wf_require(!wf_checking || !wf_check_shares(l),
               "deadlock: %s waits in weft_write_lock for rwlock %p that it reads itself",
               wf_task_name(wf_current(), name), (void *)l);
    uintptr_t value = wf_word_lock(&l->word_);
    if (value == 0) {
        wf_store(&l->value_, 0, WF_RELAXED);
        wf_word_unlock(&l->word_, WRITER);
    } else {
        stand_in_line(l, value, WRITER_WAITS, "weft_write_lock");
    }
    if (__builtin_expect(wf_checking, 0))
        wf_check_took(&l->value_);
}

void weft_read_unlock(weft_rwlock *l)
{
    wf_require(l, "weft_read_unlock(NULL)");
    if (wf_was_held(l, COUNT | READERS))
        return;
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&l->word_);
    bool held = (value & (COUNT | READERS)) != 0;
    if (value & COUNT)
        value = with_readers((value >> WF_SHIFT) - 1);
    else if (held && drop_reader(l) == 0)
        value = hand_over(l, value & ~(uintptr_t)READERS, &end);
    wf_word_unlock(&l->word_, value); // the last touch
    wf_require(held, "weft_read_unlock(%p): no reader holds it", (void *)l);
    if (__builtin_expect(wf_checking, 0))
        wf_check_gives_shared(l, "weft_read_unlock");
    wf_signal(woken);
}

void weft_write_unlock(weft_rwlock *l)
{
    wf_require(l, "weft_write_unlock(NULL)");
    if (wf_was_held(l, WRITER))
        return;
    if (__builtin_expect(wf_checking, 0))
        wf_check_gives(&l->value_, "weft_write_unlock", "rwlock", l);
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&l->word_);
    bool held = (value & WRITER) != 0;
    if (held)
        value = hand_over(l, value & ~(uintptr_t)WRITER, &end);
    wf_word_unlock(&l->word_, value); // the last touch
    wf_require(held, "weft_write_unlock(%p): no writer holds it", (void *)l);
    wf_signal(woken);
}
