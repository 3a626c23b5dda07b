// SPDX-License-Identifier: MIT
// measure.h - what the C and C++ programs of the bench share. Each prints one figure.
#ifndef WEFT_BENCH_MEASURE_H
#define WEFT_BENCH_MEASURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOT_HERE = 77 }; // the status of a program that has no such row

// What two tasks run is one function, as it mostly is, and not a copy for each: else the processor
// mispredicts where a switch returns to, and that costs as much as the switch.
#define NOT_INLINED __attribute__((noinline))

static inline double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline void *die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static inline int compare_figures(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

// Puts them in order.
static inline double median(double *figures, size_t n)
{
    qsort(figures, n, sizeof *figures, compare_figures);
    return figures[n / 2];
}

// What a process has in memory, and the page tables for it; `status` is its file in /proc.
static inline double memory_of(const char *status)
{
    char line[128];
    double rss = 0, tables = 0;
    FILE *f = fopen(status, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            rss = strtod(line + 6, NULL);
        if (strncmp(line, "VmPTE:", 6) == 0)
            tables = strtod(line + 6, NULL);
    }
    if (f)
        fclose(f);
    return (rss + tables) * 1024;
}

static inline double resident_bytes(void)
{
    return memory_of("/proc/self/status");
}

struct row {
    const char *name;
    double (*measure)(void);
};

// The figure of the row that the command line names. The program's status.
static inline int measure_row(const struct row *rows, size_t n, int argc, char **argv)
{
    for (size_t i = 0; i < n; i++)
        if (argc == 2 && strcmp(rows[i].name, argv[1]) == 0) {
            printf("%.1f\n", rows[i].measure());
            return 0;
        }
    return NOT_HERE;
}

#endif
