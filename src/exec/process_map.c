// SPDX-License-Identifier: MIT
// process_map.c - an array, shared out among worker processes.
//
// The items lie in a file, behind a head that all of them map. Workers take pieces by a counter in
// the head, so no item is a message of its own. Pieces shrink towards the end, as in map.c. Each
// worker notes which item it is at: that names the item that failed, also when the worker died of
// it.
//
// The items are read and written, not mapped: each is passed once, and to touch a page of a mapping
// for the first time costs as much as to copy two to twenty. A worker does it by parts of a piece,
// in memory that it touches again and again.
//
// The root believes none of this but what it can check: a piece that nobody has done is found by
// the sum of what the workers say that they did.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/pipe.h>

#include "core/check.h"
#include "core/error.h"
#include "core/round.h"
#include "exec/argument.h"
#include "exec/channel.h"
#include "exec/ends.h"
#include "exec/executor.h"
#include "exec/family.h"
#include "exec/modules.h"
#include "os/shm.h"

enum { PAGE = 4096, PART = 4 * PAGE };
#define NO_ITEM UINT64_MAX // a helper that has come to none yet

// How the file begins. The items follow on the next page.
struct head {
    struct wf_symbol what;
    uint64_t n, helpers, in_at, out_at;
    uint64_t next; // atomic: the first item that nobody has taken
    uint32_t stop; // atomic: one has failed
    uint64_t at[]; // atomic: the item that each helper is at, or NO_ITEM
};

struct share {
    weft_end file;
    uint32_t helper;
    uint64_t head_size;
};

// ---- in the workers ---------------------------------------------------------------------

// The next piece: from *begin, that many; 0: none is left.
static uint64_t take(struct head *head, uint64_t *begin)
{
    uint64_t next = wf_load(&head->next, WF_RELAXED), size;
    do {
        if (next >= head->n || wf_load(&head->stop, WF_RELAXED) != 0)
            return 0;
        size = wf_map_piece(head->n - next, head->helpers);
    } while (!wf_cas(&head->next, &next, next + size, WF_RELAXED));
    *begin = next;
    return size;
}

// Where a worker has a part of its piece.
struct desk {
    const struct weft_task *what;
    int fd;
    char *in, *out;
    uint64_t room; // items
};

static int open_desk(struct desk *desk)
{
    const struct weft_task *what = desk->what;
    size_t larger = what->arg_size > what->result_size ? what->arg_size : what->result_size;
    desk->room = larger > 0 && larger < PART ? PART / larger : 1;
    desk->in = aligned_alloc(what->arg_align,
                             wf_round_up(desk->room * what->arg_size, what->arg_align));
    desk->out = aligned_alloc(what->result_align,
                              wf_round_up(desk->room * what->result_size, what->result_align));
    if (desk->in && desk->out)
        return 0;
    return weft_fail(-ENOMEM, "weft_map: no memory for items of %zu and %zu bytes", what->arg_size,
                     what->result_size);
}

static void close_desk(struct desk *desk)
{
    free(desk->in);
    free(desk->out);
}

static int fetch(const struct desk *desk, const struct head *head, uint64_t begin, uint64_t size)
{
    size_t item = desk->what->arg_size;
    memset(desk->out, 0, size * desk->what->result_size);
    int rc = wf_shm_read(desk->fd, head->in_at + begin * item, desk->in, size * item);
    return rc == 0 ? 0 : weft_fail(rc, "weft_map: its items: %s", strerror(-rc));
}

static int deliver(const struct desk *desk, const struct head *head, uint64_t begin, uint64_t size)
{
    size_t item = desk->what->result_size;
    int rc = wf_shm_write(desk->fd, head->out_at + begin * item, desk->out, size * item);
    return rc == 0 ? 0 : weft_fail(rc, "weft_map: its results: %s", strerror(-rc));
}

static int run_part(const struct desk *desk, uint64_t *at, uint64_t begin, uint64_t size)
{
    const struct weft_task *what = desk->what;
    int rc = 0;
    for (uint64_t i = 0; i < size && rc >= 0; i++) {
        wf_store(at, begin + i, WF_RELAXED);
        uint32_t fork = wf_fork_count;
        rc = what->run(desk->in + i * what->arg_size, desk->out + i * what->result_size);
        wf_exit_if_forked(fork, rc);
    }
    if (rc < 0 && weft_error_code() != rc)
        (void)weft_fail(rc, "%s", wf_strerror(rc)); // else it would name share_of_map
    return rc < 0 ? rc : 0;
}

