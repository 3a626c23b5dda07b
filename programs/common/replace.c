// SPDX-License-Identifier: MIT
// replace.c - a file that is put in its place when it is whole.
//
// The new file lies in the folder of the old, because rename() works within one file system only.
// Its name begins with a dot and is made with O_EXCL: two that write the same report do not share
// one. O_TMPFILE, which leaves nothing behind even after kill -9, cannot replace a file that is
// there (linkat refuses); the scratch file uses it in spirit: it loses its name at once.
#define _GNU_SOURCE
#include "common/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/error.h>

enum { TRIES = 100 }; // names that others have

struct replace {
    char *shown;  // as the caller wrote it
    char *path;   // links followed
    char *beside; // NULL: written in place
    FILE *stream;
    mode_t mode; // of what was there; 0: nothing was
};

static int failed(const char *path, int error)
{
    return weft_fail(-error, "cannot write %s: %s", path, strerror(error));
}

// ---- where it goes ---------------------------------------------------------------

struct place {
    char path[PATH_MAX]; // links followed; what is not there has none
    mode_t mode;         // 0: nothing is there
};

// A link to a file that is not there yet is replaced itself: there is nothing else to do with it.
// A pipe may have no path but that of its descriptor, which links to no file: "/dev/fd/63".
static int find_place(const char *path, struct place *place)
{
    struct stat st;
    *place = (struct place){0};
    if (path[0] == '\0')
        return -ENOENT;
    if (strlen(path) >= sizeof place->path)
        return -ENAMETOOLONG;
    memcpy(place->path, path, strlen(path) + 1);
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    place->mode = st.st_mode;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (access(path, W_OK) < 0 || (S_ISREG(st.st_mode) && !realpath(path, place->path)))
        return -errno;
    return 0;
}

static bool is_replaced(const struct place *place)
{
    return place->mode == 0 || S_ISREG(place->mode);
}

// "folder/.name.123.part", the caller's to free; NULL: out of memory.
static char *name_beside(const char *path, int attempt)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0;
    const char *name = path + folder;
    char *beside;
    // Not longer than a name may be, whatever that of the file.
    int size = asprintf(&beside, "%.*s.%.200s.%ld-%d.part", folder, path, name, (long)getpid(),
                        attempt);
    return size < 0 ? NULL : beside;
}

// A new file beside the path: its descriptor, and its name in *beside; or -errno.
static int open_beside(const char *path, char **beside)
{
    for (int attempt = 0; attempt < TRIES; attempt++) {
        *beside = name_beside(path, attempt);
        if (!*beside)
            return -ENOMEM;
        int fd = open(*beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            return fd;
        int error = errno;
        free(*beside);
        *beside = NULL;
        if (error != EEXIST)
            return -error;
    }
    return -EEXIST;
}

int replace_check(const char *path)
{
    struct place place;
    int rc = find_place(path, &place);
    if (rc == 0 && is_replaced(&place)) {
        char *beside = NULL;
        rc = open_beside(place.path, &beside);
        if (rc >= 0) {
            (void)close(rc);
            (void)unlink(beside);
            rc = 0;
        }
        free(beside);
    }
    return rc < 0 ? failed(path, -rc) : 0;
}

// ---- streams ---------------------------------------------------------------------

static FILE *stream_of(int fd, const char *mode)
{
    FILE *stream = fdopen(fd, mode);
    if (!stream)
        (void)close(fd);
    return stream;
}

FILE *replace_scratch(const char *path)
{
    struct place place;
    char *beside = NULL;
    int fd = find_place(path, &place);
    if (fd == 0)
        fd = open_beside(is_replaced(&place) ? place.path : "/tmp/weft", &beside);
    if (fd >= 0)
        (void)unlink(beside);
    free(beside);
    FILE *stream = fd >= 0 ? stream_of(fd, "w+") : NULL;
    if (!stream)
        failed(path, fd < 0 ? -fd : ENOMEM);
    return stream;
}

static int open_stream(struct replace *r, const struct place *place)
{
    int fd = is_replaced(place) ? open_beside(r->path, &r->beside)
                                : open(r->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return is_replaced(place) ? fd : -errno;
    r->stream = stream_of(fd, "w");
    return r->stream ? 0 : -ENOMEM;
}

static void discard(struct replace *r)
{
    if (r->stream)
        (void)fclose(r->stream); // nobody wants it
    if (r->beside)
        (void)unlink(r->beside);
    free(r->beside);
    free(r->path);
    free(r->shown);
    free(r);
}

struct replace *replace_open(const char *path)
{
    struct place place;
    int rc = find_place(path, &place);
    struct replace *r = rc == 0 ? calloc(1, sizeof *r) : NULL;
    if (!r)
        goto fail;
    r->shown = strdup(path);
    r->path = strdup(place.path);
    r->mode = place.mode;
    rc = r->shown && r->path ? open_stream(r, &place) : -ENOMEM;
    if (rc == 0)
        return r;
    discard(r);
fail:
    failed(path, rc < 0 ? -rc : ENOMEM);
    return NULL;
}

FILE *replace_stream(struct replace *r)
{
    return r->stream;
}

// ---- the end ---------------------------------------------------------------------

// On the disk before it is in its place: else a power cut could leave an empty file there.
static int put_in_place(struct replace *r)
{
    int fd = fileno(r->stream);
    if (r->mode != 0 && fchmod(fd, r->mode & 07777) < 0)
        return -errno;
    if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP) // a file system that cannot
        return -errno;
    if (rename(r->beside, r->path) < 0)
        return -errno;
    free(r->beside);
    r->beside = NULL;
    return 0;
}

// stdio remembers that a write failed, but not why. What could not be written is still in its
// buffer, so that it fails once more, and says why.
int replace_flush(FILE *stream)
{
    bool earlier = ferror(stream);
    errno = 0;
    if (fflush(stream) == 0 && !earlier)
        return 0;
    return errno != 0 ? -errno : -EIO;
}

int replace_close(struct replace **r, bool keep)
{
    if (!*r)
        return 0;
    int rc = 0;
    if (keep) {
        rc = replace_flush((*r)->stream);
        if (rc == 0 && (*r)->beside)
            rc = put_in_place(*r);
        if (rc < 0)
            failed((*r)->shown, -rc);
    }
    discard(*r);
    *r = NULL;
    return rc;
}
