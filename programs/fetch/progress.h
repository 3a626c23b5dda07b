// SPDX-License-Identifier: MIT
// progress.h - one line on a terminal that says how far a run is, and is always the last one there.
//
//     12 of 100 pages, 1 failed, 5 under way, 3.41M, 1.20M/s, 0:12 left
//
//     struct progress p;
//     progress_open(&p, stderr, weft_now().ns);
//     ...
//     progress_show(&p, &now, weft_now().ns); // as often as one likes: it draws ten times a second
//     progress_clear(&p);                     // before anything else is printed on the terminal
//
// Where stderr is no terminal, or a dumb one (TERM), nothing is ever printed. It has no colors, so
// NO_COLOR asks for nothing. The time is the caller's, in nanoseconds of any clock that only goes
// forward. Called by one task; blocks only as a write to a terminal does.
#ifndef WEFT_PROGRAMS_FETCH_PROGRESS_H
#define WEFT_PROGRAMS_FETCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PROGRESS_NS = 100000000, PROGRESS_SAMPLES = 32 };

struct progress_now {
    int64_t done, failed; // failed ones are done too
    int64_t total;        // or -1: not known
    int64_t under_way;    // or -1
    int64_t bytes;        // received, of pages that are not complete too
};

struct progress {
    FILE *out;   // NULL: shows nothing, ever
    int columns; // 0: as many as the terminal has now
    bool shown;
    int64_t begun_ns, drawn_ns;
    struct { // the last times it was drawn, in a ring, for the rate of now
        int64_t ns, bytes;
    } past[PROGRESS_SAMPLES];
    int samples; // so far
};

void progress_open(struct progress *p, FILE *err, int64_t now_ns);
void progress_show(struct progress *p, const struct progress_now *now, int64_t now_ns);
void progress_clear(struct progress *p); // for a zeroed one, or where none is shown, nothing

#endif