static int do_piece(const struct desk *desk, struct head *head, uint64_t *at, uint64_t begin,
                    uint64_t size)
{
    int rc = 0;
    for (uint64_t done = 0, part; done < size && rc == 0; done += part) {
        part = size - done < desk->room ? size - done : desk->room;
        rc = fetch(desk, head, begin + done, part);
        if (rc == 0)
            rc = run_part(desk, at, begin + done, part);
        if (rc == 0)
            rc = deliver(desk, head, begin + done, part);
    }
    return rc;
}

static int work(const struct desk *desk, struct head *head, uint64_t *at, uint64_t *done)
{
    uint64_t begin, size;
    int rc = 0;
    while (rc == 0 && (rc = weft_check()) == 0 && (size = take(head, &begin)) > 0) {
        rc = do_piece(desk, head, at, begin, size);
        *done += rc == 0 ? size : 0;
    }
    return rc;
}

static int do_share(const struct share *share, struct head *head, uint64_t *done)
{
    struct desk desk = {.fd = share->file.fd, .what = wf_modules_find(&head->what)};
    if (!desk.what)
        return weft_fail(-ENOTSUP, "weft_map: the worker does not have this task");
    int rc = open_desk(&desk);
    if (rc == 0)
        rc = work(&desk, head, &head->at[share->helper], done);
    close_desk(&desk);
    if (rc < 0)
        wf_store(&head->stop, 1, WF_RELAXED);
    return rc;
}

static int share_of_map(const struct share *share, uint64_t *done)
{
    weft_end file = share->file;
    struct head *head = wf_shm_map(file.fd, share->head_size);
    int rc = head ? do_share(share, head, done)
                  : weft_fail(-ENOMEM, "weft_map: no memory for its head");
    if (head)
        wf_shm_unmap(head, share->head_size);
    weft_end_close(&file);
    return rc;
}
WEFT_TASK(share_of_map, struct share, uint64_t, .ends = {WEFT_END(struct share, file)});

// ---- in the root ------------------------------------------------------------------------

struct map {
    const struct weft_task *what;
    struct head *head;
    size_t helpers, in_at, out_at; // as in the head, where a worker may have written
    int fd;
    weft_group *group; // of the helpers: the first that fails stops the others
};

static int lay_out(struct map *map, size_t n, size_t helpers, const void *in)
{
    struct wf_symbol place;
    if (!wf_modules_name(map->what, &place))
        return weft_fail(-ENOTSUP, "weft_map: %s lies in no module", map->what->name);
    size_t in_at = wf_round_up(sizeof(struct head) + helpers * sizeof(uint64_t), PAGE);
    size_t in_size, out_size, size;
    if (__builtin_mul_overflow(n, map->what->arg_size, &in_size) ||
        __builtin_mul_overflow(n, map->what->result_size, &out_size) ||
        __builtin_add_overflow(in_size, out_size, &size) || size > SIZE_MAX / 2)
        return weft_fail(-ENOMEM, "weft_map: %zu items are too many", n);
    size_t out_at = in_at + wf_round_up(in_size, PAGE);
    size = out_at + wf_round_up(out_size, PAGE);
    map->fd = wf_shm_new("weft-map", size);
    map->head = map->fd >= 0 ? wf_shm_map(map->fd, in_at) : NULL;
    int rc = map->head ? 0 : map->fd < 0 ? map->fd : -ENOMEM;
    if (rc == 0)
        rc = wf_shm_write(map->fd, in_at, in, in_size);
    if (rc < 0)
        return weft_fail(rc, "weft_map: %zu bytes of items: %s", size, strerror(-rc));
    map->helpers = helpers;
    map->in_at = in_at;
    map->out_at = out_at;
    *map->head = (struct head){
        .what = place, .n = n, .helpers = helpers, .in_at = in_at, .out_at = out_at};
    for (size_t i = 0; i < helpers; i++)
        wf_store(&map->head->at[i], NO_ITEM, WF_RELAXED);
    return 0;
}

