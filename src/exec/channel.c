// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memfd_create
#include "exec/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/round.h"

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

// Sealed, because whoever reads beyond the end of a file that was cut dies of SIGBUS.
static int sealed_file(const char *name, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    int rc = -errno;
    (void)close(fd);
    return rc;
}

void *wf_parcel_join(int fd, size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

void *wf_parcel_new(size_t size, int *fd)
{
    *fd = sealed_file("weft-task", size);
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
    (void)munmap(parcel, size); // it is a mapping of ours
}

struct wf_channel *wf_channel_new(int *fd)
{
    return wf_parcel_new(sizeof(struct wf_channel), fd);
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
