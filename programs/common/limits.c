// SPDX-License-Identifier: MIT
#include "common/limits.h"

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
