// SPDX-License-Identifier: MIT
// limits.c - see limits.h.
#include "common/limits.h"

#include <dirent.h>
#include <sys/resource.h>

long raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1; // then with what we have: who runs out of it says so
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return (long)before;
    return (long)limit.rlim_cur;
}

long count_descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    long count = -3; // ".", ".." and the one of this list
    if (!all)
        return -1;
    while (readdir(all))
        count++;
    (void)closedir(all);
    return count;
}
