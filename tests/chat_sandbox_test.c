// SPDX-License-Identifier: MIT
// chat_sandbox_test.c - programs/chat/sandbox.h: what it lets pass, what it refuses, what ends the
// process. Each case is a process of its own: there is no way out of the sandbox.
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chat/sandbox.h"

enum { DIED = 128 + SIGSYS, OUTSIDE = 77 };

static struct journal journal; // of the child

// What the child does inside is its status; what it logs comes back in `log`.
static int inside(enum log_format format, int (*act)(void), char log[LOG_LINE])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        journal = (struct journal){.fd = ends[1], .who = "test", .format = format};
        int rc = sandbox_enter(&journal);
        if (rc < 0)
            (void)!write(STDERR_FILENO, strerror(-rc), strlen(strerror(-rc)));
        _exit(rc < 0 ? OUTSIDE : act());
    }
    close(ends[1]);
    size_t size = 0;
    for (ssize_t n; (n = read(ends[0], log + size, LOG_LINE - 1 - size)) > 0; size += (size_t)n)
        continue;
    log[size] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == OUTSIDE)
        skip(); // a machine without seccomp, or one that refuses it
    return WEXITSTATUS(status);
}

// ---- what ends the process -------------------------------------------------------------------

static int run_a_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return 0;
}

static int trace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int make_a_process(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    return pid == 0 ? 0 : 1;
}

static int leave_to_a_namespace(void)
{
    return (int)syscall(SYS_unshare, 0x10000000);
}

static int open_a_raw_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static int listen_somewhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return listen(fd, 1);
}

static int make_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
    return at != MAP_FAILED;
}

static int turn_data_into_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(at, 4096, PROT_READ | PROT_EXEC);
}

static int signal_another(void)
{
    return kill(1, 0);
}

static int raise_a_limit(void)
{
    const struct rlimit limit = {1, 1};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int load_a_filter(void)
{
    return prctl(PR_SET_SECCOMP, 0, NULL, 0, 0);
}

static int change_a_ring(void)
{
    return (int)syscall(SYS_io_uring_register, -1, IORING_REGISTER_BUFFERS, NULL, 0);
}

static void what_a_chat_server_never_does_ends_it_and_is_named(void **state)
{
    static const struct {
        int (*act)(void);
        const char *call;
        bool sanitizers_do; // and so it passes under one
    } cases[] = {
        {run_a_program, "execve", true},      {trace, "ptrace", true},
        {make_a_process, "clone", true},      {leave_to_a_namespace, "unshare", false},
        {open_a_raw_socket, "socket", false}, {listen_somewhere, "listen", false},
        {make_code, "mmap", false},           {turn_data_into_code, "mprotect", false},
        {signal_another, "kill", true},       {raise_a_limit, "prlimit64", false},
        {load_a_filter, "prctl", true},       {change_a_ring, "io_uring_register", false},
    };
    char log[LOG_LINE], ending[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].sanitizers_do && SANITIZED)
            continue;
        (void)snprintf(ending, sizeof ending, "Z forbidden call=%s\n", cases[i].call);
        int status = inside(LOG_TEXT, cases[i].act, log);
        if (status != DIED || !strstr(log, ending))
            fail_msg("%s: status %d, log '%s'", cases[i].call, status, log);
        assert_int_equal(strchr(log, '\n')[1], '\0');
    }
}

static void in_a_log_of_json_too(void **state)
{
    char log[LOG_LINE];
    (void)state;
    assert_int_equal(inside(LOG_JSON, leave_to_a_namespace, log), DIED);
    assert_non_null(strstr(log, "\"event\":\"forbidden\",\"call\":\"unshare\"}\n"));
}

static void *leave_it(void *none)
{
    (void)none;
    (void)leave_to_a_namespace();
    return NULL;
}

static int leave_in_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, leave_it, NULL) != 0)
        return 1;
    (void)pthread_join(thread, NULL);
    return 2;
}

static void threads_that_come_later_are_inside_too(void **state)
{
    char log[LOG_LINE];
    (void)state;
    assert_int_equal(inside(LOG_TEXT, leave_in_a_thread, log), DIED);
}

