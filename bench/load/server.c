// SPDX-License-Identifier: MIT
// server.c - start a server, and see from outside what it takes.
#define _GNU_SOURCE // sched_setaffinity
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static void stay_on(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        die("two cores are needed: one for the server, one for its clients");
}

static void become(char **command, int output, pid_t parent)
{
    stay_on(0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) // it ended before that
        _exit(1);
    dup2(output, STDOUT_FILENO);
    execvp(command[0], command);
    _exit(NOT_HERE);
}

// The first line: a port or two.
static void learn_ports(struct server *s, int output)
{
    char line[64];
    FILE *f = fdopen(output, "r");
    if (!f || !fgets(line, sizeof line, f)) {
        int status;
        waitpid(s->pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
            exit(NOT_HERE);
        die("the server ended before it said its port");
    }
    if (sscanf(line, "%d %d", &s->ports[0], &s->ports[1]) < 1)
        die("the server's first line is no port");
    fclose(f);
}

static void launch(struct server *s, char **command, int output)
{
    pid_t self = getpid();
    s->pid = fork();
    if (s->pid < 0)
        die("fork");
    if (s->pid == 0)
        become(command, output, self);
    stay_on(1);
    if (clock_getcpuclockid(s->pid, &s->cpu) != 0)
        die("the server's clock");
}

void server_start(struct server *s, char **command)
{
    int output[2];
    if (pipe(output) < 0)
        die("pipe");
    launch(s, command, output[1]);
    close(output[1]);
    learn_ports(s, output[0]);
}

void server_start_silent(struct server *s, char **command)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    launch(s, command, nowhere);
    close(nowhere);
}

bool server_has_ended(const struct server *s)
{
    return waitpid(s->pid, NULL, WNOHANG) == s->pid;
}

void server_end(struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

double server_cpu_ns(const struct server *s)
{
    struct timespec used;
    if (clock_gettime(s->cpu, &used) < 0)
        die("the server has ended");
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

double server_memory(const struct server *s)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
    return memory_of(path);
}

static double switches_of(const char *status)
{
    char line[128];
    double count = 0;
    FILE *f = fopen(status, "re");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strstr(line, "ctxt_switches:"); // voluntary_ and nonvoluntary_
        if (colon)
            count += strtod(strchr(colon, ':') + 1, NULL);
    }
    if (f)
        fclose(f);
    return count;
}

double server_switches(const struct server *s)
{
    char path[PATH_MAX];
    double count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)s->pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        die("the server has ended");
    for (struct dirent *task; (task = readdir(tasks));)
        if (task->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)s->pid, task->d_name);
            count += switches_of(path);
        }
    closedir(tasks);
    return count;
}

// Less than a hundredth of its core, for a tenth of a second; or two seconds have passed.
void server_settle(const struct server *s)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    for (int i = 0; i < 20; i++) {
        double before = server_cpu_ns(s);
        nanosleep(&moment, NULL);
        if (server_cpu_ns(s) - before < 1e6)
            return;
    }
}
