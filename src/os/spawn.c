// SPDX-License-Identifier: MIT
// spawn.c - see spawn.h. By posix_spawn, because fork takes longer the more memory a program has.
#define _GNU_SOURCE // posix_spawn_file_actions_addclosefrom_np, environ
#include "os/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// The environment with one more line. The caller frees the array; the lines are the program's.
static char **environment_with(char *line)
{
    size_t n = 0;
    while (environ && environ[n])
        n++;
    char **with = malloc((n + 2) * sizeof *with);
    if (!with)
        return NULL;
    if (n > 0)
        memcpy(with, environ, n * sizeof *with);
    with[n] = line;
    with[n + 1] = NULL;
    return with;
}

static int prepare(posix_spawnattr_t *attr, posix_spawn_file_actions_t *actions, int fd)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, fd, WF_SPAWN_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, WF_SPAWN_FD + 1);
    return rc;
}

int wf_spawn_self(const char *title, int fd, pid_t *pid)
{
    char line[64], name[WF_SPAWN_TITLE + 1];
    (void)snprintf(line, sizeof line, "%s=%d", WF_SPAWN_VARIABLE, WF_SPAWN_FD);
    (void)snprintf(name, sizeof name, "%-*s", WF_SPAWN_TITLE, title);
    char *argv[] = {name, NULL};
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t actions;
    char **with = environment_with(line);
    if (!with || posix_spawnattr_init(&attr) != 0) {
        free(with);
        return -ENOMEM;
    }
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        rc = prepare(&attr, &actions, fd);
        if (rc == 0)
            rc = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, with);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    (void)posix_spawnattr_destroy(&attr);
    free(with);
    return -rc;
}

// Nobody but us passes this: a variable that somebody set by hand finds no such socket.
static bool is_our_socket(int fd)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX)
        return false;
    size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

static size_t title_room; // what the first argument was

static bool find_out(void)
{
    const char *value = getauxval(AT_SECURE) != 0 ? NULL : getenv(WF_SPAWN_VARIABLE);
    char expected[16];
    (void)snprintf(expected, sizeof expected, "%d", WF_SPAWN_FD);
    if (!value || strcmp(value, expected) != 0)
        return false;
    (void)unsetenv(WF_SPAWN_VARIABLE);
    title_room = strlen(program_invocation_name);
    return is_our_socket(WF_SPAWN_FD);
}

// Constructors ask, whose order nobody knows.
bool wf_spawn_was(void)
{
    static bool asked, was;
    was = asked ? was : find_out();
    asked = true;
    return was;
}

void wf_spawn_reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

// Without printf, whose pages a new process would touch for this alone.
void wf_spawn_set_title(const char *title)
{
    (void)prctl(PR_SET_NAME, title);
    if (title_room < WF_SPAWN_TITLE)
        return; // a wrapper has changed the arguments
    size_t size = strlen(title) + 1;
    memcpy(program_invocation_name, title, size);
    memset(program_invocation_name + size, 0, title_room - size);
}

// ---- the stack --------------------------------------------------------------------------
// The kernel lets the first stack grow to the soft limit of the moment, but keeps free below it
// only what that was at the start of the program, and some: 128 MiB and more, unless the addresses
// that it drew by chance are next to each other. So who wants more than the limit looks first.

enum { SPACE = 128 << 20 };

size_t wf_spawn_most_stack(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) < 0)
        return 0;
    rlim_t most = limit.rlim_cur > SPACE ? limit.rlim_cur : SPACE;
    return most < limit.rlim_max ? most : limit.rlim_max;
}

static bool is_free(uintptr_t begin, uintptr_t end)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    begin -= begin % page;
    end -= end % page;
    void *at = mmap((void *)begin, end - begin, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    (void)munmap(at, end - begin);
    return at == (void *)begin; // a kernel before 4.17 takes it for a hint
}

int wf_spawn_let_stack_grow(size_t size)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) < 0)
        return -errno;
    if (size <= limit.rlim_cur)
        return 0;
    if (!is_free(here - size, here - limit.rlim_cur))
        return -ENOMEM;
    limit.rlim_cur = size;
    return setrlimit(RLIMIT_STACK, &limit) < 0 ? -errno : 0;
}