// 0 if there is at least one.
static int order_helpers(weft_pool *pool, weft_time deadline, struct map *map)
{
    struct wf_order order = {
        .call = "weft_map", .name = map->what->name, .deadline = deadline, .group = map->group};
    for (uint32_t i = 0; i < map->helpers; i++) {
        struct share share = {.helper = i, .head_size = map->in_at};
        order.tag = i;
        share.file.fd = fcntl(map->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (share.file.fd < 0)
            return i > 0 ? 0 : weft_fail(-errno, "weft_map: %s", strerror(errno));
        if (wf_pool_order(pool, &order, &share_of_map_task, &share))
            continue;
        (void)close(share.file.fd);
        return i > 0 ? 0 : weft_error_code();
    }
    return 0;
}

// What the helpers say: the failure of the least item, or how many are done.
struct verdict {
    int code;
    uint64_t item, done;
    char why[WEFT_ERROR_MAX];
};

static void hear(const struct map *map, const struct weft_outcome *outcome, uint64_t done,
                 struct verdict *verdict)
{
    int code = outcome->code;
    uint64_t item = wf_load(&map->head->at[outcome->tag], WF_RELAXED);
    verdict->done += code == 0 ? done : 0;
    // Those that were asked to stop because of another's failure are not to blame.
    bool worse = code < 0 && (verdict->code == 0 || verdict->code == -ECANCELED ||
                              (item < verdict->item && code != -ECANCELED));
    if (!worse)
        return;
    verdict->code = code;
    verdict->item = item;
    (void)snprintf(verdict->why, sizeof verdict->why, "%s", outcome->message);
}

// Hear every helper. The first that fails stops the others: they see it between items, and in an
// item's own waits by being cancelled. 0, or -ECANCELED: the caller was asked to stop, and closing
// the group stops and awaits those that were not heard.
static int hear_helpers(struct map *map, struct verdict *verdict)
{
    struct weft_outcome outcome;
    uint64_t done;
    int rc;
    while ((rc = weft_group_next(map->group, &outcome, &done, sizeof done, WEFT_FOREVER)) > 0)
        hear(map, &outcome, done, verdict);
    return rc;
}

static int judge(const struct map *map, size_t n, weft_time deadline, const struct verdict *verdict)
{
    if (verdict->code == -ETIMEDOUT && weft_now().ns >= deadline.ns)
        return wf_failed("weft_map", verdict->code); // no item is to blame
    if (verdict->code == -ECANCELED)
        return weft_fail(verdict->code, "weft_map: %s", verdict->why);
    if (verdict->code < 0 && verdict->item == NO_ITEM) // a worker that could not begin
        return weft_fail(verdict->code, "%s", verdict->why);
    if (verdict->code < 0)
        return weft_fail(verdict->code, "%s of item %zu: %s", map->what->name,
                         (size_t)verdict->item, verdict->why);
    if (verdict->done != n)
        return weft_fail(-EOWNERDEAD, "weft_map: workers did %zu of %zu items",
                         (size_t)verdict->done, n);
    return 0;
}

static int run_map(weft_pool *pool, weft_time deadline, struct map *map, size_t n, void *out)
{
    map->group = weft_group_open(pool, .cancel_rest = true);
    if (!map->group)
        return weft_fail(-ENOMEM, "weft_map: out of memory");
    struct verdict verdict = {.code = 0};
    int rc = order_helpers(pool, deadline, map);
    if (rc == 0)
        rc = wf_failed("weft_map", hear_helpers(map, &verdict));
    if (rc == 0)
        rc = judge(map, n, deadline, &verdict);
    if (rc == 0) {
        rc = wf_shm_read(map->fd, map->out_at, out, n * map->what->result_size);
        rc = rc == 0 ? 0 : weft_fail(rc, "weft_map: its results: %s", strerror(-rc));
    }
    weft_group_close(&map->group);
    return rc;
}

int wf_process_map(weft_pool *pool, weft_time deadline, const struct weft_task *what, size_t n,
                   void *out, const void *in)
{
    if (what->ends[0] != 0)
        return weft_fail(-ENOTSUP,
                         "weft_map: %s has .ends, and the items of a map bring no descriptors to "
                         "processes; weft_submit does",
                         what->name);
    if (wf_family_there(what, what->name) == 0)
        return weft_error_code();
    for (size_t i = 0; wf_checking && i < n; i++)
        wf_check_argument(what, (const char *)in + i * what->arg_size);
    size_t workers = (size_t)pool->options.workers;
    size_t helpers = n < workers ? n : workers;
    struct map map = {.what = what, .fd = -1};
    int rc = lay_out(&map, n, helpers, in);
    if (rc == 0)
        rc = run_map(pool, deadline, &map, n, out);
    if (map.head)
        wf_shm_unmap(map.head, map.in_at);
    if (map.fd >= 0)
        (void)close(map.fd);
    return rc;
}
