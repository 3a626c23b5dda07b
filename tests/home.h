// SPDX-License-Identifier: MIT
// home.h - a folder of a test program's own, with folders in it. It goes with the program, and with
// it what a failed test left there.
#ifndef WEFT_TESTS_HOME_H
#define WEFT_TESTS_HOME_H

#include "unit.h"

#include <ftw.h>
#include <sys/stat.h>

static char home[] = "/tmp/weft-test-XXXXXX"; // made before the first test

SHARED int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

// Others may look into it: some tests go on as another user.
SHARED int make_home(void **state)
{
    (void)state;
    return mkdtemp(home) && chmod(home, 0755) == 0 ? 0 : -1;
}

SHARED int remove_home(void **state)
{
    (void)state;
    return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define TEST_MAIN_AT_HOME(tests, scenes, count) \
    TEST_MAIN_AROUND(tests, scenes, count, make_home, remove_home)

#endif
