// SPDX-License-Identifier: MIT
// folder.c - see folder.h. The lock is flock's, on a file of its own: it belongs to the open file,
// not to the process, so that a second store_open of this process fails like another's; and
// SQLite's own locks would let a second server in until it writes.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "chat/store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/error.h>

static const char *const beside[] = {"", "-wal", "-shm"};
enum { FILES = sizeof beside / sizeof *beside };

char *folder_path(const char *folder, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) >= 0)
        return path;
    (void)weft_fail(-ENOMEM, "%s: out of memory", folder);
    return NULL;
}

static int failed(const char *path)
{
    return weft_fail(-errno, "%s: %s", path, strerror(errno));
}

static int lock_file(const char *folder, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int rc = errno == EWOULDBLOCK
                 ? weft_fail(-EBUSY, "the history in %s is in use by another server", folder)
                 : failed(path);
    (void)close(fd);
    return rc;
}

int folder_lock(const char *folder)
{
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return failed(folder);
    char *path = folder_path(folder, "lock");
    int rc = path ? lock_file(folder, path) : -ENOMEM;
    free(path);
    return rc;
}

int folder_touch(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(path);
    (void)close(fd);
    return 0;
}

void folder_drop(const char *path)
{
    for (size_t i = 0; i < FILES; i++) {
        char *file;
        if (asprintf(&file, "%s%s", path, beside[i]) < 0)
            return; // it is opened again, found wrong again, and then dropped
        (void)unlink(file);
        free(file);
    }
}

long long folder_size(const char *path)
{
    long long size = 0;
    for (size_t i = 0; i < FILES; i++) {
        char file[4096];
        struct stat st;
        (void)snprintf(file, sizeof file, "%s%s", path, beside[i]); // cut, it is not found
        size += stat(file, &st) == 0 ? (long long)st.st_size : 0;
    }
    return size;
}
