// SPDX-License-Identifier: MIT
#include "exec/channel.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "core/round.h"
#include "core/trace.h"
#include "os/shm.h"

static struct wf_layout lay_out(const struct weft_task *what, size_t begin)
{
    size_t arg_at = wf_round_up(begin, what->arg_align);
    size_t result_at = wf_round_up(arg_at + what->arg_size, what->result_align);
    return (struct wf_layout){
        .arg_at = arg_at, .result_at = result_at, .size = result_at + what->result_size};
}

struct wf_layout wf_layout_of(const struct weft_task *what)
{
    struct wf_layout in_slot = lay_out(what, offsetof(struct wf_slot, payload));
    in_slot.fits = in_slot.size <= WF_SLOT_SIZE && what->arg_align <= WF_SLOT_ALIGN &&
                   what->result_align <= WF_SLOT_ALIGN;
    return in_slot.fits ? in_slot : lay_out(what, 0);
}

void *wf_parcel_join(int fd, size_t size)
{
    return wf_shm_map(fd, size);
}

void *wf_parcel_new(size_t size, int *fd)
{
    *fd = wf_shm_new("weft-task", size);
    if (*fd < 0)
        return NULL;
    void *at = wf_parcel_join(*fd, size);
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
    return wf_parcel_join(fd, sizeof(struct wf_channel));
}

void wf_channel_free(struct wf_channel *channel)
{
    if (channel)
        wf_parcel_free(channel, sizeof *channel);
}
