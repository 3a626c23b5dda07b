// SPDX-License-Identifier: MIT
// channel.c - see channel.h. A channel and a parcel are both a file without a name, mapped.
#include "exec/channel.h"

#include <errno.h>
#include <unistd.h>

#include "core/trace.h"
#include "os/shm.h"

void *wf_parcel_join(int fd, const struct weft_task *what)
{
    size_t align = what->arg_align > what->result_align ? what->arg_align : what->result_align;
    return wf_shm_map_aligned(fd, wf_layout_of(what).size, align);
}

void *wf_parcel_new(size_t size, int *fd)
{
    *fd = wf_shm_new("weft-task", size);
    if (*fd < 0)
        return NULL;
    void *at = wf_shm_map(*fd, size); // only copied to and from here
    if (at)
        return at;
    (void)close(*fd);
    *fd = -ENOMEM;
    return NULL;
}

void wf_parcel_free(void *parcel, size_t size)
{
    wf_shm_unmap(parcel, size);
}

struct wf_channel *wf_channel_new(int *fd)
{
    struct wf_channel *channel = wf_parcel_new(sizeof *channel, fd);
    if (channel)
        channel->traces = wf_tracing;
    return channel;
}

struct wf_channel *wf_channel_join(int fd)
{
    return wf_shm_map(fd, sizeof(struct wf_channel));
}

void wf_channel_free(struct wf_channel *channel)
{
    if (channel)
        wf_parcel_free(channel, sizeof *channel);
}
