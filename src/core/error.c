// SPDX-License-Identifier: MIT
// error.c - the code and the message of a task's latest failure.
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/current.h"
#include "core/misuse.h"
#include "core/mutex.h"

void wf_cut_text(char *text, size_t cap)
{
    if (strnlen(text, cap) < cap)
        return;
    size_t end = cap - 1;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    text[end] = '\0';
}

static bool have_room(struct wf_task *task)
{
    if (!task->error_text)
        task->error_text = malloc(WEFT_ERROR_MAX);
    return task->error_text != NULL;
}

static struct wf_task *say(int code, const char *fmt, va_list args)
{
    wf_require(code < 0, "weft_fail(%d): a code is a negative errno", code);
    char text[WEFT_ERROR_MAX + 1]; // first a copy: the arguments may be the old message
    int n = vsnprintf(text, sizeof text, fmt, args);
    if (n < 0)
        text[0] = '\0'; // a broken format says nothing; the code still does
    wf_cut_text(text, WEFT_ERROR_MAX);
    struct wf_task *task = wf_current();
    task->error_code = code;
    task->error_call = NULL;
    if (have_room(task))
        memcpy(task->error_text, text, strlen(text) + 1);
    return task;
}

int weft_fail(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(code, fmt, args)->explained = false;
    va_end(args);
    return code;
}

int wf_explain(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(code, fmt, args)->explained = true;
    va_end(args);
    return code;
}

// Most failures are deadlines that nobody reads about: the text is made when it is asked for.
int wf_note_failure(const char *call, int rc)
{
    struct wf_task *task = wf_current();
    bool plain = rc == -ETIMEDOUT || rc == -ECANCELED || rc == -EPIPE;
    if (plain || !task->explained || task->error_code != rc) {
        task->error_code = rc;
        task->error_call = call;
    }
    task->explained = false;
    return rc;
}

const char *wf_strerror(int code)
{
    return strerror((int)-(unsigned)code);
}

int wf_failed_in(const char *name, int rc)
{
    if (rc < 0 && weft_error_code() != rc)
        (void)weft_fail(rc, "%s: %s", name, wf_strerror(rc));
    return rc;
}

static const char *reason(int code)
{
    return code == -ETIMEDOUT   ? "the deadline passed"
           : code == -ECANCELED ? "cancelled"
           : code == -EPIPE     ? "closed"
                                : wf_strerror(code);
}

const char *wf_error_text(struct wf_task *task)
{
    if (task->error_call && have_room(task))
        (void)snprintf(task->error_text, WEFT_ERROR_MAX, "%s: %s", task->error_call,
                       reason(task->error_code));
    task->error_call = NULL;
    if (!task->error_text && task->error_code != 0)
        return reason(task->error_code); // no memory for more
    return task->error_text ? task->error_text : "";
}

const char *wf_why(int code)
{
    struct wf_task *task = wf_current();
    return task->explained && task->error_code == code ? wf_error_text(task) : reason(code);
}

const char *weft_error(void)
{
    return wf_error_text(wf_current());
}

int weft_error_code(void)
{
    return wf_current()->error_code;
}

void wf_task_free_error(struct wf_task *task)
{
    if (task->error_text) // mostly there is none, which saves the call
        free(task->error_text);
    task->error_text = NULL;
    task->error_call = NULL;
    task->error_code = 0;
}

// ---- failures that nobody sees ----------------------------------------------------------

typedef void unobserved_hook(const char *task, int code, const char *message, void *ctx);

static struct {
    weft_mutex mu; // guards both
    unobserved_hook *hook;
    void *ctx;
} unobserved;

void weft_on_unobserved(unobserved_hook *hook, void *ctx)
{
    wf_guard(&unobserved.mu);
    unobserved.hook = hook;
    unobserved.ctx = ctx;
}

void wf_report_unobserved(const char *task, int code, const char *message)
{
    wf_lock(&unobserved.mu);
    unobserved_hook *hook = unobserved.hook;
    void *ctx = unobserved.ctx;
    weft_unlock(&unobserved.mu);
    if (hook)
        hook(task, code, message, ctx);
    else
        (void)fprintf(stderr, "weft: task %s failed and nobody joined it: %s\n", task, message);
}
