// SPDX-License-Identifier: MIT
// cores.c - how many processors this process may really use.
//
// The affinity mask bounds which, a cgroup's quota bounds how much time. Both are honoured, since
// in a container with two of 64 processors' time, 64 workers only get in each other's way.
#define _GNU_SOURCE // CPU_COUNT_S
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/thread.h"

enum { MOST_CPUS = 1 << 16 };

static int cores_by_affinity(void)
{
    for (size_t cpus = 1024; cpus <= MOST_CPUS; cpus *= 2) { // EINVAL: the kernel's mask is larger
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            return 1;
        size_t size = CPU_ALLOC_SIZE(cpus);
        int n = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        int error = n > 0 ? 0 : errno;
        CPU_FREE(set);
        if (n > 0)
            return n;
        if (error != EINVAL)
            break;
    }
    return 1;
}

// The first bytes of a file, as text. False: it cannot be read.
static bool read_text(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, cap - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

// The quota in one cgroup-v2 folder, rounded up: "max 100000" or "150000 100000" (two). INT_MAX
// where there is none.
static int cores_by_quota(const char *folder)
{
    char path[PATH_MAX], text[64];
    long long quota = 0, period = 0;
    int n = snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
    if (n < 0 || (size_t)n >= sizeof path || !read_text(path, text, sizeof text))
        return INT_MAX;
    if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0)
        return INT_MAX;
    long long cores = (quota + period - 1) / period;
    return cores < INT_MAX ? (int)cores : INT_MAX;
}

// The least quota of our cgroup and all above it.
static int cores_by_cgroup(void)
{
    char text[PATH_MAX];
    int least = cores_by_quota("");
    if (!read_text("/proc/self/cgroup", text, sizeof text))
        return least;
    char *folder = strncmp(text, "0::/", 4) == 0 ? text + 3 : strstr(text, "\n0::/");
    if (!folder)
        return least; // cgroup v1 only: its quota is not looked at
    if (folder != text + 3)
        folder += 4;
    folder[strcspn(folder, "\n")] = '\0';
    for (;;) {
        int cores = cores_by_quota(folder);
        least = cores < least ? cores : least;
        char *slash = strrchr(folder, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

int wf_thread_cores(void)
{
    int by_affinity = cores_by_affinity();
    int by_quota = cores_by_cgroup();
    return by_quota < by_affinity ? by_quota : by_affinity;
}
