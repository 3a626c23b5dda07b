// SPDX-License-Identifier: MIT
// info.c - who is running.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/misuse.h"
#include "exec/executor.h"
#include "exec/family.h"
#include "os/thread.h"

_Static_assert(sizeof(((struct weft_info *)0)->name) == WF_NAME_MAX, "one size of names");

void wf_name_task(char *name, size_t size, const char *worker, const struct wf_task *task)
{
    char text[2 * WF_NAME_MAX + 4], buffer[WF_NAME_MAX];
    const char *own = wf_task_name(task, buffer);
    if (task->pooled && worker)
        (void)snprintf(text, sizeof text, "%s (%s)", worker, own);
    else // between two tasks: only the thread has a name
        (void)snprintf(text, sizeof text, "%s", own[0] == '\0' && worker ? worker : own);
    wf_cut_text(text, size);
    memcpy(name, text, strlen(text) + 1);
}

static enum weft_kind kind_of(const struct wf_parker *parker)
{
    if (wf_worker_is(parker))
        return WEFT_PROCESSES;
    return parker->parking ? WEFT_FIBERS : WEFT_THREADS;
}

static void describe(const struct wf_parker *parker, const struct wf_task *task,
                     struct weft_info *info)
{
    *info = (struct weft_info){.kind = kind_of(parker),
                               .id = task->id,
                               .pid = getpid(),
                               .tid = parker->tid,
                               .daemon = task->daemon,
                               .alive = true};
    if (info->kind == WEFT_PROCESSES)
        wf_worker_describe(task, info);
    char buffer[WF_NAME_MAX];
    const char *worker = wf_parker_name(parker, buffer);
    wf_name_task(info->name, sizeof info->name, worker[0] != '\0' ? worker : NULL, task);
}

void weft_self(struct weft_info *info)
{
    wf_require(info, "weft_self(NULL)");
    const struct wf_parker *self = wf_self();
    describe(self, self->task, info);
}

struct search {
    const struct wf_task *task;
    struct weft_info *info;
};

static bool look(const struct wf_parker *parker, struct wf_task *task, void *ctx)
{
    struct search *search = ctx;
    if (task != search->task)
        return true;
    describe(parker, task, search->info);
    return false;
}

static void describe_process(const weft_future *f, struct weft_info *info)
{
    info->alive = false;
    info->pid = info->tid = 0;
    if (f->fork_ != wf_fork_count)
        return;
    if (f->pool)
        f->pool->executor->describe(f->pool, f, info);
    else
        wf_process_describe(f, info);
}

void weft_inspect(const weft_future *f, struct weft_info *info)
{
    wf_require(f && info, "weft_inspect: the future or the info is NULL");
    const struct wf_task *task = &f->task;
    *info = (struct weft_info){.kind = f->kind, .id = task->id, .daemon = task->daemon};
    wf_name_task(info->name, sizeof info->name, NULL, task);
    info->alive = !task->pooled && !wf_future_done(f); // its thread is there, begun or not
    info->tid = wf_load(&f->tid, WF_RELAXED);
    info->pid = info->tid != 0 ? getpid() : 0;
    if (f->kind == WEFT_PROCESSES) {
        describe_process(f, info);
        return;
    }
    struct search search = {task, info};
    if (f->fork_ == wf_fork_count && !wf_future_done(f))
        wf_tasks_visit(look, &search);
}

struct listing {
    enum weft_kind kind;
    struct weft_info *infos;
    size_t cap, count;
};

static bool list(const struct wf_parker *parker, struct wf_task *task, void *ctx)
{
    struct listing *listing = ctx;
    if (kind_of(parker) != listing->kind)
        return true;
    if (listing->count < listing->cap)
        describe(parker, task, &listing->infos[listing->count]);
    listing->count++;
    return true;
}

size_t weft_list(enum weft_kind kind, struct weft_info *infos, size_t cap)
{
    wf_require(infos || cap == 0, "weft_list(NULL): no room for %zu", cap);
    wf_require(kind >= WEFT_FIBERS && kind <= WEFT_PROCESSES, "weft_list: there is no kind %d",
               (int)kind);
    if (kind == WEFT_PROCESSES)
        return wf_family_list(infos, cap);
    (void)wf_self(); // the caller is one of them
    struct listing listing = {.kind = kind, .infos = infos, .cap = cap};
    wf_tasks_visit(list, &listing);
    return listing.count;
}

int weft_cores(void)
{
    return wf_thread_cores();
}
