// SPDX-License-Identifier: MIT
// hub_fuzz.c - the whole server as a machine with states, and clients who do anything (world.h).
//
// The input is text, so that transcripts can be made inputs (seeds.py), and a find be read. A line
// is a step, its first byte says which:
//
//     0 to 7    a client says the rest of it; it connects if it must
//     a to h    the same, with a label, which must be answered once
//     A to H    a client comes with all capabilities, and joins #r
//     I to P    its connection ends
//     i to p    it reads slowly from now on
//     .         what was to be kept is on disk; / the disk is full
//     w N       the clock goes on, 2^N ms
//     r N       other settings
//
// After each step everything is looked at.
#include <errno.h>
#include <string.h>

#include "world.h"

enum { STEPS = 300, LATEST_WAIT = 20 };

static const uint8_t *at, *end;
static int steps;

static unsigned number_in(const uint8_t *line, size_t size)
{
    unsigned n = 0;
    for (size_t i = 0; i < size; i++)
        if (line[i] >= '0' && line[i] <= '9')
            n = (n * 10 + line[i] - '0') % 100;
    return n;
}

static void play(const uint8_t *line, size_t size)
{
    uint8_t what = line[0];
    const char *rest = (const char *)line + 1;
    size--;
    if (what >= '0' && what <= '7')
        world_say(what - '0', rest, size, false);
    else if (what >= 'a' && what <= 'h')
        world_say(what - 'a', rest, size, true);
    else if (what >= 'A' && what <= 'H')
        world_enter(what - 'A');
    else if (what >= 'I' && what <= 'P')
        world_close(what - 'I');
    else if (what >= 'i' && what <= 'p')
        world_slow(what - 'i');
    else if (what == '.')
        world_settle(0);
    else if (what == '/')
        world_settle(-ENOSPC);
    else if (what == 'w')
        world_wait(INT64_C(1) << number_in(line, size + 1) % LATEST_WAIT);
    else if (what == 'r')
        world_rehash(number_in(line, size + 1));
}

// False: there are no more.
static bool next_step(void)
{
    if (at >= end || steps++ >= STEPS)
        return false;
    const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
    const uint8_t *stop = newline ? newline : end, *line = at;
    at = stop + 1;
    if (stop > line)
        play(line, (size_t)(stop - line));
    return true;
}

void world_meanwhile(void)
{
    (void)next_step(); // or nobody does anything
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    at = data;
    end = data + size;
    steps = 0;
    world_begin();
    while (next_step())
        world_check();
    world_settle(0);
    world_check();
    world_end();
    return 0;
}
