// SPDX-License-Identifier: MIT
// process.c - a process for one task: weft_start(WEFT_PROCESSES).
//
// The task ends when its process has: then no output, no thread and no descriptor of it is left,
// and its exit code is known.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/error.h"
#include "core/mutex.h"
#include "exec/argument.h"
#include "exec/executor.h"
#include "exec/member.h"
#include "exec/reasons.h"

// Guards the seats of futures, and what lies in their channels.
static weft_mutex mu;
static struct wf_members started;

// With mu held: its future, with its code and message.
static weft_future *outcome(struct wf_member *m, int died)
{
    bool mad = false, begun;
    weft_future *f = wf_member_collect(m, &mad);
    if (f)
        return f;
    f = wf_member_inherit(m, &begun);
    char how[WEFT_ERROR_MAX], text[2 * WEFT_ERROR_MAX], name[WF_NAME_MAX];
    wf_reasons_of_death(died, how, sizeof how);
    (void)snprintf(text, sizeof text, "%s: its process %s", wf_task_name(&f->task, name), how);
    bool ended_by_us = f->task.daemon && wf_load(&wf_daemons, WF_RELAXED) != WF_DAEMONS_LIVE;
    wf_future_fail(f, ended_by_us ? -ECANCELED : died < 0 ? died : -EOWNERDEAD, text);
    return f;
}

static void died(struct wf_process *process, int died)
{
    struct wf_member *m = process->of;
    pid_t pid = process->was;
    wf_lock(&mu);
    weft_future *f = outcome(m, died);
    struct wf_channel *channel = wf_family_release(process);
    LIST_REMOVE(m, link);
    weft_unlock(&mu);
    free(m);
    f->exit_code = died < 0 ? 0 : WIFSIGNALED(died) ? -WTERMSIG(died) : WEXITSTATUS(died);
    wf_store(&f->tid, pid, WF_RELAXED);
    bool daemon = f->task.daemon;
    wf_future_finish(f);
    wf_channel_free(channel); // takes longer than all of the above, and nobody waits for it
    wf_exit_remove_task(daemon);
}

static void look(struct wf_process *process)
{
    wf_guard(&mu);
    wf_member_let_go_ends(process->of);
}

static const struct wf_owner owner = {look, died};

// With mu held. The task lies in the channel before the process is there. That there is an ancestor
// is seen first: then "not now" (-EAGAIN, without a message) can only mean the descriptors.
static int start(struct wf_member *m, weft_future *f)
{
    if (wf_family_there(f->what, f->what->name) == 0)
        return weft_error_code();
    int rc = wf_member_push(m, f);
    if (rc == -EAGAIN)
        rc = weft_fail(rc, "%s: its descriptors cannot be sent: too many are under way",
                       f->what->name);
    if (rc < 0)
        return rc;
    LIST_INSERT_HEAD(&started, m, link);
    rc = wf_family_bear(m->process);
    if (rc == 0)
        return 0;
    LIST_REMOVE(m, link);
    bool begun;
    (void)wf_member_inherit(m, &begun);
    return rc;
}

int wf_process_start(weft_future *f, size_t stack_size)
{
    wf_check_argument(f->what, f->arg);
    if (wf_reasons_against_stack(stack_size) < 0)
        return weft_error_code();
    struct wf_member *m = calloc(1, sizeof *m);
    if (!m)
        return weft_fail(-ENOMEM, "weft_start(%s): no memory", f->what->name);
    struct wf_birth birth = {.stack_size = stack_size, .alone = true, .daemon = f->task.daemon};
    char name[WF_NAME_MAX];
    wf_copy_name(birth.name, wf_task_name(&f->task, name));
    m->left = 1;
    m->process = wf_family_new(&birth, f->task.id, &owner, m);
    m->channel = m->process ? m->process->channel : NULL;
    int rc = m->process ? 0 : weft_error_code();
    if (rc == 0) {
        wf_lock(&mu);
        rc = start(m, f);
        weft_unlock(&mu);
        if (rc < 0)
            wf_family_discard(m->process);
    }
    if (rc < 0)
        free(m);
    return rc;
}

void wf_process_stop(weft_future *f)
{
    wf_guard(&mu);
    if (f->seat)
        wf_member_stop(f->seat, f);
}

void wf_process_kill(weft_future *f)
{
    wf_guard(&mu);
    struct wf_member *m = f->seat;
    if (!m)
        return;
    wf_member_bar(m, f); // the fork may be under way, and the task shorter than the signal's way
    wf_family_signal(m->process, SIGKILL);
}

void wf_process_describe(const weft_future *f, struct weft_info *info)
{
    wf_guard(&mu);
    const struct wf_member *m = f->seat;
    info->alive = m != NULL;
    info->pid = info->tid = m ? wf_load(&m->process->pid, WF_ACQUIRE)
                              : wf_load(&f->tid, WF_RELAXED);
    info->exit_code = m ? 0 : f->exit_code;
}

void wf_process_cancel_daemons(void)
{
    wf_guard(&mu);
    struct wf_member *m;
    LIST_FOREACH (m, &started, link)
        if (m->process->birth.daemon)
            wf_member_stop_all(m);
}
