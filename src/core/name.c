// SPDX-License-Identifier: MIT
// name.c - what tasks, threads and fibers are called.
#include <string.h>

#include "core/current.h"
#include "core/error.h"
#include "core/text.h"

void wf_copy_name(char copy[WF_NAME_MAX], const char *name)
{
    size_t size = strnlen(name, WF_NAME_MAX - 1);
    memcpy(copy, name, size);
    copy[size] = '\0';
}

const char *wf_task_name(const struct wf_task *task, char text[WF_NAME_MAX])
{
    if (task->name[0] != '\0' || !task->function)
        return task->name;
    struct wf_text name;
    name.used = 0; // not more: the rest is large
    if (task->series) {
        wf_text_add(&name, task->series);
        wf_text_add_number(&name, task->number);
        wf_text_add(&name, " (");
    }
    wf_text_add(&name, task->function);
    wf_text_add(&name, task->series ? ")" : "");
    name.bytes[name.used] = '\0';
    wf_cut_text(name.bytes, WF_NAME_MAX);
    wf_copy_name(text, name.bytes);
    return text;
}

const char *wf_parker_name(const struct wf_parker *parker, char text[WF_NAME_MAX])
{
    const struct wf_task *first = wf_load(&parker->task, WF_ACQUIRE); // that it was started for
    while (first && first->outer && first->outer != &parker->own)
        first = first->outer;
    bool named = parker->name[0] != '\0' || !parker->parking || !first || first == &parker->own;
    return named ? parker->name : wf_task_name(first, text);
}
