// SPDX-License-Identifier: MIT
// trace_scenes.c SCENE [KIND] - small programs for trace_file_test.py, run under WEFT_TRACE. What
// they do is what that looks for: the names stand in both. No scene depends on time: who is to
// find another waiting looks until he does.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/weft.h>

#include "core/park.h"

#define require(claim) \
    do { \
        if (!(claim)) { \
            (void)fprintf(stderr, "trace_scenes: line %d: %s\n", __LINE__, weft_error()); \
            _exit(70); \
        } \
    } while (0)

static enum weft_kind kind = WEFT_THREADS;

struct sight {
    const char *task, *call;
    bool seen;
};

static bool look(const struct wf_parker *parker, struct wf_task *task, void *ctx)
{
    struct sight *sight = ctx;
    char text[WF_NAME_MAX];
    sight->seen = strcmp(wf_task_name(task, text), sight->task) == 0 && parker->task == task &&
                  parker->wait && strcmp(parker->wait->what, sight->call) == 0;
    return !sight->seen;
}

static void until_waits(const char *task, const char *call)
{
    struct sight sight = {task, call, false};
    for (wf_tasks_visit(look, &sight); !sight.seen; wf_tasks_visit(look, &sight))
        weft_yield();
}

// ---- post: who waits in weft_get is woken by who puts, who joins by the end of the task --------

static weft_queue *letters;
static weft_sem read_so_far;

static int reader(const int *n, weft_none *none)
{
    (void)none;
    int letter;
    weft_trace_begin("outer");
    for (int i = 0; i < *n; i++) {
        weft_trace_begin("inner");
        require(weft_get(letters, &letter, WEFT_FOREVER) == 0);
        weft_trace_end();
        weft_release(&read_so_far, 1);
    }
    weft_trace_end();
    weft_trace_end(); // nothing is open: nothing happens
    until_waits("MainThread", "weft_join");
    return 0;
}
WEFT_TASK(reader, int, weft_none);

static int writer(const int *n, weft_none *none)
{
    (void)none;
    for (int i = 0; i < *n; i++) {
        until_waits("anna reads", "weft_get");
        weft_trace_mark("posted");
        require(weft_put(letters, &i, WEFT_FOREVER) == 0);
        require(weft_acquire(&read_so_far, WEFT_FOREVER) == 0);
    }
    weft_trace_begin("left open");
    return 0;
}
WEFT_TASK(writer, int, weft_none);

static int post(void)
{
    int n = 3;
    letters = weft_queue_new(sizeof(int), .capacity = 8);
    weft_future *a = weft_start_as(WEFT_WITH(.kind = kind, .name = "anna reads"), reader, &n);
    weft_future *b = weft_start_as(WEFT_WITH(.kind = kind, .name = "bert writes"), writer, &n);
    require(weft_join(&a, NULL, 0) == 0);
    require(weft_join(&b, NULL, 0) == 0);
    weft_queue_free(&letters);
    return 0;
}

// ---- mill: tasks of a pool, one waits for the lock that another holds ---------------------------

static weft_mutex stone;

static weft_event held;

static int grind(const int *n, weft_none *none)
{
    (void)n, (void)none;
    weft_lock(&stone);
    weft_unlock(&stone);
    return 0;
}
WEFT_TASK(grind, int, weft_none);

static int hold(const int *n, weft_none *none)
{
    (void)n, (void)none;
    weft_guard(&stone);
    weft_event_set(&held);
    until_waits("grind", "weft_lock");
    return 0;
}
WEFT_TASK(hold, int, weft_none);

static int mill(void)
{
    weft_pool *pool = weft_pool_open(kind, .workers = 2, .name = "mill");
    require(pool && weft_spawn(pool, hold, &(int){0}) == 0);
    require(weft_event_wait(&held, WEFT_FOREVER) == 0);
    for (int i = 0; i < 4; i++)
        require(weft_spawn(pool, grind, &i) == 0);
    weft_pool_close(&pool);
    return 0;
}

// ---- names: as nobody should choose them ------------------------------------------------------

static int nothing(const int *n, weft_none *none)
{
    (void)n, (void)none;
    return 0;
}
WEFT_TASK(nothing, int, weft_none);

static int names(void)
{
    static const char *const bad[] = {
        "say \"hi\"", "back\\slash",    "tab\tline\nbell\a", "M\xC3\xBCller \xF0\x9F\x98\x80",
        "cut\xC3",    "no\xFF\xC0\x80", "</script>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        weft_future *f = weft_start_as(WEFT_WITH(.kind = kind, .name = bad[i]), nothing, &(int){0});
        require(weft_join(&f, NULL, 0) == 0);
        weft_trace_mark(bad[i]);
    }
    weft_trace_mark(NULL);
    return 0;
}

// ---- processes: one for a task, a pool of them, one that dies ---------------------------

