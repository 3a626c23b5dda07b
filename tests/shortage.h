// SPDX-License-Identifier: MIT
// shortage.h - a system that has none left: memory, threads, descriptors.
//
// The linker's --wrap (tests/meson.build) leads the library's calls of libc here, where a thread
// may ask to be refused. So each call can be made to fail at each of the places where it needs
// something, in every build and without harm to the machine. Limits of the process, which we tried
// first, cannot say "the system has no file left", hit the place they like, and mean nothing under
// a sanitizer.
#ifndef WEFT_TESTS_SHORTAGE_H
#define WEFT_TESTS_SHORTAGE_H

#include "net_helpers.h"
#include "refusable.h"

enum resource { NOTHING, MEMORY, THREADS, FILES, CONNECTIONS };

struct shortage {
    enum resource of;
    int error;  // with which the calls fail
    int spared; // so many succeed first
    bool once;  // only one fails
    int refused;
};

// Each thread's own: the library's other threads, and the test's, go on.
static _Thread_local struct shortage shortage;

static bool is_refused(enum resource of)
{
    if (shortage.of != of || shortage.spared-- > 0)
        return false;
    shortage.refused++;
    errno = shortage.error;
    if (shortage.once)
        shortage.of = NOTHING;
    return true;
}

// Ends it. How many calls were refused.
SHARED int end_shortage(void)
{
    int refused = shortage.refused;
    shortage = (struct shortage){.of = NOTHING};
    return refused;
}

// Of a call that returned NULL: its code, if it left a text too.
SHARED int failure(void)
{
    return weft_error()[0] != '\0' ? weft_error_code() : -ENOMSG;
}

SHARED int square(const int *n, int *out)
{
    *out = *n * *n;
    return 0;
}
WEFT_TASK(square, int, int);

// 0, or the code of the call that gave no future, or of its task.
SHARED int square_of(weft_future *f)
{
    int out;
    return f ? weft_join_as(&f, square, &out) : failure();
}

// The definition that follows takes the place of libc's, which is real_NAME in it.
#define IN_PLACE_OF(type, name, ...) \
    type real_##name(__VA_ARGS__) __asm__("__real_" #name); \
    type wrapped_##name(__VA_ARGS__) __asm__("__wrap_" #name); \
    type wrapped_##name(__VA_ARGS__)

#define REFUSED_HERE(of, type, refused, name, takes, gives) \
    IN_PLACE_OF(type, name, BARE takes) \
    { \
        return is_refused(of) ? (refused) : real_##name gives; \
    }
REFUSABLE_CALLS(REFUSED_HERE)

IN_PLACE_OF(int, accept4, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return is_refused(FILES) || is_refused(CONNECTIONS) ? -1
                                                        : real_accept4(fd, address, size, flags);
}

// ---- one thing after the other -----------------------------------------------------------

struct place; // where it happens: each test's own

struct step {
    const char *name;
    int (*call)(struct place *); // 0, or the code of a call that failed
};

// Refuse the first thing that it needs, then the second but not the first... until it lacks none.
// Each time it says so, and has no effect: the last time it must succeed. What it can do without
// (a map's second helper) it may do without.
SHARED void starve(const struct step *step, struct place *p, struct shortage of)
{
    int failed = 0, rc = 0, refused = 0;
    for (int spared = 0; spared == 0 || refused > 0; spared++) {
        (void)weft_fail(-EIO, "something else"); // there is room for a text
        shortage = of;
        shortage.spared = spared;
        rc = step->call(p);
        refused = end_shortage();
        bool told = rc == -of.error && weft_error_code() == rc && weft_error()[0] != '\0';
        failed += refused > 0 && told;
        if (refused > 0 ? !told && rc < 0 : rc < 0)
            fail_msg("%s without thing %d: %d, %s", step->name, spared + 1, rc, weft_error());
    }
    if (failed == 0)
        fail_msg("%s never said what it lacks", step->name);
}

#endif
