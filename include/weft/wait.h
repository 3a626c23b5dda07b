// SPDX-License-Identifier: MIT
// weft/wait.h - waiting for what is not weft's: descriptors, signals, calls that block.
//
//     sigset_t stop; // <signal.h> has what follows, <poll.h> the events of weft_wait_fd
//     sigemptyset(&stop);
//     sigaddset(&stop, SIGINT);
//     sigaddset(&stop, SIGTERM);
//     pthread_sigmask(SIG_BLOCK, &stop, NULL); // first thing in main, before any thread
//     int sig = weft_wait_signal(&stop, WEFT_FOREVER);
//     if (sig > 0)
//         weft_pool_cancel(pool);
#ifndef WEFT_WAIT_H
#define WEFT_WAIT_H

#include <sys/select.h> // sigset_t
#include <weft/task.h>

WEFT_C_BEGIN

// Wait until poll(2) would report one of `events` (POLLIN, POLLOUT...) for fd, for libraries that
// bring their own sockets. Returns the ready events (> 0; POLLERR and POLLHUP count always),
// -ETIMEDOUT, -ECANCELED, -EBADF (not open), -EMFILE or -ENFILE (a thread needs one descriptor of
// its own to be woken by). fd is borrowed, and must stay open meanwhile. What poll finds ready
// always, a file, a folder or /dev/null, is so at once, on threads and on fibers: to wait for a
// disk, see weft_block.
int weft_wait_fd(int fd, short events, weft_time deadline);

// Wait for one of `set` and take it: its number, -ETIMEDOUT, -ECANCELED, -EINVAL (an empty set),
// -EMFILE, -ENFILE or -ENOMEM. Threads of weft block all asynchronous signals; block those you wait
// for in your own threads too, first thing in main. One task waits for one signal.
int weft_wait_signal(const sigset_t *set, weft_time deadline);

// Call fn(arg, result) where it may block a whole thread: a file, a resolver, a database.
//     struct address address;
//     int rc = weft_block(resolve, &address, &(struct name){.host = "example.org", .port = 80});
// fn is called in place; a pool whose workers all wait may start a spare one meanwhile. Argument
// and result are used where they are. Returns fn's code, or -ECANCELED or -ETIMEDOUT before it
// began; once begun it is waited for.
// On a fiber fn runs on one of four threads that all fibers share, as a task of its own: with its
// own weft_local values, asked to stop when the caller is, and with copies of argument and result.
// While the four are busy others wait their turn; name lookups of net.h take none. Then also
// -ENOMEM, and -EAGAIN: no thread can be had.
#define weft_block(fn, result, ...) \
    ((void)sizeof(fn(__VA_ARGS__, (result))), weft_block_(&fn##_task, (result), __VA_ARGS__))
int weft_block_(const struct weft_task *task, void *result, const void *arg)
    WEFT_NOT_NULL_(1, 2, 3);

// Call fn(arg) on the stack of the calling thread: for what goes deeper than a fiber's stack, such
// as libcurl, OpenSSL or a recursive parser, and shall not make each fiber's large. In place and at
// once, whatever the task. A fiber's thread is its loop's, which has 8 MiB; to go there and back
// takes some 30 ns. fn runs in the same task. On a fiber it must not wait: a call that would,
// weft_yield, and weft_wait_fd but with WEFT_POLL, abort the program with a line that says so. It
// may try (WEFT_POLL), start tasks, submit and wake others. Nor must it leave but by its return.
// Calls inside it are made in place. See weft_block for what blocks.
void weft_on_thread_stack(void (*fn)(void *arg), void *arg) WEFT_NOT_NULL_(1);

WEFT_C_END
#endif
