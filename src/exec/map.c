// SPDX-License-Identifier: MIT
// map.c - an array, shared out in pieces by a counter.
//
// As many helpers as the pool has workers take the next piece until none is left. The caller then
// waits for them; those that no worker has begun it runs itself, by the way of every wait for a
// future. Pieces shrink towards the end, so that nobody is left with a large last one: each is a
// share of what is left (guided self-scheduling, Polychronopoulos and Kuck 1987).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/ends.h"
#include "exec/executor.h"

struct map {
    const struct weft_task *what;
    const char *in;
    char *out;
    size_t n;
    size_t helpers;        // how many there are to be
    weft_mutex mu;         // guards everything below
    weft_future **futures; // of those that were ordered; ours until all have ended
    size_t ordered;
    size_t next;   // the first item that nobody has taken
    int code;      // of the failure with the least index, or 0
    size_t failed; // that index
    char message[WEFT_ERROR_MAX];
};

struct piece {
    size_t begin, end;
};

static struct piece take(struct map *map)
{
    wf_guard(&map->mu);
    size_t left = map->code < 0 ? 0 : map->n - map->next;
    size_t size = wf_map_piece(left, map->helpers);
    struct piece piece = {map->next, map->next + size};
    map->next += size;
    return piece;
}

// Ask all to stop. A helper may: no future is joined before every helper has returned.
static void cancel_all(struct map *map)
{
    wf_lock(&map->mu);
    size_t ordered = map->ordered;
    weft_unlock(&map->mu);
    for (size_t i = 0; i < ordered; i++)
        weft_cancel(map->futures[i]);
}

// Of items that will not run: weft_map takes the ends of all, whatever becomes of it (pipe.h).
static void drop_ends(const struct map *map, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        wf_ends_drop(map->what, map->in + i * map->what->arg_size);
}

static void note_failure(struct map *map, size_t index, int code)
{
    wf_lock(&map->mu);
    if (map->code == 0 || index < map->failed) {
        map->code = code;
        map->failed = index;
        const char *why = weft_error_code() == code ? weft_error() : wf_strerror(code);
        (void)snprintf(map->message, sizeof map->message, "%s of item %zu: %s", map->what->name,
                       index, why);
    }
    weft_unlock(&map->mu);
    cancel_all(map);
}

static int map_helper(struct map *const *arg, weft_none *none)
{
    (void)none;
    struct map *map = *arg;
    for (;;) {
        int rc = weft_check(); // between pieces; items see the request in their own waits
        struct piece piece = rc == 0 ? take(map) : (struct piece){0, 0};
        if (piece.begin == piece.end)
            return rc;
        size_t done = 0;
        uint32_t fork = wf_fork_count;
        rc = map->what->each(map->in + piece.begin * map->what->arg_size,
                             map->out + piece.begin * map->what->result_size,
                             piece.end - piece.begin, &done);
        wf_exit_if_forked(fork, rc);
        if (rc < 0)
            drop_ends(map, piece.begin + done + 1, piece.end);
        if (rc < 0 && weft_check() == rc)
            return rc; // we were asked to stop, the item is not to blame
        if (rc < 0) {
            note_failure(map, piece.begin + done, rc);
            return rc;
        }
    }
}
WEFT_TASK(map_helper, struct map *, weft_none);

// Note the future of a helper, which may run already. True: an item has failed, and the helper was
// asked to stop here - whoever noted the failure asked only those that he saw. Both look under the
// lock, so one of the two sees the other.
static bool add_helper(struct map *map, weft_future *f)
{
    wf_lock(&map->mu);
    map->futures[map->ordered++] = f;
    bool failed = map->code < 0;
    weft_unlock(&map->mu);
    if (failed)
        weft_cancel(f);
    return failed;
}

// Submit helpers until there are enough, one cannot be had, or an item has failed already. 0 if
// there is at least one.
static int order_helpers(weft_pool *pool, weft_time deadline, struct map *map)
{
    const struct wf_order order = {.call = "weft_map", .deadline = deadline, .inherits = true};
    bool failed = false;
    for (size_t i = 0; i < map->helpers && !failed; i++) {
        weft_future *f = wf_pool_order(pool, &order, &map_helper_task, &map);
        if (!f)
            return i > 0 ? 0 : weft_error_code();
        failed = add_helper(map, f);
    }
    return 0;
}

// Why the map failed, where no item did. What comes after it has errors of its own.
struct reason {
    int code;
    char text[WEFT_ERROR_MAX];
};

static void note_reason(struct reason *r, int code)
{
    if (r->code < 0 || code >= 0)
        return;
    r->code = code;
    (void)snprintf(r->text, sizeof r->text, "%s", weft_error());
}

static int fail_for(const struct reason *r)
{
    bool by_request = r->code == -ETIMEDOUT || r->code == -ECANCELED;
    return by_request || r->code == 0 ? wf_failed("weft_map", r->code)
                                      : weft_fail(r->code, "%s", r->text);
}

// Wait for every helper, then join them all. The deadline is the helpers' own.
static int wait_for_helpers(struct map *map)
{
    struct reason reason = {.code = 0};
    for (size_t i = 0; i < map->ordered && reason.code == 0; i++)
        note_reason(&reason, weft_wait(map->futures[i], WEFT_FOREVER));
    if (reason.code < 0)
        cancel_all(map);
    bool was = weft_shield(true);
    for (size_t i = 0; i < map->ordered; i++)
        (void)weft_wait(map->futures[i], WEFT_FOREVER); // shielded, it cannot fail
    (void)weft_shield(was);
    for (size_t i = 0; i < map->ordered; i++)
        note_reason(&reason, weft_join(&map->futures[i], NULL, 0));
    if (map->code < 0 && reason.code < 0)
        return weft_fail(map->code, "%s", map->message);
    return fail_for(&reason);
}

static int run_map(weft_pool *pool, weft_time deadline, struct map *map)
{
    int rc = wf_interrupted();
    if (rc < 0)
        return wf_failed("weft_map", rc);
    map->futures = calloc(map->helpers, sizeof(weft_future *));
    if (!map->futures)
        return weft_fail(-ENOMEM, "weft_map: out of memory");
    rc = order_helpers(pool, deadline, map);
    if (rc == 0)
        rc = wait_for_helpers(map);
    free(map->futures);
    return rc;
}

int weft_map_(weft_pool *pool, weft_time deadline, const struct weft_task *what, size_t n,
              void *out, const void *in)
{
    wf_require(pool, "weft_map: the pool is NULL");
    wf_require(n == 0 || (in && out), "weft_map: %zu items of NULL", n);
    if (n == 0)
        return wf_failed("weft_map", wf_interrupted());
    if (pool->executor->map) {
        int code = pool->executor->map(pool, deadline, what, n, out, in);
        const struct map all = {.what = what, .in = in};
        drop_ends(&all, 0, n);
        return code;
    }
    size_t workers = (size_t)pool->options.workers;
    struct map map = {
        .what = what, .in = in, .out = out, .n = n, .helpers = n < workers ? n : workers};
    int rc = run_map(pool, deadline, &map);
    drop_ends(&map, map.next, n);
    return rc;
}
