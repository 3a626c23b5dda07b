// SPDX-License-Identifier: MIT
// future_memory.c - where a future lies, with its argument and its result: in one block, of its
// pool's memory, or of malloc's, of which a loop keeps a few.
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/error.h"
#include "core/home.h"
#include "core/round.h"
#include "exec/executor.h"
#include "exec/future.h"
#include "os/store.h"

enum { LEAST_ALIGN = _Alignof(max_align_t) };

// Where what lies in the one allocation, and what is kept of it: as in the future.
struct shape {
    size_t arg_at, result_at, align, size;
    uint32_t kept;
};

static struct shape shape_of(const struct weft_task *what)
{
    struct shape s = {.align = LEAST_ALIGN};
    s.align = what->arg_align > s.align ? what->arg_align : s.align;
    s.align = what->result_align > s.align ? what->result_align : s.align;
    s.arg_at = wf_round_up(sizeof(weft_future), what->arg_align);
    s.result_at = wf_round_up(s.arg_at + what->arg_size, what->result_align);
    s.size = s.result_at + what->result_size;
    return s;
}

static void *allocate(const struct shape *shape)
{
    return aligned_alloc(shape->align, wf_round_up(shape->size, shape->align));
}

// Memory of the pool's brings the reference to the pool.
static void *take_of_pool(weft_pool *pool, struct shape *shape)
{
    bool keeps = pool->executor->take && shape->align <= WF_KEPT_ALIGN;
    if (keeps) // see os/store.h
        shape->kept = shape->size < UINT32_MAX ? (uint32_t)shape->size : UINT32_MAX;
    void *memory = keeps ? pool->executor->take(pool, shape->size) : allocate(shape);
    if (memory && !keeps)
        wf_pool_ref(pool);
    return memory;
}

// Cleared before, and all but the argument is there afterwards.
static inline void fill(weft_future *f, const struct shape *shape, const struct weft_task *what)
{
    f->fork_ = wf_fork_count;
    f->refs = 2;
    f->task.id = wf_task_new_id();
    f->task.deadline = WEFT_FOREVER;
    f->task.function = what->name;
    f->id = wf_owner_id(&f->task);
    f->what = what;
    f->kept = shape->kept;
    f->arg = (char *)f + shape->arg_at;
    f->result = (char *)f + shape->result_at;
    if (wf_checking)
        wf_owned_count(what, 1);
}

static weft_future *begin_in(void *memory, const struct shape *shape, const struct weft_task *what,
                             const void *arg, weft_pool *pool)
{
    weft_future *f = memory;
    if (!f) {
        (void)weft_fail(-ENOMEM, "%s: no memory for its argument and result", what->name);
        return NULL;
    }
    // All at once, and of a size that the compiler does not know: what it puts in place of a known
    // one takes several times as long.
    memset(f, 0, shape->size);
    fill(f, shape, what);
    f->pool = pool;
    memcpy(f->arg, arg, what->arg_size);
    return f;
}

weft_future *wf_future_new(const struct weft_task *what, const void *arg, weft_pool *pool)
{
    struct shape shape = shape_of(what);
    void *memory = take_of_pool(pool, &shape);
    return begin_in(memory, &shape, what, arg, pool);
}

static inline struct shape shape_alone(const struct weft_task *what)
{
    struct shape shape = shape_of(what);
    if (shape.align == LEAST_ALIGN && shape.size < UINT32_MAX)
        shape.kept = (uint32_t)shape.size;
    return shape;
}

// Out of line, and asks for the shape itself, so that the other way keeps it in registers.
__attribute__((noinline)) static weft_future *new_of_malloc(const struct weft_task *what,
                                                            const void *arg)
{
    struct shape shape = shape_alone(what);
    return begin_in(allocate(&shape), &shape, what, arg, NULL);
}

// The same where that was in use a moment ago, and so is in the cache: then to write out what
// clears it, in pieces for which compilers do so, is quicker. Each block is of whole units.
static inline void clear_at_hand(weft_future *f, size_t size)
{
    enum { UNIT = 16, PIECE = 64, ALL = (sizeof *f + UNIT - 1) / UNIT * UNIT };
    char *at = (char *)f;
#pragma GCC unroll 16
    for (size_t i = 0; i < ALL / PIECE; i++, at += PIECE)
        memset(at, 0, PIECE);
    memset(at, 0, ALL % PIECE);
    if (size > ALL)
        memset((char *)f + ALL, 0, size - ALL);
}

weft_future *wf_future_new_alone(const struct weft_task *what, const void *arg)
{
    struct shape shape = shape_alone(what);
    weft_future *f = shape.kept > 0 ? wf_home_take_block(shape.kept) : NULL;
    if (!f)
        return new_of_malloc(what, arg);
    clear_at_hand(f, shape.size);
    fill(f, &shape, what);
    if (what->arg_size == 1) // weft_none's is no reason for a call
        *(char *)f->arg = *(const char *)arg;
    else
        memcpy(f->arg, arg, what->arg_size);
    return f;
}

weft_future *wf_future_ref(weft_future *f)
{
    (void)wf_add(&f->refs, 1, WF_RELAXED); // the caller holds one already
    return f;
}

static void empty(weft_future *f)
{
    if (f->task.error_text) // as in wf_task_free_error
        free(f->task.error_text);
    f->fork_ = UINT32_MAX; // is_here: malloc writes something there itself
}

// What its pool keeps lies in *gone.
static void release(weft_future *f, struct wf_store_block **gone)
{
    weft_pool *pool = f->pool;
    uint32_t size = f->kept;
    empty(f);
    if (size > 0) {
        *gone = wf_store_chain(f, size, *gone);
        return;
    }
    free(f);
    wf_pool_unref(pool);
}

static void free_of_pool(weft_future *f)
{
    weft_pool *pool = f->pool;
    struct wf_store_block *gone = NULL;
    release(f, &gone);
    if (gone)
        pool->executor->give(pool, gone);
}

static void free_alone(weft_future *f)
{
    uint32_t size = f->kept;
    empty(f);
    if (size == 0 || !wf_home_keep_block(f, size))
        free(f);
}

void wf_future_free(weft_future *f)
{
    if (f->pool)
        free_of_pool(f);
    else
        free_alone(f);
}

static bool count_out(weft_future *f)
{
    // Who frees sees all that the others did. The last one is alone: nobody else can count.
    return wf_load(&f->refs, WF_ACQUIRE) == 1 || wf_sub(&f->refs, 1, WF_ACQ_REL) == 1;
}

void wf_future_unref(weft_future *f)
{
    if (count_out(f))
        wf_future_free(f);
}

void wf_future_let_go(weft_future *f, struct wf_store_block **gone)
{
    if (count_out(f))
        release(f, gone);
}
