// SPDX-License-Identifier: MIT
// ends.c - see ends.h.
#include "exec/ends.h"

#include <string.h>
#include <unistd.h>
#include <weft/pipe.h>

#include "core/misuse.h"

// The i-th member; NULL: there is none.
static char *member(const struct weft_task *what, const void *arg, int i)
{
    size_t at = what->ends[i];
    if (at == 0)
        return NULL;
    wf_require(what->arg_size >= sizeof(weft_end) && at - 1 <= what->arg_size - sizeof(weft_end),
               "%s: .ends[%d] lies outside of the argument", what->name, i);
    return (char *)arg + at - 1;
}

// The descriptor of the i-th member; -1: there is none.
static int descriptor(const struct weft_task *what, const void *arg, int i)
{
    weft_end end = {-1};
    const char *at = member(what, arg, i);
    if (at)
        memcpy(&end, at, sizeof end); // in a packed argument it is not aligned
    return end.fd < 0 ? -1 : end.fd;
}

static void set(const struct weft_task *what, void *arg, int i, int fd)
{
    const weft_end end = {fd};
    memcpy(member(what, arg, i), &end, sizeof end);
}

int wf_ends_collect(const struct weft_task *what, const void *arg, int fds[WEFT_ENDS_MAX])
{
    int count = 0;
    for (int i = 0; i < WEFT_ENDS_MAX; i++) {
        int fd = descriptor(what, arg, i);
        if (fd >= 0)
            fds[count++] = fd;
    }
    return count;
}

bool wf_ends_write(const struct weft_task *what, void *arg, const int *fds, int count)
{
    int old[WEFT_ENDS_MAX];
    if (wf_ends_collect(what, arg, old) != count)
        return false;
    for (int i = 0; i < WEFT_ENDS_MAX; i++)
        if (descriptor(what, arg, i) >= 0)
            set(what, arg, i, *fds++);
    return true;
}

void wf_ends_drop(const struct weft_task *what, const void *arg)
{
    int fds[WEFT_ENDS_MAX];
    int count = wf_ends_collect(what, arg, fds);
    while (count > 0)
        (void)close(fds[--count]);
}

void wf_ends_close(const struct weft_task *what, void *arg)
{
    wf_ends_drop(what, arg);
    for (int i = 0; i < WEFT_ENDS_MAX; i++)
        if (descriptor(what, arg, i) >= 0)
            set(what, arg, i, -1);
}
