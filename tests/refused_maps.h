// SPDX-License-Identifier: MIT
// refused_maps.h - a kernel that refuses memory, or that something comes between.
//
// The linker's --wrap (tests/meson.build) leads the library's calls of libc here. Each thread's
// wishes are its own: other threads go on.
#ifndef WEFT_TESTS_REFUSED_MAPS_H
#define WEFT_TESTS_REFUSED_MAPS_H

#include "unit.h"

#include <limits.h>

enum call { NO_CALL, CALLOC, MMAP, MADVISE, MPROTECT };

static _Thread_local struct {
    enum call what;
    int advice;              // of madvise: only this; 0: any
    int error;               // 0: it is not refused
    long most;               // so many are; the rest succeed
    size_t larger;           // than so many bytes, or they succeed
    void (*meanwhile)(void); // once, inside the first such call
    int calls;               // such calls, refused or not
    bool accepts_any;        // advice, and follows none
} wish;

static bool is_refused(enum call what, size_t size, int advice)
{
    if (wish.what != what || (wish.advice != 0 && wish.advice != advice))
        return false;
    wish.calls++;
    void (*meanwhile)(void) = wish.meanwhile;
    wish.meanwhile = NULL;
    if (meanwhile)
        meanwhile();
    if (wish.error == 0 || size <= wish.larger || wish.most-- <= 0)
        return false;
    errno = wish.error;
    return true;
}

// How many such calls there were.
SHARED int end_wish(void)
{
    int calls = wish.calls;
    memset(&wish, 0, sizeof wish);
    return calls;
}

SHARED void refuse(enum call what, int advice, int error, long most)
{
    (void)end_wish();
    wish.what = what;
    wish.advice = advice;
    wish.error = error;
    wish.most = most;
}

SHARED void count_calls(enum call what, int advice)
{
    refuse(what, advice, 0, 0);
}

// The definition that follows takes the place of libc's, which is real_NAME in it.
#define IN_PLACE_OF(type, name, ...) \
    type real_##name(__VA_ARGS__) __asm__("__real_" #name); \
    type wrapped_##name(__VA_ARGS__) __asm__("__wrap_" #name); \
    type wrapped_##name(__VA_ARGS__)

IN_PLACE_OF(void *, calloc, size_t n, size_t size)
{
    return is_refused(CALLOC, n * size, 0) ? NULL : real_calloc(n, size);
}

IN_PLACE_OF(void *, mmap, void *at, size_t size, int rights, int flags, int fd, off_t offset)
{
    return is_refused(MMAP, size, 0) ? MAP_FAILED : real_mmap(at, size, rights, flags, fd, offset);
}

IN_PLACE_OF(void *, mmap64, void *at, size_t size, int rights, int flags, int fd, off_t offset)
{
    return wrapped_mmap(at, size, rights, flags, fd, offset);
}

IN_PLACE_OF(int, madvise, void *memory, size_t size, int advice)
{
    if (is_refused(MADVISE, size, advice))
        return -1;
    return wish.accepts_any ? 0 : real_madvise(memory, size, advice);
}

IN_PLACE_OF(int, mprotect, void *memory, size_t size, int rights)
{
    return is_refused(MPROTECT, size, 0) ? -1 : real_mprotect(memory, size, rights);
}

#endif
