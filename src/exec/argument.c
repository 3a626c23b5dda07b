// SPDX-License-Identifier: MIT
// argument.c - WEFT_CHECK=1 looks for addresses in what goes to another process.
//
// It is a guess: bytes that nobody reads, as those behind the end of a text, may hold an address
// that lay there before, and a number may look like one. So it is said, once for each function, and
// the program goes on.
#include "exec/argument.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/misuse.h"
#include "exec/modules.h"
#include "os/atomic.h"
#include "os/fault.h"

enum { LEAST = 1 << 20 }; // below lies nothing of a program, but many a number
enum { LINE = 512, TOLD = 256 };

static bool is_address(uintptr_t value)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char there;
    return value >= LEAST && !wf_arena_hands_on((const void *)value) &&
           mincore((void *)(value / page * page), 1, &there) == 0;
}

// ---- of what ----------------------------------------------------------------------------

static const char *kind_of_mapping(const char *line, uintptr_t begin, uintptr_t end)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (strstr(line, "[stack]") || (here >= begin && here < end))
        return "a stack";
    if (strstr(line, "[heap]"))
        return "the heap";
    return strchr(line, '/') ? "a mapped file" : "the memory";
}

static const char *kind_of(uintptr_t address)
{
    struct wf_symbol symbol;
    const char *kind = "the memory";
    if (wf_modules_name((const void *)address, &symbol))
        return "the code or data";
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[LINE];
    while (maps && fgets(line, sizeof line, maps)) {
        uintptr_t begin, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2 && address >= begin &&
            address < end) {
            kind = kind_of_mapping(line, begin, end);
            break;
        }
    }
    if (maps)
        (void)fclose(maps);
    return kind;
}

// ---- is said ----------------------------------------------------------------------------

// The first time for this one. Of more functions than there is room for, nothing is said.
static bool is_news(const struct weft_task *what)
{
    static const struct weft_task *told[TOLD]; // atomic; filled from the front, never emptied
    for (int i = 0; i < TOLD; i++) {
        const struct weft_task *there = NULL;
        if (wf_cas(&told[i], &there, what, WF_RELAXED))
            return true;
        if (there == what)
            return false;
    }
    return false;
}

static void say(const char *where, uintptr_t word)
{
    char line[LINE];
    int n = snprintf(line, sizeof line,
                     "weft: %s holds %#lx, which looks like an address in %s of this process; "
                     "another one does not have what is there\n",
                     where, (unsigned long)word, kind_of(word));
    if (n > 0 && n < LINE)
        wf_say(line, (size_t)n);
}

static void say_of_argument(const struct weft_task *what, size_t at, uintptr_t word)
{
    char where[LINE / 2];
    (void)snprintf(where, sizeof where, "%s: byte %zu of its argument", what->name, at);
    say(where, word);
}

void wf_check_argument(const struct weft_task *what, const void *arg)
{
    if (!wf_checking)
        return;
    for (size_t at = 0; at + sizeof(uintptr_t) <= what->arg_size; at += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, (const char *)arg + at, sizeof word);
        if (is_address(word) && is_news(what))
            say_of_argument(what, at, word);
    }
}

void wf_check_ctx(const char *pool, const void *ctx)
{
    if (!wf_checking || !is_address((uintptr_t)ctx) || wf_modules_is_linked(ctx))
        return;
    char where[LINE / 2];
    (void)snprintf(where, sizeof where, "pool %s: ctx", pool);
    say(where, (uintptr_t)ctx);
}
