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

// Where what lies in the one allocation.
struct shape {
    size_t arg_at, result_at, align, size;
};

static struct shape shape_of(const struct weft_task *what)
{
    struct shape s = {.align = LEAST_ALIGN};
    s.align = what->arg_align > s.align ? what->arg_align : s.align;
    s.align = what->result_align > s.align ? what->result_align : s.align;
    s.arg_at = wf_round_up(sizeof(weft_future), what->arg_align);
    s.result_at = wf_round_up(s.arg_at + what->arg_size, what->result_align);
    s.size = wf_round_up(s.result_at + what->result_size, s.align);
    return s;
}

// Memory of the pool's, which brings the reference to the pool; or of a loop's, or of malloc's.
// *kept: as in the future.
static void *take_memory(weft_pool *pool, const struct shape *shape, uint32_t *kept)
{
    uint32_t size = shape->size < UINT32_MAX ? (uint32_t)shape->size : UINT32_MAX; // see os/store.h
    if (pool && pool->executor->take && shape->align <= WF_KEPT_ALIGN) {
        *kept = size;
        return pool->executor->take(pool, shape->size);
    }
    *kept = !pool && shape->align == LEAST_ALIGN && size < UINT32_MAX ? size : 0;
    void *memory = *kept > 0 ? wf_home_take_block(shape->size) : NULL;
    if (!memory)
        memory = aligned_alloc(shape->align, shape->size);
    if (memory && pool)
        wf_pool_ref(pool);
    return memory;
}

// True: it is kept; if its pool does so, it lies in *gone.
static bool put_away(weft_future *f, struct wf_store_block **gone)
{
    uint32_t size = f->kept;
    f->fork_ = UINT32_MAX; // is_here: malloc writes something there itself
    if (size == 0)
        return false;
    if (!f->pool)
        return wf_home_keep_block(f, size);
    *gone = wf_store_chain(f, size, *gone);
    return true;
}

weft_future *wf_future_new(const struct weft_task *what, const void *arg, weft_pool *pool)
{
    struct shape shape = shape_of(what);
    uint32_t kept;
    weft_future *f = take_memory(pool, &shape, &kept);
    if (!f) {
        (void)weft_fail(-ENOMEM, "%s: no memory for its argument and result", what->name);
        return NULL;
    }
    // All at once, and of a size that the compiler does not know: what it puts in place of a known
    // one takes several times as long.
    memset(f, 0, shape.size);
    f->fork_ = wf_fork_count;
    f->refs = 2;
    f->task.id = wf_task_new_id();
    f->task.deadline = WEFT_FOREVER;
    f->task.function = what->name;
    f->id = wf_owner_id(&f->task);
    f->what = what;
    f->pool = pool;
    f->arg = (char *)f + shape.arg_at;
    f->result = (char *)f + shape.result_at;
    f->kept = kept;
    memcpy(f->arg, arg, what->arg_size);
    if (wf_checking)
        wf_owned_count(what, 1);
    return f;
}

weft_future *wf_future_ref(weft_future *f)
{
    (void)wf_add(&f->refs, 1, WF_RELAXED); // the caller holds one already
    return f;
}

static void release(weft_future *f, struct wf_store_block **gone)
{
    free(f->task.error_text);
    weft_pool *pool = f->pool;
    if (put_away(f, gone))
        return;
    free(f);
    if (pool)
        wf_pool_unref(pool);
}

void wf_future_free(weft_future *f)
{
    weft_pool *pool = f->pool;
    struct wf_store_block *gone = NULL;
    release(f, &gone);
    if (pool && gone)
        pool->executor->give(pool, gone);
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
