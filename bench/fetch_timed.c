// SPDX-License-Identifier: MIT
// fetch_timed - run a command and print what it took, itself and nobody else.
//
//     fetch_timed FILE COMMAND...
//
// What it prints goes into the file. Small, as the kernel counts what a process had before it
// became another program as if that one had had it: Python's memory would hide a small peer's.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

static void become(const char *path, char **command)
{
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (out >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        execvp(*command, command);
    perror(*command);
    _exit(127);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: fetch_timed FILE COMMAND...");
    double begin = now_ns();
    pid_t child = fork();
    if (child == 0)
        become(argv[1], argv + 2);
    int status = 1;
    struct rusage used = {0};
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        die("the command cannot be run");
    printf("wall %.6f\n", (now_ns() - begin) / 1e9);
    printf("cpu %.6f\n", seconds(used.ru_utime) + seconds(used.ru_stime));
    printf("user %.6f\n", seconds(used.ru_utime));
    printf("rss %ld\n", used.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
