// SPDX-License-Identifier: MIT
// sandbox_calls.c - the system calls that a chat server needs, and why.
//
// Found by watching it (strace) and by reading what the libraries fall back to on other kernels.
// A call that is missing here ends the server: whoever adds one says what for.
#define _GNU_SOURCE // CLONE_*
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "chat/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif

// A thread of this process, and no namespace.
enum {
    A_THREAD = CLONE_VM | CLONE_THREAD,
    NOT_NEW = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
              CLONE_NEWPID | CLONE_NEWNET,
};
#define PASS(name) \
    { \
        (name), 0, false, \
        { \
            0 \
        } \
    }
#define PASS_IF(name, ...) \
    { \
        (name), 0, true, \
        { \
            __VA_ARGS__ \
        } \
    }
#define REFUSE(name, error) \
    { \
        (name), (error), false, \
        { \
            0 \
        } \
    }
#define WORD UINT32_MAX // an int: what the register holds above it means nothing

const struct sandbox_call sandbox_calls[] = {
    // bytes
    PASS("read"),
    PASS("readv"),
    PASS("write"),
    PASS("writev"),
    PASS("close"),
    PASS("fcntl"), // SQLite's locks

    // connections: accepted, no new place to listen at. Sockets of our own are for the addresses of
    // this machine (netlink, --lan) and for names (DNS, and nscd by a Unix socket).
    PASS("accept4"),
    PASS("bind"), // netlink's
    PASS("connect"),
    PASS("getpeername"),
    PASS("getsockname"),
    PASS("getsockopt"),
    PASS("recvfrom"),
    PASS("recvmsg"),
    PASS("sendmmsg"),
    PASS("sendmsg"),
    PASS("sendto"),
    PASS("setsockopt"),
    PASS("shutdown"),
    PASS_IF("socket", 0, WORD, AF_UNIX),
    PASS_IF("socket", 0, WORD, AF_INET),
    PASS_IF("socket", 0, WORD, AF_INET6),
    PASS_IF("socket", 0, WORD, AF_NETLINK),

    // waiting
    PASS("clock_nanosleep"),
    PASS("epoll_create1"),
    PASS("epoll_ctl"),
    PASS("epoll_pwait"),
    PASS("epoll_pwait2"),
    PASS("epoll_wait"),
    PASS("eventfd2"),
    PASS("futex"),
    PASS("nanosleep"),
    PASS("poll"),
    PASS("ppoll"),
    PASS("pselect6"),
    PASS("restart_syscall"),
    PASS("sched_yield"),
    PASS("select"),
    PASS("signalfd4"),
    // The loop's ring, which was made before and takes few operations (src/os/uring.c). What it
    // does the filter does not see, so there will be no other.
    PASS("io_uring_enter"),
    PASS_IF("io_uring_register", 1, INT32_MAX, IORING_REGISTER_ENABLE_RINGS),
    PASS_IF("io_uring_register", 1, INT32_MAX, IORING_REGISTER_RING_FDS),
    PASS_IF("io_uring_register", 1, INT32_MAX, IORING_UNREGISTER_RING_FDS),
    REFUSE("io_uring_setup", EPERM), // a loop that is refused takes epoll

    // files: the history's, those that are read again, the log's
    PASS("access"),
    PASS("faccessat"),
    PASS("faccessat2"),
    PASS("fallocate"),
    PASS("fchmod"), // SQLite gives its log the history's mode
    PASS("fchown"), // and, as root, its owner
    PASS("fdatasync"),
    PASS("flock"),
    PASS("fstat"),
    PASS("fstatfs"),
    PASS("fsync"),
    PASS("ftruncate"),
    PASS("getcwd"),
    PASS("getdents64"),
    PASS_IF("ioctl", 1, WORD, FIONBIO),
    PASS_IF("ioctl", 1, WORD, FIONREAD),
    PASS_IF("ioctl", 1, WORD, TCGETS), // isatty
    PASS_IF("ioctl", 1, WORD, TIOCGWINSZ),
    PASS("lseek"),
    PASS("lstat"),
    PASS("mkdir"),
    PASS("mkdirat"),
    PASS("newfstatat"),
    PASS("open"),
    PASS("openat"),
    PASS("pread64"),
    PASS("preadv"),
    PASS("pwrite64"),
    PASS("pwritev"),
    PASS("readlink"),
    PASS("readlinkat"),
    PASS("stat"),
    PASS("statfs"),
    PASS("statx"),
    PASS("unlink"), // SQLite's log, a Unix socket's file
    PASS("unlinkat"),

    // memory: never writable and executable at once
    PASS("brk"),
    PASS("madvise"),
    PASS_IF("mmap", 2, PROT_EXEC, 0),
    PASS_IF("mmap", 2, PROT_EXEC | PROT_WRITE, PROT_EXEC), // a library that is loaded late
    PASS_IF("mprotect", 2, PROT_EXEC, 0),
    PASS("mremap"),
    PASS("munmap"),

    // threads, but no process. glibc tries clone3 first, whose flags a filter cannot see.
    PASS_IF("clone", 0, A_THREAD | NOT_NEW, A_THREAD),
    REFUSE("clone3", ENOSYS),
    PASS("exit"),
    PASS("exit_group"),
    PASS("get_robust_list"),
    PASS("membarrier"),
    PASS_IF("prctl", 0, WORD, PR_GET_NAME),
    PASS_IF("prctl", 0, WORD, PR_SET_NAME),
    {"prctl", EINVAL, true, {0, WORD, PR_SET_VMA}}, // names of memory, by a newer glibc
    PASS("rseq"),
    PASS("sched_getaffinity"),
    PASS("sched_getparam"),
    PASS("sched_getscheduler"),
    REFUSE("sched_setaffinity", EPERM),
    PASS("set_robust_list"),
    REFUSE("setpriority", EPERM),

    // signals; to ourselves only, see sandbox.c
    PASS("rt_sigaction"),
    PASS("rt_sigpending"),
    PASS("rt_sigprocmask"),
    PASS("rt_sigreturn"),
    PASS("rt_sigtimedwait"),
    PASS("sigaltstack"),

    // questions
    PASS("clock_getres"),
    PASS("clock_gettime"),
    PASS("getegid"),
    PASS("geteuid"),
    PASS("getgid"),
    PASS("getpid"),
    PASS("getrandom"),
    PASS("getrusage"),
    PASS("gettid"),
    PASS("gettimeofday"),
    PASS("getuid"),
    PASS_IF("prlimit64", 2, UINT64_MAX, 0), // no new limit
    PASS("sysinfo"),
    PASS("time"),
    PASS("uname"),

#ifdef SANDBOX_SANITIZED
    // A sanitizer looks for leaks from a process of its own, which stops this one's threads, and
    // names the lines of a report by another program.
    PASS("arch_prctl"),
    PASS("clone"),
    PASS("dup2"),
    PASS("execve"),
    PASS("fork"),
    PASS("getdents"),
    PASS("getppid"),
    PASS("kill"),
    PASS("mincore"),
    PASS("personality"),
    PASS("pipe"),
    PASS("pipe2"),
    PASS("prctl"),
    PASS("process_vm_readv"),
    PASS("ptrace"),
    PASS("tgkill"),
    PASS("tkill"),
    PASS("wait4"),
#endif
};

const size_t sandbox_call_count = sizeof sandbox_calls / sizeof *sandbox_calls;
