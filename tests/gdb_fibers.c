// SPDX-License-Identifier: MIT
// gdb_fibers.c - fibers parked in different calls, for gdb_test.py to look at.
//
//     gdb_fibers [crash]      with it: leaves a core once all are parked
#define _GNU_SOURCE // pipe2
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <weft/weft.h>

#if defined(__clang__) // makes no clones and does not know the word
#define KEPT __attribute__((noinline)) static
#else
#define KEPT __attribute__((noinline, noclone)) static
#endif

static weft_queue *letters;
static weft_mutex taken;
static weft_event never;
static weft_waitgroup arrived;
static int pipe_fds[2];
static bool crashes;

// Each with a caller of its own, whose name the backtrace must have.
KEPT int wait_for_a_letter(void)
{
    long letter;
    weft_waitgroup_done(&arrived);
    int rc = weft_get(letters, &letter, WEFT_FOREVER);
    return rc < 0 ? rc : (int)letter;
}

static int postman(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return wait_for_a_letter();
}
WEFT_TASK(postman, weft_none, weft_none);

KEPT int wait_for_a_key(void)
{
    weft_waitgroup_done(&arrived);
    weft_lock(&taken);
    weft_unlock(&taken);
    return 0;
}

static int locked_out(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return wait_for_a_key();
}
WEFT_TASK(locked_out, weft_none, weft_none);

KEPT int wait_for_bytes(int fd)
{
    weft_waitgroup_done(&arrived);
    return weft_wait_fd(fd, POLLIN, WEFT_FOREVER);
}

static int reader(const int *fd, weft_none *out)
{
    (void)out;
    return wait_for_bytes(*fd);
}
WEFT_TASK(reader, int, weft_none);

// So deep that registers of many callers lie on the stack.
KEPT long dream(long depth)
{
    volatile long kept[4] = {depth};
    if (depth > 0)
        return dream(depth - 1) + kept[0] - depth;
    weft_waitgroup_done(&arrived);
    return weft_sleep(WEFT_FOREVER) + kept[0];
}

static int dreamer(const long *depth, weft_none *out)
{
    (void)out;
    return (int)dream(*depth);
}
WEFT_TASK(dreamer, long, weft_none);

static int in_a_pool(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    weft_waitgroup_done(&arrived);
    return weft_event_wait(&never, WEFT_FOREVER);
}
WEFT_TASK(in_a_pool, weft_none, weft_none);

// Here gdb stops the program.
KEPT void all_are_parked(void)
{
    if (crashes)
        abort();
}

// And here, on the stack of the loop.
KEPT void is_below(void *letter)
{
    *(volatile char *)letter = 'b';
}

KEPT void go_below(void)
{
    char letter[] = "a";
    weft_on_thread_stack(is_below, letter);
}

// What it starts runs beside it, and has had its turn, and waits, once this one goes on.
static int overseer(const weft_none *none, weft_none *out)
{
    (void)out;
    weft_future *f[] = {
        weft_start(WEFT_FIBERS, postman, none),
        weft_start(WEFT_FIBERS, locked_out, none),
        weft_start(WEFT_FIBERS, reader, &pipe_fds[0]),
        weft_start(WEFT_FIBERS, dreamer, &(long){10}),
    };
    int rc = weft_waitgroup_wait(&arrived, WEFT_FOREVER);
    weft_yield();
    all_are_parked();
    go_below();
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        weft_drop(&f[i]);
    return rc;
}
WEFT_TASK(overseer, weft_none, weft_none);

int main(int argc, char **argv)
{
    (void)argv;
    crashes = argc > 1;
    weft_waitgroup_add(&arrived, 5);
    letters = weft_queue_new(sizeof(long), .capacity = 1);
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "team");
    if (!letters || !pool || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return 1;
    weft_lock(&taken);
    weft_future *member = weft_submit(pool, in_a_pool, "");
    weft_future *last = weft_start(WEFT_FIBERS, overseer, "");
    int rc = weft_join(&last, NULL, 0);
    weft_unlock(&taken);
    weft_drop(&member);
    weft_pool_close(&pool);
    return rc < 0;
}
