// SPDX-License-Identifier: MIT
#include "exec/argument.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/check.h"
#include "core/misuse.h"

enum { LEAST = 1 << 20 }; // below lies nothing of a program, but many a number

static bool is_address(uintptr_t value)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char there;
    return value >= LEAST && !wf_arena_has((const void *)value) &&
           mincore((void *)(value / page * page), 1, &there) == 0;
}

void wf_check_argument(const struct weft_task *what, const void *arg)
{
    if (!wf_checking)
        return;
    for (size_t at = 0; at + sizeof(uintptr_t) <= what->arg_size; at += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, (const char *)arg + at, sizeof word);
        wf_require(!is_address(word),
                   "%s: byte %zu of its argument holds %#lx, an address of this process; another "
                   "one does not have what is there",
                   what->name, at, (unsigned long)word);
    }
}
