// SPDX-License-Identifier: MIT
// process_helpers.h - what the tests of processes share: ways to die, and who is there.
#ifndef WEFT_TESTS_PROCESS_HELPERS_H
#define WEFT_TESTS_PROCESS_HELPERS_H

#include "exec_helpers.h"

SHARED int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

SHARED weft_pool *pool_of(int workers)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = workers);
    assert_non_null(pool);
    return pool;
}

// One that has an end, and closes it.
struct bearer {
    weft_end end;
};

SHARED int bear_end(const struct bearer *b, weft_none *none)
{
    (void)none;
    weft_end end = b->end;
    weft_end_close(&end);
    return 0;
}
WEFT_TASK(bear_end, struct bearer, weft_none, .ends = {WEFT_END(struct bearer, end)});

// ---- ways to die -------------------------------------------------------------------------

enum death {
    BY_SEGV,
    BY_BUS,
    BY_FPE,
    BY_ILL,
    BY_TERM,
    BY_KILL,
    BY_ABORT,
    BY_HEAP,
    BY_QUICK_EXIT,
    BY_SILENT_EXIT,
    BY_EXIT,
    DEATHS
};

SHARED void touch_nothing(void)
{
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)page = 1;
}

SHARED void touch_beyond_a_file(void)
{
    int fd = memfd_create("empty", MFD_CLOEXEC);
    *(volatile char *)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) = 1;
}

// The allocator finds out. That of a thread sanitizer does not.
SHARED void spoil_the_heap(void)
{
    char *volatile block = malloc(24), *volatile next = malloc(24);
    volatile size_t beyond = 48;
    memset(block, 'x', beyond);
    free(next);
    free(block);
    abort();
}

SHARED int die(const int *how, weft_none *none)
{
    static const int signals[DEATHS] = {
        [BY_FPE] = SIGFPE, [BY_ILL] = SIGILL, [BY_TERM] = SIGTERM, [BY_KILL] = SIGKILL};
    static void (*const ways[DEATHS])(void) = {[BY_SEGV] = touch_nothing,
                                               [BY_BUS] = touch_beyond_a_file,
                                               [BY_ABORT] = abort,
                                               [BY_HEAP] = spoil_the_heap};
    (void)none;
    if (signals[*how])
        raise(signals[*how]);
    if (ways[*how])
        ways[*how]();
    if (*how != BY_EXIT)
        _exit(*how == BY_QUICK_EXIT ? 3 : 0);
    exit(4);
}
WEFT_TASK(die, int, weft_none);

// It notices no request to stop.
SHARED int never_return(const weft_none *none, weft_none *out)
{
    for (;;)
        nap_ms(*none + *out + 1000);
    return 0;
}
WEFT_TASK(never_return, weft_none, weft_none);

// Of the task's error, just taken. A sanitizer turns some signals into a status of its own.
SHARED void assert_death_is_named(int how)
{
    static const char *const names[DEATHS] = {
        [BY_SEGV] = "was killed by SIGSEGV (Segmentation fault)",
        [BY_BUS] = "was killed by SIGBUS (Bus error)",
        [BY_FPE] = "was killed by SIGFPE",
        [BY_ILL] = "was killed by SIGILL",
        [BY_TERM] = "was killed by SIGTERM (Terminated)",
        [BY_KILL] = "was killed by SIGKILL (Killed)",
        [BY_ABORT] = "was killed by SIGABRT (Aborted)",
        [BY_HEAP] = "was killed by SIGABRT (Aborted)",
        [BY_QUICK_EXIT] = "ended with status 3",
        [BY_SILENT_EXIT] = "ended with status 0",
        [BY_EXIT] = "ended with status 4"};
    bool named = strstr(weft_error(), names[how]) != NULL;
    bool changed = SANITIZED && strstr(weft_error(), "ended with status") != NULL;
    if (!named && !changed)
        fail_msg("%s: %s", names[how], weft_error());
    assert_non_null(strstr(weft_error(), "die"));
}

// ---- who is there ------------------------------------------------------------------------

// As /proc says it: 'R', 'S', 'T' for one that is stopped...; 'X' if nobody has this pid.
SHARED char state_of(pid_t pid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 'X';
    bool read_it = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *state = read_it ? strrchr(line, ')') : NULL;
    return state ? state[2] : 'X';
}

// Zombies count as gone: in a container nobody may reap what its parent left behind.
SHARED bool is_gone(pid_t pid)
{
    char state = state_of(pid);
    return state == 'Z' || state == 'X';
}

// Within a time that only a hanging process exceeds.
SHARED bool goes(pid_t pid)
{
    for (int ms = 0; ms < 10000; ms += 5) {
        if (is_gone(pid))
            return true;
        nap_ms(5);
    }
    return false;
}

SHARED pid_t parent_of(pid_t pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    bool read_it = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    return read_it ? (pid_t)strtol(strrchr(line, ')') + 4, NULL, 10) : -1;
}

// The ancestor that forked this worker; -1 if it is gone: the worker may be another's child now.
SHARED pid_t ancestor_of(pid_t worker)
{
    pid_t parent = parent_of(worker);
    return parent > 1 && parent_of(parent) == getpid() ? parent : -1;
}

// What is known of the process once its task has begun.
SHARED struct weft_info await_begun(const weft_future *f)
{
    struct weft_info info;
    do {
        weft_inspect(f, &info);
        nap_ms(1);
    } while (info.pid == 0 && !weft_done(f));
    return info;
}

#endif