static int tell_pid(const int *n, pid_t *pid)
{
    (void)n;
    weft_trace_begin("in another process");
    weft_trace_end();
    *pid = getpid();
    return 0;
}
WEFT_TASK(tell_pid, int, pid_t);

static int die(const int *n, weft_none *none)
{
    (void)n, (void)none;
    (void)raise(SIGKILL);
    return 0;
}
WEFT_TASK(die, int, weft_none);

static int processes(void)
{
    pid_t pid;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .name = "alone"), tell_pid,
                                   &(int){0});
    require(f && weft_join_as(&f, tell_pid, &pid) == 0);
    printf("%d\n", (int)pid);
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .name = "many");
    for (int i = 0; i < 3; i++) {
        f = weft_submit(pool, tell_pid, &i);
        require(f && weft_join_as(&f, tell_pid, &pid) == 0);
        printf("%d\n", (int)pid);
    }
    f = weft_submit(pool, die, &(int){0});
    require(f && weft_join(&f, NULL, 0) < 0);
    weft_pool_close(&pool);
    return 0;
}

// ---- forked: a child that leaves as a program does --------------------------------------

static int forked(void)
{
    weft_trace_mark("parent before");
    pid_t pid = fork();
    if (pid == 0) {
        weft_trace_mark("child");
        exit(3);
    }
    int status = 0;
    require(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    weft_trace_mark("parent after");
    return 0;
}

// ---- limit: more than there is room for -------------------------------------------------

static int limit(void)
{
    weft_trace_begin("cut off");
    for (int i = 0; i < 100000; i++)
        weft_trace_mark("tick");
    weft_trace_end();
    return 0;
}

// Threads that come after others continue what those left, so there is room for all.
static int many_threads(void)
{
    for (int i = 0; i < 50; i++) {
        weft_pool *pool = weft_pool_open(kind, .workers = 4);
        require(pool && weft_spawn(pool, nothing, &i) == 0);
        weft_pool_close(&pool);
    }
    return 0;
}

// ---- what does not end as it should -----------------------------------------------------

static weft_event never;

static int wait_for_ever(const int *n, weft_none *none)
{
    (void)n, (void)none;
    weft_trace_begin("forlorn");
    (void)weft_shield(true);
    return weft_event_wait(&never, WEFT_FOREVER);
}
WEFT_TASK(wait_for_ever, int, weft_none);

// Not static, or the compiler drops it; a leak checker sees no stack of a fiber that is left.
weft_future *left;

static int daemon_is_left(void)
{
    left = weft_start_as(WEFT_WITH(.kind = kind, .name = "daemon", .daemon = true), wait_for_ever,
                         &(int){0});
    require(left);
    until_waits("daemon", "weft_event_wait");
    return 0;
}

static int hold_worker(const int *n, weft_none *none)
{
    (void)n, (void)none;
    weft_event_set(&held);
    while (!weft_event_is_set(&never))
        weft_yield(); // it computes: no spare worker comes
    return 0;
}
WEFT_TASK(hold_worker, int, weft_none);

// One is cancelled in the queue, one is run by who joins it.
static int queued(void)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    require(pool && weft_spawn(pool, hold_worker, &(int){0}) == 0);
    require(weft_event_wait(&held, WEFT_FOREVER) == 0);
    weft_future *cancelled = weft_submit(pool, grind, &(int){0});
    weft_future *lent = weft_submit(pool, nothing, &(int){0});
    require(cancelled && lent);
    weft_cancel(cancelled);
    require(weft_join(&cancelled, NULL, 0) < 0);
    require(weft_join(&lent, NULL, 0) == 0);
    weft_event_set(&never);
    weft_pool_close(&pool);
    return 0;
}

static int read_slowly(const int *n, weft_none *none)
{
    (void)n, (void)none;
    weft_trace_begin("in the call");
    return 0;
}
WEFT_TASK(read_slowly, int, weft_none);

static int block(void)
{
    weft_trace_begin("around");
    require(weft_block(read_slowly, &(weft_none){0}, &(int){0}) == 0);
    weft_trace_end();
    return 0;
}

static int status(void)
{
    return 7;
}

// -----------------------------------------------------------------------------------------

static const struct {
    const char *name;
    int (*play)(void);
} scenes[] = {
    {"post", post},
    {"mill", mill},
    {"names", names},
    {"processes", processes},
    {"forked", forked},
    {"limit", limit},
    {"many_threads", many_threads},
    {"daemon", daemon_is_left},
    {"queued", queued},
    {"block", block},
    {"status", status},
};

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[2], "fibers") == 0)
        kind = WEFT_FIBERS;
    for (size_t i = 0; argc > 1 && i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp(argv[1], scenes[i].name) == 0)
            return scenes[i].play();
    return 64;
}
