// SPDX-License-Identifier: MIT
#include "common/limits.h"

#include <sys/resource.h>

void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return; // then with what we have: who runs out of it says so
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); // likewise
}