static int fill_the_log_and_leave(void)
{
    char bytes[4096] = {0};
    (void)fcntl(journal.fd, F_SETFL, O_NONBLOCK);
    while (write(journal.fd, bytes, sizeof bytes) > 0)
        continue;
    (void)fcntl(journal.fd, F_SETFL, 0);
    return leave_to_a_namespace();
}

// Nobody reads this log while the process lives.
static void a_log_that_is_full_does_not_hold_up_the_end(void **state)
{
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        journal = (struct journal){.fd = ends[1], .who = "test"};
        _exit(sandbox_enter(&journal) < 0 ? OUTSIDE : fill_the_log_and_leave());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    close(ends[1]);
    if (WEXITSTATUS(status) == OUTSIDE)
        skip();
    assert_int_equal(WEXITSTATUS(status), DIED);
}

// ---- what is refused, what passes --------------------------------------------------------------

static int try_what_is_refused(void)
{
    struct io_uring_params params = {0};
    bool right = syscall(SYS_io_uring_setup, 8, &params) < 0 && errno == EPERM;
    right = right && syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS;
    right = right && syscall(SYS_sched_setaffinity, 0, 0, NULL) < 0 && errno == EPERM;
    return right ? 0 : 1;
}

static void what_libraries_can_do_without_is_refused_only(void **state)
{
    char log[LOG_LINE];
    (void)state;
    assert_int_equal(inside(LOG_TEXT, try_what_is_refused, log), 0);
    assert_string_equal(log, "");
}

static int look_around(void)
{
    bool right = true;
    const int family[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    for (int i = 0; i < 4; i++) {
        int type = family[i] == AF_NETLINK ? SOCK_RAW : SOCK_STREAM;
        int fd = socket(family[i], type, 0);
        right = right && (fd >= 0 || errno == EAFNOSUPPORT);
        (void)close(fd);
    }
    void *at = malloc(1 << 20);
    right = right && at && kill(getpid(), 0) == 0;
    free(at);
    return right ? 0 : 1;
}

static void what_a_server_does_passes(void **state)
{
    char log[LOG_LINE];
    (void)state;
    assert_int_equal(inside(LOG_TEXT, look_around, log), 0);
    assert_string_equal(log, "");
}

// Where the kernel takes no filter.
static int refuse_filters(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void a_kernel_that_refuses_it_is_an_error_and_no_end(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        journal = (struct journal){.fd = STDERR_FILENO, .who = "test"};
        if (refuse_filters() < 0)
            _exit(OUTSIDE);
        struct sigaction before, after;
        (void)sigaction(SIGSYS, NULL, &before);
        int rc = sandbox_enter(&journal);
        (void)sigaction(SIGSYS, NULL, &after);
        bool same = before.sa_handler == after.sa_handler;
        _exit(rc < 0 && same && getppid() > 0 ? 0 : 1); // inside, the last would end it
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == OUTSIDE)
        skip();
    assert_int_equal(status, 0);
}

static void each_row_is_a_call_that_libseccomp_knows_and_none_is_there_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sandbox_call_count; i++) {
        const struct sandbox_call *a = &sandbox_calls[i];
        if (seccomp_syscall_resolve_name(a->name) == __NR_SCMP_ERROR)
            fail_msg("there is no call '%s'", a->name);
        for (size_t j = 0; j < i && !a->only_if && !SANITIZED; j++)
            if (strcmp(sandbox_calls[j].name, a->name) == 0)
                fail_msg("'%s' is there twice", a->name);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_chat_server_never_does_ends_it_and_is_named),
        cmocka_unit_test(in_a_log_of_json_too),
        cmocka_unit_test(threads_that_come_later_are_inside_too),
        cmocka_unit_test(a_log_that_is_full_does_not_hold_up_the_end),
        cmocka_unit_test(what_libraries_can_do_without_is_refused_only),
        cmocka_unit_test(what_a_server_does_passes),
        cmocka_unit_test(a_kernel_that_refuses_it_is_an_error_and_no_end),
        cmocka_unit_test(each_row_is_a_call_that_libseccomp_knows_and_none_is_there_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
