// SPDX-License-Identifier: MIT
// exceptions_test.cc - exceptions of C++ stay with the fiber that handles them, or throws them. In
// the runtime they belong to the thread, which all these fibers share.
#include <weft/weft.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>

static constexpr int fibers = 8, rounds = 50;

// Thrown, caught, and thrown on, with others doing the same in each wait.
static int catches_its_own(const int *own, weft_none *)
{
    for (int i = 0; i < rounds; i++) {
        try {
            try {
                throw *own;
            } catch (int) {
                weft_yield();
                throw;
            }
        } catch (int caught) {
            if (caught != *own)
                return weft_fail(-EINVAL, "threw %d, and caught %d", *own, caught);
        } catch (const std::string &other) {
            return weft_fail(-EINVAL, "threw %d, and caught %s", *own, other.c_str());
        }
        if (std::current_exception())
            return weft_fail(-EINVAL, "one is left that was handled");
    }
    return 0;
}
WEFT_TASK(catches_its_own, int, weft_none);

// Sleeps while it handles one.
static int handles_one_for_long(const int *own, weft_none *)
{
    const std::string text = "text of " + std::to_string(*own);
    try {
        throw text;
    } catch (const std::string &caught) {
        for (int i = 0; i < rounds; i++) {
            (void)weft_sleep(weft_after_ms(i % 2));
            weft_yield();
            try {
                std::rethrow_exception(std::current_exception());
            } catch (const std::string &current) {
                if (current != text || caught != text)
                    return weft_fail(-EINVAL, "%s became %s", text.c_str(), current.c_str());
            } catch (...) {
                return weft_fail(-EINVAL, "%s became another's", text.c_str());
            }
        }
    }
    return 0;
}
WEFT_TASK(handles_one_for_long, int, weft_none);

struct waits_when_destroyed {
    ~waits_when_destroyed()
    {
        weft_yield();
    }
};

// Waits between throw and catch: others are not throwing then.
static int unwinds(const int *, weft_none *)
{
    for (int i = 0; i < rounds; i++) {
        if (std::uncaught_exceptions() != 0)
            return weft_fail(-EINVAL, "another's counts here");
        try {
            waits_when_destroyed w;
            throw 1;
        } catch (int) {
        }
        weft_yield();
    }
    return 0;
}
WEFT_TASK(unwinds, int, weft_none);

// Throws and catches on the thread's stack, while its fiber handles another.
static void throw_there(void *arg)
{
    try {
        throw 2;
    } catch (int n) {
        *static_cast<bool *>(arg) = n == 2 && std::uncaught_exceptions() == 0;
    }
    if (std::current_exception())
        *static_cast<bool *>(arg) = false;
}

static int calls_while_it_handles(const int *i, weft_none *)
{
    for (int round = 0; round < rounds; round++) {
        try {
            throw *i;
        } catch (int n) {
            bool right = false;
            weft_on_thread_stack(throw_there, &right);
            weft_yield();
            if (!right || n != *i || !std::current_exception())
                return weft_fail(-EINVAL, "another's exception");
        }
    }
    return 0;
}
WEFT_TASK(calls_while_it_handles, int, weft_none);

static bool all_end_well(weft_future **futures, const char *what)
{
    bool well = true;
    for (int i = 0; i < fibers; i++) {
        if (weft_join(&futures[i], nullptr, 0) == 0)
            continue;
        std::printf("# %s\n", weft_error());
        well = false;
    }
    static int number = 0;
    std::printf("%sok %d - %s\n", well ? "" : "not ", ++number, what);
    return well;
}

// All on one loop.
static int main_fiber(const int *, weft_none *)
{
    weft_future *f[fibers];
    std::puts("1..3");
    for (int i = 0; i < fibers; i++)
        f[i] = i % 2 ? weft_start(WEFT_FIBERS, catches_its_own, &i)
                     : weft_start(WEFT_FIBERS, handles_one_for_long, &i);
    bool well = all_end_well(f, "what is handled stays with its fiber over waits");
    for (int i = 0; i < fibers; i++)
        f[i] = weft_start(WEFT_FIBERS, unwinds, &i);
    well = all_end_well(f, "what is thrown counts for its fiber alone") && well;
    for (int i = 0; i < fibers; i++)
        f[i] = weft_start(WEFT_FIBERS, calls_while_it_handles, &i);
    well = all_end_well(f, "what is thrown on the thread's stack stays there") && well;
    return well ? 0 : -EINVAL;
}
WEFT_TASK(main_fiber, int, weft_none);

int main()
{
    int none = 0;
    weft_future *f = weft_start(WEFT_FIBERS, main_fiber, &none);
    return weft_join(&f, nullptr, 0) == 0 ? 0 : 1;
}
