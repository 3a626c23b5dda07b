// SPDX-License-Identifier: MIT
// shm.c - see shm.h: memfds. /dev/shm is not used: it may be full, or not there.
#define _GNU_SOURCE // memfd_create
#include "os/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "os/aside.h"

// A file that grows beyond the limit has the kernel send SIGXFSZ.
static bool is_allowed(size_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || size <= limit.rlim_cur;
}

int wf_shm_new(const char *name, size_t size)
{
    if (!is_allowed(size))
        return -EFBIG;
    int fd = wf_aside(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    int rc = -errno;
    (void)close(fd);
    return rc;
}

static void *map(int fd, size_t size, void *at, int how, int flags)
{
    void *got = mmap(at, size, how, MAP_SHARED | MAP_NORESERVE | flags, fd, 0);
    return got == MAP_FAILED ? NULL : got;
}

void *wf_shm_map(int fd, size_t size)
{
    return map(fd, size, NULL, PROT_READ | PROT_WRITE, 0);
}

static uintptr_t round_up(uintptr_t n, size_t unit)
{
    return (n + unit - 1) & ~(uintptr_t)(unit - 1);
}

// Of addresses that are set aside, twice what is needed, the right ones.
void *wf_shm_map_aligned(int fd, size_t size, size_t align)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (align <= page)
        return wf_shm_map(fd, size);
    size_t whole = round_up(size, page), room = whole + align;
    char *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    size_t before = round_up((uintptr_t)all, align) - (uintptr_t)all;
    char *at = map(fd, size, all + before, PROT_READ | PROT_WRITE, MAP_FIXED);
    if (!at) {
        (void)munmap(all, room); // what fails here are wrong arguments
        return NULL;
    }
    if (before > 0)
        (void)munmap(all, before);
    if (before < align)
        (void)munmap(at + whole, align - before);
    return at;
}

// Where a program keeps in memory what it will map (mlockall), all of an arena would be taken at
// once, which is more than the machine has. What cannot be read is not taken; so it is not locked
// before it can be. NULL: the kernel has no memory for that.
static void *open_apart(void *at, size_t size)
{
    (void)munlock(at, size);
    if (mprotect(at, size, PROT_READ | PROT_WRITE) == 0)
        return at;
    wf_shm_unmap(at, size);
    return NULL;
}

// What the kernel places by itself lies within a terabyte, in each process at another place of it.
// So two terabytes below it nothing lies in any of them.
void *wf_shm_map_apart(int fd, size_t size)
{
    char *near = map(fd, size, NULL, PROT_NONE, 0);
    if (!near || (uintptr_t)near >> 42 == 0) // no such place: addresses of 39 bits
        return near ? open_apart(near, size) : NULL;
    void *wish = (void *)((uintptr_t)near - (UINT64_C(1) << 41));
    void *apart = map(fd, size, wish, PROT_NONE, 0);
    if (!apart)
        return open_apart(near, size);
    wf_shm_unmap(near, size);
    return open_apart(apart, size);
}

void *wf_shm_map_at(int fd, size_t size, void *at)
{
    void *got = map(fd, size, at, PROT_NONE, MAP_FIXED_NOREPLACE);
    if (!got || got == at)
        return got ? open_apart(got, size) : NULL;
    wf_shm_unmap(got, size); // Linux before 4.17 takes it for a wish
    return NULL;
}

void wf_shm_unmap(void *at, size_t size)
{
    (void)munmap(at, size); // it is a mapping of ours
}

int wf_shm_write(int fd, size_t at, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(at + done));
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int wf_shm_read(int fd, size_t at, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(at + done));
        if (n == 0 || (n < 0 && errno != EINTR))
            return n == 0 ? -EIO : -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

void wf_shm_hide(void *at, size_t size)
{
    (void)madvise(at, size, MADV_DONTDUMP);
}

// The kernel would not refuse it: it would end the program, or another, when all is full.
static bool is_beyond_the_machine(size_t size)
{
    struct sysinfo s;
    return sysinfo(&s) == 0 && size / s.mem_unit > s.totalram + s.totalswap;
}

int wf_shm_take(void *at, size_t size)
{
    if (is_beyond_the_machine(size))
        return -ENOMEM;
    int rc;
    do
        rc = madvise(at, size, MADV_POPULATE_WRITE);
    while (rc < 0 && errno == EINTR);
    if (rc < 0 && errno != EINVAL)
        return -ENOMEM;
    (void)madvise(at, size, MADV_DODUMP);
    return 0;
}

void wf_shm_give_back(void *at, size_t size)
{
    (void)madvise(at, size, MADV_DONTDUMP);
    (void)madvise(at, size, MADV_REMOVE); // cannot fail: a shared mapping of a file without a name
}
