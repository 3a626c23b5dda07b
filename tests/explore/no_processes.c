// SPDX-License-Identifier: MIT
// no_processes.c - in the explorer there are no processes: all tasks share one thread.
#include <errno.h>

#include "exec/executor.h"
#include "exec/family.h"

static int open_none(const struct weft_pool *base, weft_pool **pool)
{
    (void)base, (void)pool;
    return weft_fail(-ENOTSUP, "weft_pool_open: the explorer has no processes");
}
const struct wf_executor wf_processes = {.open = open_none};

int wf_process_start(weft_future *f, size_t stack_size)
{
    (void)stack_size;
    return weft_fail(-ENOTSUP, "weft_start(%s): the explorer has no processes", f->what->name);
}
void wf_process_stop(weft_future *f)
{
    (void)f;
}
void wf_process_kill(weft_future *f)
{
    (void)f;
}
void wf_process_describe(const weft_future *f, struct weft_info *info)
{
    (void)f, (void)info;
}
void wf_process_cancel_daemons(void)
{
}
bool wf_worker_is(const struct wf_parker *parker)
{
    (void)parker;
    return false;
}
void wf_worker_describe(const struct wf_task *task, struct weft_info *info)
{
    (void)task, (void)info;
}
size_t wf_family_list(struct weft_info *infos, size_t cap)
{
    (void)infos, (void)cap;
    return 0;
}
void wf_family_end(void)
{
}
