// SPDX-License-Identifier: MIT
// disk_helpers.h - for tests of what is written: a folder of the test's own, and a disk that is
// full.
#ifndef WEFT_TESTS_DISK_HELPERS_H
#define WEFT_TESTS_DISK_HELPERS_H

#include "folder.h"

#include <sys/fsuid.h>
#include <sys/stat.h>

// Overwritten by the next call but three.
SHARED const char *in_folder(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

SHARED void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

SHARED void assert_file(const char *path, const char *text)
{
    char found[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    read_back(fd, found, sizeof found);
    assert_string_equal(found, text);
}

// How many files are in the folder, those whose names begin with a dot too.
SHARED int files_in_folder(void)
{
    int count = 0;
    DIR *all = opendir(folder);
    assert_non_null(all);
    for (struct dirent *d; (d = readdir(all));)
        count += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    closedir(all);
    return count;
}

SHARED void empty_folder(void)
{
    DIR *all = opendir(folder);
    assert_non_null(all);
    for (struct dirent *d; (d = readdir(all));)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            assert_int_equal(
                unlinkat(dirfd(all), d->d_name, d->d_type == DT_DIR ? AT_REMOVEDIR : 0), 0);
    closedir(all);
}

// From now on a file may have so many bytes: the next is refused with EFBIG, as a full disk would
// with ENOSPC. RLIM_INFINITY ends it.
SHARED void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// Root may write anywhere: this thread's access to files is that of nobody, or root's again.
enum { NOBODY = 65534 };
SHARED void be_nobody(bool nobody)
{
    if (geteuid() == 0)
        (void)setfsuid(nobody ? NOBODY : 0);
}

#endif
