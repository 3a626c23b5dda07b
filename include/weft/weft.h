// SPDX-License-Identifier: MIT
// weft/weft.h - all of weft.
//
//   error.h  how everything fails              time.h    deadlines
//   task.h   a function, its argument and result by value; cancellation, cleanup, task-locals
//   pool.h   run tasks on threads, fibers and processes; futures; groups; map
//   sync.h   locks and signals                 queue.h   values between tasks
//   net.h    sockets; tls.h on them            wait.h    descriptors, signals, calls that block
//   pipe.h   messages between tasks, also of several processes
//   shared.h memory that several processes see, and locks, queues and signals in it
//   trace.h  a timeline of all of it
//   base.h   what these need of the compiler
//   explore.h, which is not included here: a test in every order that its tasks can take
//
//     #include <weft/weft.h>
//
//     static int square(const int *n, long *out) { *out = (long)*n * *n; return 0; }
//     WEFT_TASK(square, int, long);
//
//     int main(void)
//     {
//         long out;
//         weft_future *f = weft_start(WEFT_THREADS, square, &(int){7});
//         return weft_join_as(&f, square, &out) == 0 && out == 49 ? 0 : 1;
//     }
//
// Holds everywhere. Any thread may call weft, also one that weft did not start. A call that takes
// T ** consumes: it sets the pointer to NULL, and accepts NULL. Names that end in _ are weft's own.
// What weft opens is never descriptor 0, 1 or 2, also where the program has closed those.
// A child of a plain fork() finds its locks and queues free and empty, and no tasks: starting
// one there gives -ENOTSUP. (A program that forks before its first task, as daemons do, may start
// tasks in the child.)
//
// When the program exits, weft waits for the tasks that this process started, but for a task that
// has called exit itself. If a pool's on_start called exit, or a hook (on_error,
// weft_on_unobserved) that is told outside of the failed task, weft waits for none. (A task should
// not join one that may call exit: each would wait for the other. Main may join it.) Daemons are
// cancelled and get 100 ms; after that any weft call in them that can wait parks for ever. A main
// that leaves by pthread_exit does not end the program: threads of weft's own, of open pools,
// fibers and processes, are still there. Let it return, which waits.
//
// Environment: WEFT_CHECK=1 finds misuse, deadlocks, leaked futures, fibers that do not wait, and
// what looks like addresses in arguments for other processes.
// WEFT_TRACE=FILE writes a timeline of tasks and waits at exit (trace.h).
// WEFT_IO=uring or epoll: what fibers wait by, if the kernel allows it. Without it io_uring where a
// system call takes more than 250 ns, by a look at the program's first loop, else epoll, which is
// cheaper there (and under valgrind, if its header was there when weft was built). A loop that
// gets no ring for want of memory or descriptors waits by epoll; the next asks anew. Another word
// aborts.
//
// Descriptors of weft's own and, once there was a fiber, membarrier and the calls it waits by have
// to stay: load filters of system calls that refuse those (io_uring_enter, epoll_pwait2), and close
// all that is open (closefrom), before. Who finds either gone aborts with a line.
#ifndef WEFT_H
#define WEFT_H
#include <weft/error.h>
#include <weft/net.h>
#include <weft/pipe.h>
#include <weft/pool.h>
#include <weft/queue.h>
#include <weft/shared.h>
#include <weft/sync.h>
#include <weft/task.h>
#include <weft/time.h>
#include <weft/tls.h>
#include <weft/trace.h>
#include <weft/wait.h>
#endif
