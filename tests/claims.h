// SPDX-License-Identifier: MIT
// claims.h - what is claimed where cmocka's assertions must not jump: in a task, a thread, a child,
// a scene. Part of unit.h.
#ifndef WEFT_TESTS_CLAIMS_H
#define WEFT_TESTS_CLAIMS_H

#include <dirent.h>

enum { FAILED = 99 }; // what CHECK returns; no call of weft does

SHARED int check_failed(const char *file, int line, const char *claim)
{
    dprintf(2, "%s:%d: not so: %s (%d: %s)\n", file, line, claim, weft_error_code(), weft_error());
    return FAILED;
}

#define CHECK(claim) \
    do { \
        if (!(claim)) \
            return check_failed(__FILE__, __LINE__, #claim); \
    } while (0)

// Does the claim become true, within twenty seconds?
#define eventually(claim) \
    __extension__({ \
        int patience_ = 20000; \
        while (!(claim) && --patience_ > 0) \
            nap_ms(1); \
        patience_ > 0; \
    })

// How many this process has.
SHARED int open_descriptors(void)
{
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    if (!all)
        return -1;
    for (struct dirent *d; (d = readdir(all));)
        count += d->d_name[0] != '.';
    closedir(all);
    return count - 1; // without the one that looked
}

#endif
