// SPDX-License-Identifier: MIT
// processes_c.c - fork, exit and wait, and nothing else: processes_c ROW prints microseconds.
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { STARTS = 201 };

static double start(void)
{
    static double figures[STARTS];
    for (int i = 0; i < STARTS; i++) {
        double begin = now_ns();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            (void)die("fork");
        figures[i] = now_ns() - begin;
    }
    return median(figures, STARTS) / 1e3;
}

static const struct row rows[] = {{"start", start}};

int main(int argc, char **argv)
{
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
